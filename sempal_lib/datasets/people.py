"""Sets of people: DeepFashion with CLVAE's label maps, and CelebAMask-HQ, whose parts lie in a file each."""

from pathlib import Path

import numpy as np
from PIL import Image

from sempal_lib.datasets.files import picture
from sempal_lib.datasets.folders import FolderScenes, pair
from sempal_lib.datasets.published import OfficialSet, Request
from sempal_lib.label_spaces_of_people import CELEBA_19, DEEPFASHION_16


def _deepfashion(request: Request) -> FolderScenes:
    """Squared by white at both sides, class 0 in the label maps, as CLVAE does."""
    folder = request.root / {"train": "train", "val": "test"}[request.split]
    images = request.found(folder, "*.jpg", lambda path: path.stem)
    labels = request.found(folder, "*_label.png", lambda path: path.stem.removesuffix("_label"))
    scenes = pair(request.what, images, labels)
    return request.finish(scenes, DEEPFASHION_16, {code: code for code in range(16)}, crop="pad")


_CELEBA_SPLITS = {"train": range(28000), "val": range(28000, 30000)}  # none was published


def merged_parts(skin: Image.Image, path: Path) -> Image.Image:
    """The part masks of one face painted one over the other, in the order of the classes.

    Args:
        skin: of the face, as opened. path: its file; the other parts' lie beside it, where the face has them.
    Raises:
        ValueError naming the file: a part of another size, or a damaged one.
    """
    codes = np.zeros((skin.height, skin.width), np.uint8)
    stem = path.stem.removesuffix("_skin")
    for index, part in enumerate(CELEBA_19.names):
        file = path.with_name(f"{stem}_{part}.png")
        if file.is_file():
            mask = skin if part == "skin" else picture(file, lossless=True)
            if mask.size != skin.size:
                raise ValueError(
                    f"{file} is {mask.height}×{mask.width} pixels, but the skin's mask beside it {skin.height}×"
                    f"{skin.width}: copy the face's masks again"
                )
            codes[np.asarray(mask.convert("L")) > 127] = index
    return Image.fromarray(codes)


def _celeba(request: Request) -> FolderScenes:
    numbers = _CELEBA_SPLITS[request.split]

    def found(folder: Path, pattern: str) -> dict[str, Path]:
        files = request.found(folder, pattern, lambda path: path.stem.partition("_")[0].lstrip("0") or "0")
        return {key: path for key, path in files.items() if key.isdigit() and int(key) in numbers}

    # Every face has a mask of its skin; which of the other parts it has differs.
    images = found(request.root / "CelebA-HQ-img", "*.jpg")
    labels = found(request.root / "CelebAMask-HQ-mask-anno", "*/*_skin.png")
    scenes = pair(request.what, images, labels)
    if not scenes:
        raise request.missing(request.root / "CelebA-HQ-img")
    table = {code: code for code in range(19)}
    return request.finish(scenes, CELEBA_19, table, codes=merged_parts, frame=(512, 512))


PEOPLE = {
    "deepfashion": OfficialSet(
        splits={"train": 6343, "val": 6390},
        expected="<train|test>/<id>.jpg, and beside each <id>_label.png with values 0 to 15",
        source=(
            "In-shop Clothes Retrieval, http://mmlab.ie.cuhk.edu.hk/projects/DeepFashion.html; label maps and splits "
            "as in https://github.com/endo-yuki-t/DiversifyingSMIS"
        ),
        read=_deepfashion,
    ),
    "celebamask-hq": OfficialSet(
        splits={split: len(numbers) for split, numbers in _CELEBA_SPLITS.items()},
        expected="CelebA-HQ-img/<n>.jpg and CelebAMask-HQ-mask-anno/<k>/<n>_<part>.png, n from 0 to 29999",
        source="CelebAMask-HQ, https://github.com/switchablenorms/CelebAMask-HQ (CelebAMask-HQ.zip)",
        read=_celeba,
    ),
}
