"""What the parts of a generator's latent are: a code of the whole picture, and codes of classes at layers."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Latents:
    """How the one vector z of a generator splits: the global code z₁ first, then layer by layer a code for each class.

    Layers are counted as in the paper: 1 is z₁, 2 is the coarsest that has codes of classes, L the finest.

    Attributes:
        global_dim: N₁, length of z₁; 0 where there is none.
        layers: how many layers have codes of classes, L - 1. num_classes: C; 1 where all classes share one code.
        class_dim: N, length of a class's code at one layer.
    Source: CLVAE, §3.2.1. Chapter: Many pictures from one layout.
    """

    global_dim: int
    layers: int = 0
    num_classes: int = 0
    class_dim: int = 0

    @property
    def length(self) -> int:
        """Of z."""
        return self.global_dim + self.layers * self.num_classes * self.class_dim

    @property
    def class_wise(self) -> bool:
        """Whether a class has codes of its own."""
        return self.layers > 0 and self.num_classes > 1

    def split(self, z: Tensor) -> dict[str, Tensor]:
        """Views of z [B, length]: "global" [B, N₁] and "layers" [B, L - 1, C, N]."""
        self._check(z)
        shape = (len(z), self.layers, self.num_classes, self.class_dim)
        return {"global": z[:, : self.global_dim], "layers": z[:, self.global_dim :].view(shape)}

    def join(self, parts: dict[str, Tensor]) -> Tensor:
        """Parts as `split` gives them to z [B, length]."""
        z = torch.cat([parts["global"], parts["layers"].flatten(1)], 1)
        self._check(z)
        return z

    def index(self, layer: int, cls: int | None = None) -> slice:
        """Where in z a layer stands, or at a layer from 2 on one class's code.

        Raises ValueError for a layer or a class that has no code.
        """
        first = 1 if self.global_dim else 2
        if not first <= layer <= self.layers + 1:
            raise ValueError(
                f"layer {layer} has no code: this generator's layers are {first} to {self.layers + 1}, choose one of "
                "them (1 is the code of the whole picture)"
            )
        if layer == 1:
            if cls is not None:
                raise ValueError("layer 1 is one code for the whole picture: leave the class out, or choose layer 2 on")
            return slice(0, self.global_dim)
        start = self.global_dim + (layer - 2) * self.num_classes * self.class_dim
        if cls is None:
            return slice(start, start + self.num_classes * self.class_dim)
        if not self.class_wise:
            raise ValueError("this generator has one code a layer for all classes: leave the class out")
        if not 0 <= cls < self.num_classes:
            raise ValueError(f"class {cls} has no code: choose 0 to {self.num_classes - 1}")
        return slice(start + cls * self.class_dim, start + (cls + 1) * self.class_dim)

    def replace(self, z: Tensor, other: Tensor, layer: int | None = None, cls: int | None = None) -> Tensor:
        """z with a part of it taken from `other`, both [B, length].

        Args:
            layer: None: all layers, with a class all that have codes of it. cls: None: all classes.
        Raises:
            ValueError: a layer or a class that has no code.
        """
        self._check(z)
        self._check(other)
        if layer is None and cls is None:
            return other.clone()
        if layer is None and not self.layers:
            raise ValueError("this generator has one code for the whole picture: leave the class out")
        z = z.clone()
        for each in range(2, self.layers + 2) if layer is None else (layer,):
            part = self.index(each, cls)
            z[:, part] = other[:, part]
        return z

    def _check(self, z: Tensor) -> None:
        if z.ndim != 2 or z.shape[1] != self.length:
            raise ValueError(f"z has shape {list(z.shape)}, expected [B, {self.length}]: take it from this generator")
