"""Bundles: small real sets in one form: classes.json, splits/*.txt, images/*.jpg and labels/*.png."""

import hashlib
import warnings
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from sempal_lib.datasets.files import Shelf, lines_of, text_of
from sempal_lib.datasets.folders import Drives, FolderScenes, Scene, check_apart, check_split, of_drives, warn_if_fewer
from sempal_lib.label_spaces import IGNORE
from sempal_lib.labels import LabelSpace

_APART = ("train", "val", "test")  # the splits that share no scene
_Byte = Annotated[int, Field(ge=0, le=255)]


class _Class(BaseModel):
    index: _Byte
    name: str
    color: tuple[_Byte, _Byte, _Byte]


class _Classes(BaseModel):
    name: str
    num_classes: Annotated[int, Field(ge=1, le=255)]
    ignore_index: _Byte | None
    classes: list[_Class]
    splits: dict[str, int]


def is_bundle(root: Path) -> bool:
    """Whether a folder says so; one of cross-view panels has a classes.json of another kind."""
    return (root / "classes.json").is_file() and not (root / "panels").is_dir()


def bundle_name(root: Path) -> str:
    """The name that a bundle gives itself."""
    return _read_classes(root / "classes.json").name


def load_bundle(
    root: Path,
    split: str = "train",
    size: tuple[int, int] | None = None,
    limit: int | None = None,
    name: str | None = None,
    drives: Drives | None = None,
) -> FolderScenes:
    """Scenes of a bundle; ignored pixels become 255, whatever the bundle calls them.

    Args:
        root: the bundle's folder. split: a file of its splits folder.
        size: (H, W), None: as the files are. limit: at most so many scenes, the first ones.
        name: of the set, where it is not the bundle's own. drives: split the scenes of these lists anew, by drive.
    Raises:
        ValueError for a damaged classes.json or list, for a split that does not exist, for an id that stands twice in
        a list or in two of train, val and test, and for one that leads out of the bundle. FileNotFoundError for
        missing files; and what FolderScenes raises. UserWarning for fewer scenes than classes.json says, and for
        scenes whose files are equal under two ids.
    """
    classes = _read_classes(root / "classes.json")
    listed = sorted(classes.classes, key=lambda entry: entry.index)
    listed = [entry for entry in listed if entry.index != classes.ignore_index]
    space = LabelSpace(
        tuple(entry.name for entry in listed),
        tuple(entry.color for entry in listed),
        None if classes.ignore_index is None else IGNORE,
    )
    table = {index: index for index in range(space.num_classes)}
    if classes.ignore_index is not None:
        table[classes.ignore_index] = IGNORE
    name = name or classes.name
    splits = [split] if drives is None else list(drives)
    if drives is not None:
        check_split(name, split, splits)
    scenes = {key: scene for one in splits for key, scene in _scenes(root, name, one).items()}
    published = sum(classes.splits.get(one, 0) for one in splits)
    warn_if_fewer(f"{name}, {' and '.join(splits)}", len(scenes), published, root)
    if drives is not None:
        scenes = of_drives(name, scenes, drives, split)
    return FolderScenes(name, list(scenes.values())[:limit], space, table, size)


def _read_classes(path: Path) -> _Classes:
    try:
        classes = _Classes.model_validate_json(text_of(path), strict=True)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'the file'}: {fault['msg']}" for fault in error.errors()[:5]
        )
        raise ValueError(f"{path} is no class list of a bundle ({faults}): copy it again") from error
    found = sorted(entry.index for entry in classes.classes if entry.index != classes.ignore_index)
    if found != list(range(classes.num_classes)):
        raise ValueError(
            f"{path}: num_classes is {classes.num_classes} but the classes listed have the indices {found}, "
            f"expected 0 to {classes.num_classes - 1}, each once, and ignore_index outside: copy it again"
        )
    names = [entry.name for entry in classes.classes]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{path}: two classes are called {twice[0]!r}: give each class a name of its own")
    return classes


def _listings(root: Path, name: str) -> dict[str, Path]:
    """The list of each split."""
    if not (root / "splits").is_dir():
        raise FileNotFoundError(
            f"{name}: there is no folder {root / 'splits'}, expected with a <split>.txt for each split, one id a "
            "line: the folder looks half-copied, copy it again"
        )
    listings = {path.stem: path for path in sorted((root / "splits").glob("*.txt"))}
    if not listings:
        raise FileNotFoundError(f"{name}: {root / 'splits'} holds no <split>.txt: copy the bundle again")
    return listings


def _scenes(root: Path, name: str, split: str) -> dict[str, Scene]:
    """The scenes of a list by their ids."""
    listings = _listings(root, name)
    check_split(name, split, list(listings))
    # Lists of other names, as trainval, may hold the same scenes.
    apart = [split, *(other for other in _APART if split in _APART and other != split and other in listings)]
    keys = {listings[other]: lines_of(listings[other]) for other in apart}
    check_apart(keys)
    sizes = _sizes(root, keys)
    mine = keys[listings[split]]
    scenes = {key: Scene(root / "images" / f"{key}.jpg", root / "labels" / f"{key}.png") for key in mine}
    missing = [
        path
        for key, scene in scenes.items()
        for path, size in zip((scene.image, scene.label), sizes[key], strict=True)
        if size is None
    ]
    if missing or not scenes:
        first = f", the first is {missing[0]}" if missing else ""
        raise FileNotFoundError(
            f"{name}: {listings[split]} lists {len(scenes)} scenes, {len(missing)} of their files are missing"
            f"{first}: the folder looks half-copied, copy it again"
        )
    _warn_of_copies(root, name, sizes)
    return scenes


def _sizes(root: Path, keys: dict[Path, list[str]]) -> dict[str, tuple[int | None, int | None]]:
    """Bytes of the image and of the label map of each id, None for a file that is not there."""
    images, labels = Shelf(root / "images", ".jpg"), Shelf(root / "labels", ".png")
    return {
        key: (images.size_of(key, listing), labels.size_of(key, listing))
        for listing, listed in keys.items()
        for key in listed
    }


def _warn_of_copies(root: Path, name: str, sizes: dict[str, tuple[int | None, int | None]]) -> None:
    """UserWarning if two ids have equal files. Only files of equal size are read: in real sets nearly none."""
    alike: dict[tuple[int | None, int | None], list[str]] = {}
    for key, size in sizes.items():
        if None not in size:
            alike.setdefault(size, []).append(key)
    copies: dict[bytes, list[str]] = {}
    for keys in alike.values():
        for key in keys if len(keys) > 1 else ():
            copies.setdefault(_digest(root, key), []).append(key)
    found = [keys for keys in copies.values() if len(keys) > 1]
    if found:
        others = sum(map(len, found)) - 2
        warnings.warn(
            f"{name}: the scenes {' and '.join(found[0][:2])} in {root / 'splits'} are copies, image and label alike"
            f"{f', and so are {others} others' if others else ''}: they count double, and in train and in val results "
            "are of scenes seen in training; take the copies out of the lists",
            stacklevel=4,
        )


def _digest(root: Path, key: str) -> bytes:
    digest = hashlib.blake2b()
    for path in (root / "images" / f"{key}.jpg", root / "labels" / f"{key}.png"):
        digest.update(path.read_bytes())
    return digest.digest()
