"""Bundles: small real sets in one form: classes.json, splits/*.txt, images/*.jpg and labels/*.png."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from sempal_lib.datasets.folders import FolderScenes, Scene, check_split, warn_if_fewer
from sempal_lib.label_spaces import IGNORE
from sempal_lib.labels import LabelSpace

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
    return (root / "classes.json").is_file()


def bundle_name(root: Path) -> str:
    """The name that a bundle gives itself."""
    return _read_classes(root / "classes.json").name


def load_bundle(
    root: Path,
    split: str = "train",
    size: tuple[int, int] | None = None,
    limit: int | None = None,
) -> FolderScenes:
    """Scenes of a bundle; ignored pixels become 255, whatever the bundle calls them.

    Args:
        root: the bundle's folder. split: a file of its splits folder.
        size: (H, W), None: as the files are. limit: at most so many scenes, the first ones.
    Raises:
        ValueError for a damaged classes.json and for a split that does not exist, FileNotFoundError for
        missing files; and what FolderScenes raises. UserWarning for fewer scenes than classes.json says.
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
    scenes = _scenes(root, classes.name, split)
    warn_if_fewer(f"{classes.name}, {split}", len(scenes), classes.splits.get(split, 0), root)
    return FolderScenes(classes.name, scenes[:limit], space, table, size)


def _read_classes(path: Path) -> _Classes:
    try:
        classes = _Classes.model_validate_json(path.read_bytes(), strict=True)
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
    return classes


def _scenes(root: Path, name: str, split: str) -> list[Scene]:
    check_split(name, split, sorted(path.stem for path in (root / "splits").glob("*.txt")))
    split_file = root / "splits" / f"{split}.txt"
    keys = split_file.read_text(encoding="utf-8").split()
    scenes = [Scene(root / "images" / f"{key}.jpg", root / "labels" / f"{key}.png") for key in keys]
    files = [path for scene in scenes for path in (scene.image, scene.label)]
    missing = [path for path in files if not path.is_file()]
    if missing or not scenes:
        first = f", the first is {missing[0]}" if missing else ""
        raise FileNotFoundError(
            f"{name}: {split_file} lists {len(scenes)} scenes, {len(missing)} of their files are missing"
            f"{first}: the folder looks half-copied, copy it again"
        )
    return scenes
