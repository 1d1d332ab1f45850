"""What a published data set is, and what is asked of it: files found, or said to be missing; scenes counted."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from sempal_lib.datasets.folders import Drives, FolderScenes, Scene, files_by_key, warn_if_fewer
from sempal_lib.label_spaces import Table
from sempal_lib.labels import LabelSpace
from sempal_lib.scenes import SceneDataset


@dataclass(frozen=True)
class OfficialSet:
    """A published set.

    Args:
        splits: scenes in each, as published.
        expected: the files that a complete folder holds. source: where the set is had.
        read: makes the scenes.
        folder: its folder's name below SEMPAL_DATA, where that is not the set's own name.
        drives: where the scenes of the folder's train and val are split anew: the drives of each split, which the
            files' names begin with.
    """

    splits: dict[str, int]
    expected: str
    source: str
    read: "Callable[[Request], SceneDataset]"
    folder: str | None = None
    drives: Drives | None = None

    def missing(self, name: str, folder: Path | None) -> FileNotFoundError:
        """The error for a folder that is not named, is not there, or holds nothing of the set."""
        where = "its folder is not named" if folder is None else f"nothing to read in {folder.absolute()}"
        return FileNotFoundError(
            f"{name}: {where}. Expected are {self.expected}. "
            f"The set is had from {self.source}. Give its folder as root=, or name the folder above it "
            f"(…/{self.folder or name}) in the environment variable SEMPAL_DATA"
        )


@dataclass(frozen=True)
class Request:
    """What a caller of `load` asks for, with the folder found."""

    name: str
    published: OfficialSet
    root: Path
    split: str
    size: tuple[int, int] | None
    seed: int
    limit: int | None

    @property
    def what(self) -> str:
        return f"{self.name}, {self.split}"

    def missing(self, folder: Path) -> FileNotFoundError:
        """As `OfficialSet.missing`."""
        return self.published.missing(self.name, folder)

    def found(self, folder: Path, pattern: str, key: Callable[[Path], str]) -> dict[str, Path]:
        """Files by key; an error that says what was expected if there are none."""
        files = files_by_key(folder, pattern, key)
        if not files:
            raise self.missing(folder)
        return files

    def finish(
        self, scenes: list[Scene], space: LabelSpace, table: Table, left_out: int = 0, **options
    ) -> FolderScenes:
        """The data set of the scenes that were found, with a warning for fewer than published."""
        warn_if_fewer(self.what, len(scenes) + left_out, self.published.splits[self.split], self.root)
        if any(scene.instances is None for scene in scenes):
            # All items hold the same fields, so that they can be put into one batch.
            scenes = [replace(scene, instances=None) for scene in scenes]
        scenes = scenes[: self.limit]
        return FolderScenes(self.name, scenes, space, table, self.size, seed=self.seed, **options)
