"""What data sets refuse, or read right: odd pictures, lists and ids, scenes that stand twice, wrong arguments."""

import json
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sempal_lib import datasets
from sempal_lib.datasets.gta import gta_split

NOISE = np.random.default_rng(0).integers(0, 256, (8, 16, 3), dtype=np.uint8)


def make_bundle(root: Path, height: int = 8, width: int = 16) -> Path:
    """A bundle of two scenes to train on and one to validate, all different; class 3 is ignored."""
    for folder in ("images", "labels", "splits"):
        (root / folder).mkdir(parents=True)
    classes = [{"index": i, "name": f"class {i}", "color": [i, 9, 9]} for i in range(4)]
    facts = {"name": "tiny", "num_classes": 3, "ignore_index": 3, "classes": classes, "splits": {"train": 2, "val": 1}}
    (root / "classes.json").write_text(json.dumps(facts))
    (root / "splits/train.txt").write_text("a\nb\n")
    (root / "splits/val.txt").write_text("c\n")
    for seed, key in enumerate("abc"):
        random = np.random.default_rng(seed)
        Image.fromarray(random.integers(0, 256, (height, width, 3), np.uint8)).save(root / f"images/{key}.jpg")
        Image.fromarray(random.integers(0, 4, (height, width), np.uint8)).save(root / f"labels/{key}.png")
    return root


@pytest.fixture
def bundle(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        yield make_bundle(tmp_path / "tiny")


def load(root: Path, split: str = "train", **options) -> datasets.SceneDataset:
    return datasets.load("tiny", split, root=root, **options)


def picture(bundle: Path) -> torch.Tensor:
    """The first picture, in bytes, [3, H, W]."""
    return ((load(bundle)[0]["image"] + 1) * 127.5).round().int()


def test_sixteen_bit_grey_keeps_its_greys(bundle):
    grey = np.linspace(0, 65535, 128).astype(np.uint16).reshape(8, 16)
    Image.fromarray(grey).save(bundle / "images/a.jpg", format="PNG")
    expected = torch.from_numpy((grey // 256).astype(np.int32)).expand(3, 8, 16)
    assert torch.equal(picture(bundle), expected)


def test_eight_bits_in_sixteen_are_refused(bundle):
    Image.fromarray(NOISE[..., 0].astype(np.uint16)).save(bundle / "images/a.jpg", format="PNG")
    with pytest.raises(ValueError, match=r"a\.jpg: 16-bit grey with no value above 25\d: save it with 8 bits"):
        load(bundle)[0]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_read_upright(bundle, orientation):
    upright = Image.fromarray(NOISE)
    stored = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}.get(orientation)  # what undoes each, as Image.Transpose
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = upright if stored is None else upright.transpose(Image.Transpose(stored))
    turned.save(bundle / "images/a.jpg", format="PNG", exif=exif)
    assert torch.equal(picture(bundle), torch.from_numpy(NOISE).movedim(-1, 0).int())


def test_transparent_pixels_are_refused_and_opaque_ones_are_not(bundle):
    rgba = np.concatenate([NOISE, np.full((8, 16, 1), 255, np.uint8)], 2)
    Image.fromarray(rgba).save(bundle / "images/a.jpg", format="PNG")
    assert torch.equal(picture(bundle), torch.from_numpy(NOISE).movedim(-1, 0).int())
    rgba[0, 0, 3] = 0
    Image.fromarray(rgba).save(bundle / "images/a.jpg", format="PNG")
    with pytest.raises(ValueError, match=r"a\.jpg: some pixels are transparent.*without alpha"):
        load(bundle)[0]


def test_label_map_in_jpeg_is_refused(bundle):
    Image.fromarray(NOISE[..., 0] % 4).save(bundle / "labels/a.png", format="JPEG", quality=95)
    with pytest.raises(ValueError, match=r"a\.png: a label map in JPEG, which blurs class indices: take the original"):
        load(bundle)[0]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@pytest.mark.parametrize("name", ["images/a.jpg", "labels/a.png"])
@pytest.mark.parametrize("side", [9000, 60000])  # above our limit, and above Pillow's
def test_decompression_bomb_is_named(bundle, name, side):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    (bundle / name).write_bytes(bomb)
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # until the fixture ends
    with pytest.raises(ValueError, match=rf"{name}: cannot be read.*pixels.*copy it again"):
        load(bundle)


@pytest.mark.parametrize("name", ["images/a.jpg", "labels/a.png"])
def test_text_chunk_bomb_is_named(bundle, name):
    Image.fromarray(NOISE[..., 0] % 4).save(bundle / name, format="PNG")
    plain = (bundle / name).read_bytes()
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(2**24)))
    (bundle / name).write_bytes(plain[:33] + text + plain[33:])
    with pytest.raises(ValueError, match=rf"{name}: cannot be read.*copy it again"):
        load(bundle)


def test_picture_changed_after_loading_is_named(bundle):
    scenes = load(bundle)
    Image.fromarray(NOISE[:4]).save(bundle / "images/a.jpg")
    with pytest.raises(ValueError, match=r"a\.jpg is 4×16 pixels, expected 8×16 as when the set was loaded"):
        scenes[0]


def test_set_of_ignored_pixels_only_is_named(bundle):
    for key in "ab":
        Image.fromarray(np.full((8, 16), 3, np.uint8)).save(bundle / f"labels/{key}.png")
    for read in ("layouts", "pairs"):
        with pytest.raises(ValueError, match=r"tiny: all pixels of .*a\.png .*ignored.*ignore_index"):
            getattr(load(bundle), read)()


# Lists.


def test_scene_twice_in_a_list(bundle):
    (bundle / "splits/train.txt").write_text("a\nb\n" + 9 * "a\n")
    with pytest.raises(ValueError, match=r"train\.txt lists the scene 'a' twice or more: keep it once"):
        load(bundle)


@pytest.mark.parametrize("split", ["train", "val"])
def test_scene_in_two_splits(bundle, split):
    (bundle / "splits/val.txt").write_text("c\nb\n")
    with pytest.raises(ValueError, match=r"the scene 'b' stands in .*\.txt and in .*\.txt: keep it in one"):
        load(bundle, split)


def test_lists_of_other_names_may_share_scenes(bundle):
    (bundle / "splits/trainval.txt").write_text("a\nb\nc\n")
    assert len(load(bundle)) == 2
    assert len(load(bundle, "trainval")) == 3


@pytest.mark.parametrize("split", ["train", "val"])
def test_copies_under_another_id_give_a_warning(bundle, split):
    for name in ("images/{}.jpg", "labels/{}.png"):
        (bundle / name.format("c")).write_bytes((bundle / name.format("b")).read_bytes())
    with pytest.warns(UserWarning, match=r"tiny: the scenes (b and c|c and b) in .*splits are copies"):
        load(bundle, split)


def test_frames_of_gta_in_two_lists(tmp_path):
    (tmp_path / "train.txt").write_text("00001.png\n2\n")
    (tmp_path / "val.txt").write_text("3\n00002.png\n")
    with pytest.raises(ValueError, match=r"the scene '2' stands in .*train\.txt and in .*val\.txt"):
        gta_split(tmp_path, "train")


@pytest.mark.parametrize("key", ["../other", "sub/../../other", "..\\other", "{absolute}/other"])
def test_ids_do_not_lead_out_of_the_bundle(bundle, key):
    for name in ("other.jpg", "other.png"):
        kind = "images/a.jpg" if name.endswith("jpg") else "labels/a.png"
        (bundle / name).write_bytes((bundle / kind).read_bytes())
    (bundle / "splits/train.txt").write_text(key.format(absolute=bundle) + "\nb\n")
    with pytest.raises(ValueError, match=r"train\.txt: the id '.*other' leads out of .*images: give ids relative"):
        load(bundle)


@pytest.mark.parametrize("key", ["linked", "folder/a"])
def test_links_do_not_lead_out_of_the_bundle(bundle, tmp_path, key):
    (tmp_path / "outside").mkdir()
    for kind, suffix in (("images", ".jpg"), ("labels", ".png")):
        (tmp_path / f"outside/a{suffix}").write_bytes((bundle / f"{kind}/a{suffix}").read_bytes())
        (bundle / f"{kind}/linked{suffix}").symlink_to(tmp_path / f"outside/a{suffix}")
        (bundle / f"{kind}/folder").symlink_to(tmp_path / "outside")
    (bundle / "splits/train.txt").write_text(f"b\n{key}\n")
    with pytest.raises(ValueError, match=rf"'{key}' leads out of .*images by a link: copy the file"):
        load(bundle)


def test_subfolders_and_links_inside_are_read(bundle, tmp_path):
    """And so is a whole folder of pictures on another disk."""
    for kind, suffix in (("images", ".jpg"), ("labels", ".png")):
        (bundle / kind / "sub").mkdir()
        (bundle / f"{kind}/a{suffix}").rename(bundle / f"{kind}/sub/a{suffix}")
        (bundle / f"{kind}/linked{suffix}").symlink_to(bundle / f"{kind}/b{suffix}")
        (bundle / kind).rename(tmp_path / f"far {kind}")
        (bundle / kind).symlink_to(tmp_path / f"far {kind}")
        (bundle / f"{kind}/linked{suffix}").unlink()
        (bundle / f"{kind}/linked{suffix}").symlink_to(f"b{suffix}")
    (bundle / "splits/train.txt").write_text("sub/a\nlinked\n")
    assert len([load(bundle)[i] for i in range(2)]) == 2


def test_ids_with_spaces_and_a_byte_order_mark(bundle):
    for kind, suffix in (("images", ".jpg"), ("labels", ".png")):
        (bundle / f"{kind}/a{suffix}").rename(bundle / f"{kind}/a street{suffix}")
    (bundle / "splits/train.txt").write_bytes(b"\xef\xbb\xbfa street \r\n\r\nb\r\n")
    assert [scene.image.stem for scene in load(bundle).scenes] == ["a street", "b"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("stra\xdfe\n".encode("latin-1"), r"not in UTF-8 \(byte 0xdf at place 4\): save it as UTF-8"),
        ("a\nb\n".encode("utf-16"), r"not in UTF-8 \(byte 0xff at place 0\)"),
        ("a\nb\n".encode("utf-16-le"), "no text, it holds zero bytes: save it as UTF-8"),
        (None, "is a folder, expected a text file"),
    ],
)
def test_list_that_is_no_text_is_named(bundle, content, message):
    (bundle / "splits/train.txt").unlink()
    if content is None:
        (bundle / "splits/train.txt").mkdir()
    else:
        (bundle / "splits/train.txt").write_bytes(content)
    with pytest.raises(ValueError, match=rf"train\.txt.*{message}"):
        load(bundle)


def test_bundle_without_lists(bundle):
    for path in (bundle / "splits").iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError, match=r"tiny: .*splits holds no <split>\.txt: copy the bundle again"):
        load(bundle)
    (bundle / "splits").rmdir()
    with pytest.raises(FileNotFoundError, match=r"tiny: there is no folder .*splits, expected with a <split>\.txt"):
        load(bundle)


def test_class_list_in_another_encoding_or_with_a_name_twice(bundle):
    content = (bundle / "classes.json").read_text()
    (bundle / "classes.json").write_text(content, encoding="utf-8-sig")
    assert len(load(bundle)) == 2
    (bundle / "classes.json").write_text(content.replace("class 1", "class 0"))
    with pytest.raises(ValueError, match=r"classes\.json: two classes are called 'class 0'"):
        load(bundle)
    (bundle / "classes.json").write_bytes(content.replace("class 1", "stra\xdfe").encode("latin-1"))
    with pytest.raises(ValueError, match=r"classes\.json is not in UTF-8"):
        load(bundle)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 64}, r"size is 64, expected \(height, width\) in pixels"),
        ({"size": (8.0, 16.0)}, r"size is \(8\.0, 16\.0\), expected"),
        ({"size": ("8", "16")}, "two whole numbers from 1"),
        ({"size": (True, 16)}, "two whole numbers from 1"),
        ({"limit": "3"}, "limit is '3', expected at least 1 scene, or None for all: give a whole number"),
        ({"limit": 1.5}, "limit is 1.5, expected"),
        ({"seed": -1}, "seed is -1, expected a whole number from 0"),
        ({"seed": "0"}, "seed is '0', expected"),
        ({"seed": None}, "seed is None, expected"),
        ({"name": None}, "name is None, expected a text: one of toy-street"),
        ({"name": ["tiny"]}, "expected a text"),
        ({"root": 7}, "root is 7, expected the path of a folder, or None"),
        ({"split": None}, "tiny has no split None: choose 'train' or 'val'"),
        ({"split": ["train"]}, "tiny has no split"),
    ],
)
def test_arguments_of_another_kind(bundle, arguments, message):
    with pytest.raises(ValueError, match=message):
        datasets.load(**({"name": "tiny", "root": bundle} | arguments))


def test_numpy_numbers_and_lists_are_fine(bundle):
    scenes = load(bundle, size=[np.int64(4), 8], limit=np.int32(1), seed=np.uint8(1))
    assert (scenes.size, len(scenes)) == ((4, 8), 1)
