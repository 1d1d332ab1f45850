"""GTA-5: as its authors hand it out, and as cIMLE does, with 20 classes at 256×512."""

from pathlib import Path

from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from sempal_lib import label_spaces
from sempal_lib.datasets.files import lines_of
from sempal_lib.datasets.folders import FolderScenes, check_apart, pair
from sempal_lib.datasets.published import OfficialSet, Request
from sempal_lib.labels import CITYSCAPES_19, LabelSpace, label_space_of

_GTA_SPLITS = {"train": range(1, 12404), "val": range(12404, 18786), "test": range(18786, 24967)}
# Frames that others leave out too: their image and label map differ in size, or the image is black.
_GTA_FAULTY = {"15188", "17705", *map(str, range(20801, 20861))}


def gta_split(root: Path, split: str) -> set[str]:
    """Numbers of the frames in a split of GTA-5, without leading zeros.

    Args:
        root: where <split>.txt may lie, a number or a file name a line, or the authors' split.mat. Without them the
            split is a run of frames, as long as the authors' own, so that neighbours in time stay together.
    Raises:
        ValueError naming the file if it names no frame.
    """
    listing, matrix = root / f"{split}.txt", root / "split.mat"
    if listing.is_file():
        listings = [listing, *(root / f"{other}.txt" for other in _GTA_SPLITS if other != split)]
        frames = {path: [Path(line).stem.lstrip("0") for line in lines_of(path)] for path in listings if path.is_file()}
        if not frames[listing] or not all(frame.isdigit() for frame in frames[listing]):
            raise ValueError(f"{listing}: expected a frame a line, by number or as in '00001.png'")
        check_apart(frames)
        return set(frames[listing])
    if matrix.is_file():
        try:
            return {str(int(number)) for number in loadmat(matrix)[f"{split}Ids"].flat}
        except (KeyError, ValueError, TypeError, OSError, NotImplementedError, MatReadError) as error:
            raise ValueError(
                f"{matrix}: no {split}Ids in it ({error}): copy it again, or give {listing.name}"
            ) from error
    return {str(number) for number in _GTA_SPLITS[split]}


def _gta5(
    request: Request, space: LabelSpace = CITYSCAPES_19, table: label_spaces.Table = label_spaces.GTA_5_TABLE
) -> FolderScenes:
    def number(path: Path) -> str:
        return path.stem.lstrip("0")

    chosen = gta_split(request.root, request.split)
    images = request.found(request.root / "images", "*.png", number)
    labels = request.found(request.root / "labels", "*.png", number)
    kept = chosen - _GTA_FAULTY
    images, labels = ({key: path for key, path in files.items() if key in kept} for files in (images, labels))
    scenes = pair(request.what, images, labels)
    if not scenes:
        raise request.missing(request.root / "images")
    return request.finish(scenes, space, table, left_out=len(chosen) - len(kept))


# The nineteen, and all else as one class of its own: every pixel has a class.
GTA_20 = label_space_of([*zip(CITYSCAPES_19.names, CITYSCAPES_19.colors, strict=True), ("other", (0, 0, 0))])
_CIMLE_SPLITS = {"train": range(1, 12404), "val": range(100001, 106383)}  # their "test" is our "val"


def _gta_20(request: Request) -> FolderScenes:
    """cIMLE's form; or the authors' own, whose train and val have as many frames."""
    split = {"train": "train", "val": "test"}[request.split]
    folder = request.root / "RGB256Full" / split
    if not folder.is_dir() and (request.root / "images").is_dir():
        table = {
            code: 19 if index == label_spaces.IGNORE else index for code, index in label_spaces.GTA_5_TABLE.items()
        }
        return _gta5(request, GTA_20, table)
    frames = set(map(str, _CIMLE_SPLITS[request.split]))
    found = (
        request.found(part, "*.png", lambda path: path.stem.lstrip("0"))
        for part in (folder, request.root / "LabelgrayFull20" / split)
    )
    images, labels = ({key: path for key, path in files.items() if key in frames} for files in found)
    scenes = pair(request.what, images, labels)
    if not scenes:
        raise request.missing(folder)
    return request.finish(scenes, GTA_20, {code: code for code in range(20)})


GTA = {
    "gta-5": OfficialSet(
        splits={split: len(frames) for split, frames in _GTA_SPLITS.items()},
        expected="images/*.png and labels/*.png (palette images of Cityscapes' ids), and split.mat or <split>.txt",
        source="Playing for Data, https://download.visinf.tu-darmstadt.de/data/from_games/ (images, labels)",
        read=_gta5,
    ),
    "gta-5-20": OfficialSet(
        splits={split: len(frames) for split, frames in _CIMLE_SPLITS.items()},
        expected=(
            "RGB256Full/<train|test>/*.png and LabelgrayFull20/<train|test>/*.png (values 0 to 19), 00000001 to "
            "00012403 and 00100001 to 00106382; or the folder of gta-5"
        ),
        source="cIMLE, https://github.com/zth667/Diverse-Image-Synthesis-from-Semantic-Layout, or as gta-5",
        read=_gta_20,
    ),
}
