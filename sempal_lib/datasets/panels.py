"""Cross-view sets: each scene one picture, in which both views and their layouts stand side by side as square tiles.

Order and colours of the tiles follow §6 of the fact sheet on image GANs. The layouts are predictions, not annotation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sempal_lib.datasets.files import picture_size, rgb_picture
from sempal_lib.datasets.folders import read_all, warn_if_fewer
from sempal_lib.datasets.published import OfficialSet, Request
from sempal_lib.label_spaces import IGNORE
from sempal_lib.labels import CITYSCAPES_19, LabelSpace, label_space_of
from sempal_lib.scenes import SceneDataset

# LGGAN's six groups of Cityscapes' classes, by their grey values 10 to 60 in the label tiles; 0 is void.
GROUPS_6 = label_space_of(
    [("vehicle", (0, 0, 142)), ("ground", (128, 64, 128)), ("object or human", (220, 20, 60)),
     ("structure", (70, 70, 70)), ("sky", (70, 130, 180)), ("vegetation", (107, 142, 35))], ignore_index=IGNORE,
)  # fmt: skip
# CVUSA's own four classes, of the ground view alone: the aerial tile is black.
CVUSA_4 = label_space_of(
    [("sky", (0, 0, 0)), ("man-made", (0, 0, 255)), ("road", (255, 0, 0)), ("vegetation", (0, 255, 0))],
    ignore_index=IGNORE,
)  # fmt: skip
_GREYS = tuple((value,) * 3 for value in range(10, 70, 10))
_VOID = (0, 0, 0)


@dataclass(frozen=True)
class Form:
    """What a panel holds.

    Args:
        tiles: how many, side by side; the first two are the pictures of the source's and of the target's view.
        layouts: the tile of the source's layout; that of the target's is the next one.
        space: the classes. colors: of the classes in those tiles; black is void where no class has it.
    """

    tiles: int
    layouts: int
    space: LabelSpace
    colors: tuple[tuple[int, ...], ...]


COLORED_19 = Form(6, 2, CITYSCAPES_19, CITYSCAPES_19.colors)
GROUPED_6 = Form(6, 4, GROUPS_6, _GREYS)
COLORED_4 = Form(4, 2, CVUSA_4, CVUSA_4.colors)


class PanelScenes(SceneDataset):
    """Scenes of panels. Items: "image" and "layout" of the target's view, and "view", the same of the source's.

    Args:
        name: as given to `load`. files: the panels. form: what they hold. size: (H, H); None: of the first panel.
    Raises:
        ValueError naming the file: here for a panel whose tiles are not square or not as many as expected; on
        reading for damage and for colours that no class has. In JPEG the nearest class's colour counts.
    """

    def __init__(self, name: str, files: Sequence[Path], form: Form, size: tuple[int, int] | None = None):
        self.name, self.files, self.form, self.label_space = name, list(files), form, form.space
        if not self.files:
            raise ValueError(f"{name}: no panels, expected at least one: check the folder")
        sides = [self._side(path) for path in self.files]
        self.size = size or (sides[0], sides[0])
        if self.size[0] != self.size[1]:
            raise ValueError(f"{name} cannot be made at {size}: its tiles are square, give height = width")

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> dict:
        tiles = self._tiles(index)
        source, target = (self._seen(tiles, view, self.files[index]) for view in (0, 1))
        return {**target, "view": source}

    def layout(self, index: int) -> Tensor:
        return self._layout(self._tiles(index), 1, self.files[index])

    def where(self, index: int) -> str:
        return str(self.files[index])

    def check(self) -> str:
        """As `FolderScenes.check`."""
        return read_all(self)

    def _side(self, path: Path) -> int:
        height, width = picture_size(path)
        count = self.form.tiles
        if width != count * height:
            shown = f"{width // height} tiles" if width % height == 0 else "no whole number of square tiles"
            raise ValueError(
                f"{path} is {height}×{width} pixels, {shown}, expected {count} square ones side by side "
                f"({height}×{count * height}): {_ORDER[count]}. Copy the panel again, or load the set of this form"
            )
        return height

    def _tiles(self, index: int) -> list[Image.Image]:
        path = self.files[index]
        side, panel = self._side(path), rgb_picture(path)
        return [panel.crop((i * side, 0, (i + 1) * side, side)) for i in range(self.form.tiles)]

    def _seen(self, tiles: list[Image.Image], view: int, path: Path) -> dict[str, Tensor]:
        height, width = self.size
        pixels = np.asarray(tiles[view].resize((width, height), Image.Resampling.BILINEAR))
        image = torch.from_numpy(pixels.astype(np.float32) / 127.5 - 1).movedim(-1, 0).contiguous()
        return {"image": image, "layout": self._layout(tiles, view, path).long()}

    def _layout(self, tiles: list[Image.Image], view: int, path: Path) -> Tensor:
        """Classes by colour, uint8 [H, W]; IGNORE where the tile is void."""
        height, width = self.size
        tile = tiles[self.form.layouts + view].resize((width, height), Image.Resampling.NEAREST)
        known = np.array([*self.form.colors, _VOID], np.int32)
        away = np.abs(np.asarray(tile, np.int32)[:, :, None] - known).sum(-1)
        nearest = away.argmin(-1)
        lossy = path.suffix.lower() != ".png"
        wrong = away.min(-1) > (120 if lossy else 0)
        if wrong.mean() > (0.15 if lossy else 0):  # JPEG blurs colours where classes meet
            color = np.asarray(tile)[wrong][0].tolist()
            raise ValueError(
                f"{path}: {int(wrong.sum())} pixels of the layout's tile {self.form.layouts + view + 1} have the "
                f"colour of no class, the first is {color}: check the order of the tiles, and the set's form"
            )
        return torch.from_numpy(np.where(nearest == len(self.form.colors), IGNORE, nearest).astype(np.uint8))


_ORDER = {
    6: "source's picture, target's picture, both layouts in colours, both layouts in six grey values",
    4: "source's picture, target's picture, both layouts in colours",
}


def _read(form: Form, below: str = "") -> Callable[[Request], PanelScenes]:
    def read(request: Request) -> PanelScenes:
        folder = request.root / below / {"train": "train", "val": "test"}[request.split]
        files = sorted(path for end in ("png", "jpg") for path in folder.glob(f"*.{end}") if path.name[0] != ".")
        if not files:
            raise request.missing(folder)
        warn_if_fewer(request.what, len(files), request.published.splits[request.split], request.root)
        return PanelScenes(request.name, files[: request.limit], form, request.size)

    return read


_LGGAN = "https://github.com/Ha0Tang/LGGAN (cross_view_translation, its data page)"
_PANEL = f"<train|test>/<id>.png or .jpg, 256×1536: {_ORDER[6]}"


def _set(train: int, val: int, form: Form, folder: str | None = None, below: str = "") -> OfficialSet:
    expected = _PANEL if form.tiles == 6 else f"<train|test>/<id>.jpg, 256×1024: {_ORDER[4]}"
    source = _LGGAN if form.tiles == 6 else "https://github.com/Ha0Tang/SelectionGAN (selectiongan_v1, its data page)"
    return OfficialSet({"train": train, "val": val}, f"{below}/{expected}".lstrip("/"), source, _read(form, below),
                       folder)  # fmt: skip


_SAMPLES = "crossview-samples"
PANELS = {
    "dayton": _set(55000, 21048, COLORED_19),
    "dayton-6": _set(55000, 21048, GROUPED_6, "dayton"),
    "cvusa": _set(35532, 8884, COLORED_19),
    "cvusa-6": _set(35532, 8884, GROUPED_6, "cvusa"),
    "cvusa-4": _set(35532, 8884, COLORED_4),
    "dayton-samples": _set(10, 12, COLORED_19, _SAMPLES, "panels/lggan_dayton"),
    "cvusa-samples": _set(11, 12, COLORED_19, _SAMPLES, "panels/lggan_cvusa"),
    "sva-samples": _set(11, 10, COLORED_19, _SAMPLES, "panels/lggan_sva"),
    "cvusa-4-samples": _set(4, 4, COLORED_4, _SAMPLES, "panels/selectiongan_cvusa"),
}
