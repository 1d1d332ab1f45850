"""Data sets behind one face: procedural worlds, bundles, and real sets in their official folders."""

import difflib
import os
from pathlib import Path

import numpy as np

from sempal_lib.datasets.bundles import bundle_name, is_bundle, load_bundle
from sempal_lib.datasets.official import OFFICIAL, load_official
from sempal_lib.datasets.published import Request
from sempal_lib.scenes import SceneDataset
from sempal_lib.worlds import WORLDS

PROCEDURAL = tuple(WORLDS)

__all__ = ["PROCEDURAL", "SceneDataset", "default_folder", "load", "names"]


def names() -> list[str]:
    """The names that `load` knows without a folder; a bundle goes by its own name."""
    return [*PROCEDURAL, *OFFICIAL]


def load(
    name: str,
    split: str = "train",
    size: tuple[int, int] | None = None,
    root: str | Path | None = None,
    seed: int = 0,
    limit: int | None = None,
) -> SceneDataset:
    """Open a data set.

    Args:
        name: one of `names()`, or the name that a bundle gives itself in its classes.json.
        split: "train", "val"; "test" where there is one.
        size: (H, W) of the items in pixels; None: the set's own. Real scenes are cropped to its aspect.
        root: folder of a real set; None: the folder <name> in the one that SEMPAL_DATA (environment) names.
        seed: of a procedural world, and of random crops (IDD).
        limit: at most so many scenes: how many are made, or the first so many of a folder.
    Returns:
        `label_space`, `name`, `size`, len() and items {"image", "layout"[, "instances"]}; see SceneDataset.
    Raises:
        ValueError for an unknown name (with the nearest), split or a bad file. FileNotFoundError for missing
        files, saying which were expected and where the set is had.
        UserWarning if there are fewer scenes than published.
    """
    if not isinstance(name, str):
        raise ValueError(f"name is {name!r}, expected a text: one of {', '.join(names())}, or a bundle's own name")
    if root is not None and not isinstance(root, str | Path):
        raise ValueError(f"root is {root!r}, expected the path of a folder, or None")
    if size is not None:
        if not isinstance(size, tuple | list) or len(size) != 2 or not all(_is_whole(length, 1) for length in size):
            raise ValueError(
                f"size is {size!r}, expected (height, width) in pixels, two whole numbers from 1, or None for the "
                "set's own"
            )
        size = (int(size[0]), int(size[1]))
    if limit is not None and not _is_whole(limit, 1):
        raise ValueError(f"limit is {limit!r}, expected at least 1 scene, or None for all: give a whole number")
    if not _is_whole(seed, 0):
        raise ValueError(f"seed is {seed!r}, expected a whole number from 0")
    if name in PROCEDURAL:
        if root is not None:
            raise ValueError(
                f"{name} is made on the fly and reads no folder, but root is {str(root)!r}: "
                "leave root out, or name the data set that lies there"
            )
        return WORLDS[name](split, size, seed, limit)
    folder = Path(root) if root is not None else default_folder(name)
    if folder is not None and is_bundle(folder):
        found = bundle_name(folder)
        drives = OFFICIAL[name].drives if name in OFFICIAL else None
        if found != (name if drives is None else OFFICIAL[name].folder):
            raise ValueError(f"{folder} holds the bundle {found!r}, not {name!r}: load it by its own name")
        return load_bundle(folder, split, size, limit, name, drives)
    if name not in OFFICIAL:
        raise ValueError(_unknown(name, folder))
    if folder is None or not folder.is_dir():
        raise OFFICIAL[name].missing(name, folder)
    return load_official(Request(name, OFFICIAL[name], folder, split, size, seed, limit))


def _is_whole(value: object, least: int) -> bool:
    """Whether a value is a whole number, of Python or numpy, of at least `least`."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and int(value) >= least


def default_folder(name: str) -> Path | None:
    """SEMPAL_DATA/<name>; the forms of one set (cityscapes-35, camvid-drives and others) share its folder."""
    above = os.environ.get("SEMPAL_DATA")
    if not above:
        return None
    own = Path(above) / name
    shared = OFFICIAL[name].folder if name in OFFICIAL else None
    return own if own.is_dir() or shared is None else Path(above) / shared


def _unknown(name: str, folder: Path | None) -> str:
    near = difflib.get_close_matches(name, names(), n=1)
    hint = f", did you mean {near[0]!r}?" if near else "."
    looked = "" if folder is None else f" (there is no classes.json in {folder.absolute()})"
    return (
        f"unknown data set {name!r}{hint} There are {', '.join(names())}; and any bundle by its own name, "
        f"with its folder as root= or in the folder that SEMPAL_DATA names{looked}"
    )
