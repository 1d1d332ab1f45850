"""What every data set of the book looks like from outside."""

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from sempal_lib.labels import LabelSpace


class SceneDataset(Dataset):
    """Scenes with their layouts.

    An item is a dict: "image", float32 [3, H, W] in [-1, 1]; "layout", int64 [H, W]; where the set has them
    "instances", int64 [H, W], 0 for pixels of no instance; "style", a dict of the known factors; and "view", the same
    scene from elsewhere, a dict of its "image" and "layout".

    Attributes:
        name: as given to `load`. label_space: its classes. size: (H, W) in pixels.
    """

    name: str
    label_space: LabelSpace
    size: tuple[int, int]

    def __len__(self) -> int:
        raise NotImplementedError

    def __getitem__(self, index: int) -> dict:
        raise NotImplementedError

    def layout(self, index: int) -> Tensor:
        """One layout without its image, uint8 [H, W]. Sets that can make or read it alone do so."""
        return self[index]["layout"].to(torch.uint8)

    def layouts(self, workers: int = 0) -> Tensor:
        """All layouts, uint8 [N, H, W], in order.

        Layout generators train on this one tensor: at 128×256 the 2,975 scenes of Cityscapes take 97 MB.

        Args:
            workers: processes that read or make layouts, 0 for this one.
        Raises:
            ValueError: every pixel is ignored; and what reading raises.
        """
        loader = DataLoader(_LayoutsOnly(self), batch_size=64, num_workers=workers)
        return self._with_classes(torch.cat(list(loader)))

    def pairs(self, workers: int = 0) -> tuple[Tensor, Tensor]:
        """All pictures, uint8 [N, 3, H, W], and their layouts, uint8 [N, H, W], in order.

        Synthesizers and segmenters train on these: at 128×256 the 2,975 scenes of Cityscapes take 390 MB.

        Args:
            workers: processes that read or make scenes, 0 for this one.
        Raises:
            ValueError: every pixel is ignored; and what reading raises.
        """
        loader = DataLoader(_Pairs(self), batch_size=64, num_workers=workers)
        images, layouts = zip(*loader, strict=True)
        return torch.cat(images), self._with_classes(torch.cat(layouts))

    def crossings(self, workers: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """`pairs` of the scenes, and of the same scenes from the other view: images, layouts, images, layouts.

        Raises:
            ValueError: the set has no other view; and what reading raises.
        """
        loader = DataLoader(_Crossings(self), batch_size=64, num_workers=workers)
        images, layouts, others, other_layouts = (torch.cat(found) for found in zip(*loader, strict=True))
        return images, self._with_classes(layouts), others, other_layouts

    def where(self, index: int) -> str:
        """What to call a layout in an error: its file, where it has one."""
        return f"scene {index}"

    def _with_classes(self, layouts: Tensor) -> Tensor:
        """The layouts, or a ValueError if no pixel of them is of a class."""
        if not bool((layouts < self.label_space.num_classes).any()):
            raise ValueError(
                f"{self.name}: all pixels of {self.where(0)} and of the other {len(layouts) - 1} layouts are ignored, "
                "nothing can be learnt of them: check the label maps, and ignore_index in the class list"
            )
        return layouts


class _LayoutsOnly(Dataset):
    def __init__(self, scenes: SceneDataset):
        self.scenes = scenes

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, index: int) -> Tensor:
        return self.scenes.layout(index)


class _Pairs(_LayoutsOnly):
    def __getitem__(self, index: int) -> tuple[Tensor, ...]:  # type: ignore[override]
        return _as_bytes(self.scenes[index])


class _Crossings(_LayoutsOnly):
    def __getitem__(self, index: int) -> tuple[Tensor, ...]:  # type: ignore[override]
        scene = self.scenes[index]
        if "view" not in scene:
            raise ValueError(f"{self.scenes.name} shows its scenes from one view: take toy-crossview, cvusa or dayton")
        return (*_as_bytes(scene), *_as_bytes(scene["view"]))


def _as_bytes(scene: dict) -> tuple[Tensor, Tensor]:
    image = ((scene["image"] + 1) * 127.5).round().clamp(0, 255)
    return image.to(torch.uint8), scene["layout"].to(torch.uint8)


class FromTheOtherView(SceneDataset):
    """A set with the views exchanged: of aerial to ground it makes ground to aerial."""

    def __init__(self, scenes: SceneDataset):
        self.scenes, self.name, self.label_space, self.size = scenes, scenes.name, scenes.label_space, scenes.size

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, index: int) -> dict:
        scene = dict(self.scenes[index])
        view = scene.pop("view")
        own = {key: scene.pop(key) for key in view}
        return {**scene, **view, "view": own}

    def where(self, index: int) -> str:
        return self.scenes.where(index)
