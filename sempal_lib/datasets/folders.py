"""Scenes that lie in files, an image and a label map each: reading, checking, cropping and scaling them."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sempal_lib.datasets.files import picture, picture_size, rgb_picture
from sempal_lib.label_spaces import Table
from sempal_lib.labels import LabelSpace
from sempal_lib.scenes import SceneDataset

Drives = Mapping[str, tuple[str, ...]]  # split -> the drives whose scenes it has
_Anything = TypeVar("_Anything")


@dataclass(frozen=True)
class Scene:
    """The files of one scene."""

    image: Path
    label: Path
    instances: Path | None = None


def class_codes(image: Image.Image, path: Path) -> Image.Image:
    """Label map of class indices, 8 bit, as it is."""
    if image.mode not in ("L", "P", "1"):
        raise ValueError(
            f"{path}: a picture of mode {image.mode}, expected a label map: one channel of 8 bits, value = class index"
        )
    return image.convert("L") if image.mode == "1" else image


def id_codes(image: Image.Image, path: Path) -> Image.Image:
    """Label map of ids, or of instances (1000 · id + number), to a label map of ids."""
    if not image.mode.startswith("I"):
        return class_codes(image, path)
    values = np.asarray(image).astype(np.int64)
    ids = np.where(values > 999, values // 1000, values)
    if ids.min() < 0 or ids.max() > 255:
        raise ValueError(
            f"{path}: values {values.min()} to {values.max()} are out of range, expected ids 0 to 255 "
            "or instances 1000 · id + number: check that this is a label map"
        )
    return Image.fromarray(ids.astype(np.uint8))


class FolderScenes(SceneDataset):
    """Scenes read from files, each image with its label map.

    A scene is never stretched: what does not fit the aspect of `size` is cropped or padded, then image (bilinear
    with antialiasing) and labels (nearest) are scaled.

    Args:
        name: as given to `load`. scenes: the files.
        label_space: the classes. table: code in the label files -> class, or IGNORE.
        size: (H, W) of the items; None: of the first label map.
        codes: turns an opened label file into an 8-bit image of codes.
        frame: (H, W) to which images and labels are squeezed before cropping, where they differ in size.
        crop: what stays: "centre", "top", or "random", a height drawn for each scene from `seed`; "pad": everything,
            on a white ground of class code 0.
    Raises:
        ValueError naming the file: here for a file that is no image and for an image and a label of different
        size; on reading for damaged data and for label values out of range. `check` reads everything.
    """

    def __init__(
        self,
        name: str,
        scenes: Sequence[Scene],
        label_space: LabelSpace,
        table: Table,
        size: tuple[int, int] | None = None,
        *,
        codes: Callable[[Image.Image, Path], Image.Image] = class_codes,
        frame: tuple[int, int] | None = None,
        crop: str = "centre",
        seed: int = 0,
    ):
        self.name = name
        self.label_space = label_space
        self.scenes = list(scenes)
        self._table = np.full(256, -1, dtype=np.int16)
        self._table[list(table)] = list(table.values())
        self._codes, self._frame, self._crop, self._seed = codes, frame, crop, seed
        if not self.scenes:
            raise ValueError(f"{name}: no scenes, expected at least one: check the folder")
        self._sizes = [self._sizes_of(scene) for scene in self.scenes]
        self.size = size or self._sizes[0][1]

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, index: int) -> dict:
        scene = self.scenes[index]
        image = self._unchanged(rgb_picture(scene.image), scene.image, self._sizes[index][0])
        pixels = np.asarray(self._fit(image, index, Image.Resampling.BILINEAR))
        item = {
            "image": torch.from_numpy(pixels.astype(np.float32) / 127.5 - 1).movedim(-1, 0).contiguous(),
            "layout": self.layout(index).long(),
        }
        if scene.instances is not None:
            image = self._unchanged(picture(scene.instances, lossless=True), scene.instances, self._sizes[index][1])
            if not image.mode.startswith("I"):
                image = class_codes(image, scene.instances)
            values = np.asarray(self._fit(image, index, Image.Resampling.NEAREST)).astype(np.int64)
            item["instances"] = torch.from_numpy(np.where(values > 999, values, 0))
        return item

    def layout(self, index: int) -> Tensor:
        """One layout, uint8 [H, W], without reading its image."""
        path = self.scenes[index].label
        image = self._unchanged(picture(path, lossless=True), path, self._sizes[index][1])
        codes = self._codes(image, path)
        found = np.flatnonzero(codes.histogram())
        unknown = found[self._table[found] < 0]
        if len(unknown):
            raise ValueError(
                f"{path}: label values {_ranges(unknown)} are out of range, expected "
                f"{_ranges(np.flatnonzero(self._table >= 0))}: check that this is a label map of {self.name}"
            )
        codes = self._fit(codes, index, Image.Resampling.NEAREST)
        return torch.from_numpy(self._table[np.asarray(codes)].astype(np.uint8))

    def where(self, index: int) -> str:
        return str(self.scenes[index].label)

    def check(self) -> str:
        """Read every file; a line of summary. Raises ValueError that lists the first ten faults."""
        return read_all(self)

    def _sizes_of(self, scene: Scene) -> tuple[tuple[int, int], tuple[int, int]]:
        """(H, W) of the image and of the label map by their headers; a check that the two belong together."""
        size, labels = picture_size(scene.image), picture_size(scene.label)
        if size != labels and labels != self._frame:
            raise ValueError(
                f"{scene.image} is {size[0]}×{size[1]} pixels but its label map {scene.label} is "
                f"{labels[0]}×{labels[1]} (height × width, upright as EXIF says): they must be of one size, copy the "
                "right one"
            )
        return size, labels

    @staticmethod
    def _unchanged(image: Image.Image, path: Path, size: tuple[int, int]) -> Image.Image:
        if (image.height, image.width) != size:
            raise ValueError(
                f"{path} is {image.height}×{image.width} pixels, expected {size[0]}×{size[1]} as when the set was "
                "loaded, and as its label map: load the set again"
            )
        return image

    def _fit(self, image: Image.Image, index: int, resample: Image.Resampling) -> Image.Image:
        """Crop to the aspect of `size`, and scale to it, in one step."""
        height, width = self.size
        if self._crop == "pad":
            wide = max(image.width, round(image.height * width / height))
            high = max(image.height, round(image.width * height / width))
            ground = Image.new(image.mode, (wide, high), (255, 255, 255) if image.mode == "RGB" else 0)
            ground.paste(image, ((wide - image.width) // 2, (high - image.height) // 2))
            return ground.resize((width, height), resample)
        frame_height, frame_width = self._frame or (image.height, image.width)
        crop_height = min(frame_height, frame_width * height / width)
        crop_width = min(frame_width, frame_height * width / height)
        top = int(self._place(index) * (frame_height - crop_height))
        left = int((frame_width - crop_width) / 2)
        x, y = image.width / frame_width, image.height / frame_height
        right = min((left + crop_width) * x, image.width)  # Pillow refuses a box that rounding pushes out
        bottom = min((top + crop_height) * y, image.height)
        return image.resize((width, height), resample, box=(left * x, top * y, right, bottom))

    def _place(self, index: int) -> float:
        """Where the crop lies in the room above and below it: 0 at the top, 1 at the bottom."""
        if self._crop == "random":
            return float(np.random.default_rng([self._seed, index % len(self)]).random())
        return {"top": 0.0, "centre": 0.5}[self._crop]


def read_all(scenes: SceneDataset) -> str:
    """Read every scene; a line of summary. Raises ValueError that lists the first ten faults."""
    faults = []
    for index in range(len(scenes)):
        try:
            scenes[index]
        except ValueError as error:
            faults.append(str(error))
    if faults:
        raise ValueError(f"{len(faults)} of {len(scenes)} scenes are faulty:\n" + "\n".join(faults[:10]))
    height, width = scenes.size
    classes = scenes.label_space.num_classes
    return f"{scenes.name}: {len(scenes)} scenes read, {classes} classes, {height}×{width} pixels"


def _ranges(values: np.ndarray) -> str:
    """[0, 1, 2, 255] as "0 to 2, 255"."""
    runs = groupby(enumerate(values.tolist()), key=lambda pair: pair[1] - pair[0])
    ends = [[value for _, value in run] for _, run in runs]
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in ends)


def files_by_key(folder: Path, pattern: str, key: Callable[[Path], str]) -> dict[str, Path]:
    """Files of a folder by what pairs them, sorted by path; without hidden files (macOS writes `._name`)."""
    return {key(path): path for path in sorted(folder.glob(pattern)) if not path.name.startswith(".")}


def pair(
    what: str,
    images: dict[str, Path],
    labels: dict[str, Path],
    instances: dict[str, Path] | None = None,
    spare_labels: bool = False,
) -> list[Scene]:
    """Images with their label maps, and instance maps where there are any, in the images' order.

    Args:
        what: the data set and split, for the message.
        spare_labels: label maps without an image are left out instead of refused.
    Raises:
        FileNotFoundError naming the first file that lacks its partner, and how many do.
    """
    for have, partners, kind, partner in (
        (images, labels, "image", "label map"),
        (labels, labels if spare_labels else images, "label map", "image"),
    ):
        alone = [path for key, path in have.items() if key not in partners]
        if alone:
            raise FileNotFoundError(
                f"{what}: {len(alone)} of {len(have)} {kind}s have no {partner}, the first is {alone[0]}: "
                "the folder looks half-copied, copy it again"
            )
    return [Scene(path, labels[key], (instances or {}).get(key)) for key, path in images.items()]


def of_drives(name: str, scenes: Mapping[str, _Anything], drives: Drives, split: str) -> dict[str, _Anything]:
    """Of scenes by id those of the drives of one split. An id begins with its drive: "0016E5_07959".

    Raises:
        ValueError for a scene of no known drive, which else would be in no split. FileNotFoundError if none is left.
    """
    known = [drive for listed in drives.values() for drive in listed]
    strange = [key for key in scenes if key.partition("_")[0] not in known]
    if strange:
        raise ValueError(
            f"{name}: the scene {strange[0]!r}, and {len(strange) - 1} others, are of none of the drives "
            f"{', '.join(known)}, by which the set is split: take the set as it is published"
        )
    found = {key: scene for key, scene in scenes.items() if key.partition("_")[0] in drives[split]}
    if not found:
        raise FileNotFoundError(
            f"{name}: there is no scene of {' or '.join(drives[split])} for the split {split!r}: the folder looks "
            "half-copied, copy it again"
        )
    return found


def warn_if_fewer(what: str, found: int, published: int, folder: Path) -> None:
    """UserWarning if a set has fewer scenes than its authors published."""
    if found < published:
        warnings.warn(
            f"{what}: {found} of {published} scenes are in {folder}, the folder looks half-copied: "
            "results will not compare with published ones",
            stacklevel=4,
        )


def check_split(name: str, split: str, splits: Sequence[str]) -> None:
    """Raise ValueError if the set has no such split."""
    if split not in splits:
        raise ValueError(f"{name} has no split {split!r}: choose {' or '.join(map(repr, splits))}")


def check_apart(listings: dict[Path, list[str]]) -> None:
    """Raise ValueError if an id stands twice in a list, or in two lists that should share none.

    Args:
        listings: files of splits, and the ids in each.
    """
    seen: dict[str, Path] = {}
    for listing, keys in listings.items():
        for key in keys:
            if key in seen and seen[key] == listing:
                raise ValueError(f"{listing} lists the scene {key!r} twice or more: keep it once")
            if key in seen:
                raise ValueError(
                    f"the scene {key!r} stands in {seen[key]} and in {listing}: keep it in one of them, or results "
                    "are of scenes seen in training"
                )
            seen[key] = listing
