"""Synthetic pairs of picture and layout on disk: made once with their recipe, and streamed while training."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sempal_lib.keeping import LOCK
from sempal_lib.labels import LabelSpace
from sempal_lib.locks import locked
from sempal_lib.records import write_atomically
from sempal_lib.tensor_files import DamagedFile, map_tensors, write_tensors

SHARD = 250  # pairs in a file
_RECIPE = "recipe.json"
# Number of pairs and source of randomness, on the CPU, to (pictures [B, 3, H, W], layouts [B, H, W]).
Scenes = Callable[[int, torch.Generator], tuple[Tensor, Tensor]]


class PairsError(RuntimeError):
    """Pairs on disk cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Recipe:
    """What a set of pairs is made by: another value is another set, in another folder.

    Attributes:
        kind: how they are made. names, ignore_index: of the label space. height, width: px. count: of pairs.
        generators: name of each to the digest of its weights, or of what else it draws from. code: digest.
    """

    kind: str
    names: tuple[str, ...]
    ignore_index: int | None
    height: int
    width: int
    count: int
    seed: int
    generators: dict[str, str]
    code: str

    def __post_init__(self):
        if self.count < 1:
            raise ValueError(f"a set of {self.count} pairs: choose at least 1")

    @property
    def shards(self) -> int:
        return -(-self.count // SHARD)

    @property
    def digest(self) -> str:
        """8 hex digits."""
        return hashlib.sha256(self.text().encode()).hexdigest()[:8]

    def text(self) -> str:
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"

    def size_of(self, shard: int) -> int:
        """Pairs in a shard; the last one may have fewer."""
        return min(SHARD, self.count - shard * SHARD)


class PairSet:
    """Pairs on disk, read by index. Nothing is loaded whole: files are mapped into memory.

    Args:
        folder: that `make_pairs` filled. label_space, size: (H, W) of the run that wants to use them.
    Raises:
        PairsError: it is no such folder, not finished or damaged; or made for other classes or another size.
    Chapter: Does synthetic data help?
    """

    def __init__(self, folder: str | Path, label_space: LabelSpace, size: tuple[int, int]):
        self.folder, self.recipe = Path(folder), read_recipe(folder)
        _check_use(self.folder, self.recipe, label_space, size)
        self._images: list[Tensor] = []
        self._layouts: list[Tensor] = []
        for shard in range(self.recipe.shards):
            images, layouts = _open(_place(self.folder, shard), self.recipe, shard)
            self._images.append(images)
            self._layouts.append(layouts)

    def __len__(self) -> int:
        return self.recipe.count

    def __getitem__(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Pairs by number, int64 [B] on the CPU: pictures uint8 [B, 3, H, W] and layouts uint8 [B, H, W]."""
        shape = (len(index), self.recipe.height, self.recipe.width)
        images, layouts = torch.empty(shape[0], 3, *shape[1:], dtype=torch.uint8), torch.empty(shape, dtype=torch.uint8)
        for shard in (index // SHARD).unique().tolist():
            rows = (index // SHARD == shard).nonzero()[:, 0]
            images[rows] = self._images[shard][index[rows] % SHARD]
            layouts[rows] = self._layouts[shard][index[rows] % SHARD]
        return images, layouts

    def drawn(self, count: int, seed: int) -> tuple[Tensor, Tensor]:
        """Pairs at random, with repetitions, as `__getitem__` gives them; the same for the same seed."""
        return self[torch.randint(len(self), (count,), generator=torch.Generator().manual_seed(seed))]


def make_pairs(folder: str | Path, recipe: Recipe, scenes: Scenes) -> Iterator[int]:
    """Fill a folder with pairs, shard by shard; what stands there already stays. Yields the pairs that are done.

    A shard depends on the recipe's seed and its own number alone, and takes its place whole: a killed call is gone on
    with by the next, and the files are those of an unbroken one.

    Args:
        scenes: makes so many pairs; all its randomness comes from the generator that it is given.
    Raises:
        PairsError: the folder holds pairs of another recipe. DamagedFile.
    Chapter: Does synthetic data help?
    """
    folder = Path(folder)
    with locked(folder / LOCK):  # another row may want the same pairs
        if not (folder / _RECIPE).exists():
            write_atomically(folder / _RECIPE, recipe.text())
        elif read_recipe(folder) != recipe:
            raise PairsError(
                f"{folder} holds pairs of another recipe, see {_RECIPE}: give another folder, or delete it"
            )
        for shard in range(recipe.shards):
            path, count = _place(folder, shard), recipe.size_of(shard)
            if not path.exists():
                images, layouts = scenes(count, torch.Generator().manual_seed(recipe.seed << 20 | shard))
                kept = ((images.cpu() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
                tensors = {"images": kept, "layouts": layouts.cpu().to(torch.uint8)}
                write_tensors(path, tensors, _facts(recipe, shard))
            yield shard * SHARD + count


def read_recipe(folder: str | Path) -> Recipe:
    """The recipe of a folder of pairs. Raises PairsError if there is none."""
    path = Path(folder) / _RECIPE
    try:
        values = json.loads(path.read_text("utf-8"))
        return Recipe(**{**values, "names": tuple(values["names"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise PairsError(
            f"{path} is missing or no recipe of pairs ({error}): make the pairs anew, or give their folder"
        ) from error


def _place(folder: Path, shard: int) -> Path:
    return folder / f"pairs-{shard:05d}.safetensors"


def _facts(recipe: Recipe, shard: int) -> dict[str, Any]:
    """What a shard says of itself."""
    return {"recipe": recipe.digest, "shard": shard}


def _check_use(folder: Path, recipe: Recipe, space: LabelSpace, size: tuple[int, int]) -> None:
    if (recipe.names, recipe.ignore_index) != (tuple(space.names), space.ignore_index):
        raise PairsError(
            f"{folder} was made from another label space, of {len(recipe.names)} classes "
            f"({', '.join(recipe.names[:3])}, …; ignored: {recipe.ignore_index}), not the {len(space.names)} of this "
            f"run ({', '.join(space.names[:3])}, …; ignored: {space.ignore_index}): make pairs from this run's data"
        )
    if (recipe.height, recipe.width) != tuple(size):
        raise PairsError(
            f"{folder} holds pairs of {recipe.height}×{recipe.width} px, this run wants {size[0]}×{size[1]}: "
            "make them at its size, or give the run theirs"
        )


def _open(path: Path, recipe: Recipe, shard: int) -> tuple[Tensor, Tensor]:
    """Pictures and layouts of a shard, in mapped memory."""
    if not path.exists():
        raise PairsError(f"{path.parent} is not finished, {path.name} is missing: call make_pairs, which goes on there")
    try:
        tensors, facts = map_tensors(path)
        images, layouts = tensors["images"], tensors["layouts"]
    except (DamagedFile, OSError, KeyError) as error:
        raise PairsError(f"{path} is damaged ({error}): delete it, make_pairs makes it anew") from error
    shape = [recipe.size_of(shard), recipe.height, recipe.width]
    if facts != _facts(recipe, shard) or list(layouts.shape) != shape or images.shape != (shape[0], 3, *shape[1:]):
        raise PairsError(f"{path} holds other pairs than its recipe says: delete it, make_pairs makes it anew")
    valid = (layouts < len(recipe.names)) | (layouts == recipe.ignore_index)
    if not bool(valid.all()):
        raise PairsError(f"{path} holds labels of no class of its recipe: delete it, and mend what makes the pairs")
    return images, layouts
