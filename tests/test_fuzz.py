"""Random parameters and randomly damaged bundles: each ends well, or in an error of our own that says where."""

import contextlib
import datetime
import json
import os
import shutil
import tempfile
import warnings
from datetime import timedelta
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image
from test_datasets_inputs import make_bundle

from sempal_lib import datasets
from sempal_lib.parameters import FAMILIES, Parameters, resolve
from sempal_lib.records import RunError

# The same examples each time, and never more of them: a failure is everyone's, and `make test` stays short.
FUZZ = {
    "derandomize": True, "database": None, "deadline": timedelta(seconds=30),
    "suppress_health_check": list(HealthCheck),
}  # fmt: skip
CHAPTERS = sorted(path.stem for path in (Path(__file__).parents[1] / "book").glob("[0-9][0-9]_*.py"))
NAMES = sorted({name for kind in FAMILIES.values() for name in kind.model_fields} | {"chapters"})
PRESETS = ["smoke", "demo", "gpu", "paper"]

_plain = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-4, 2000), st.floats(), st.text(max_size=8),
    st.sampled_from([*PRESETS, "cuda", "camvid", "..", "1e-3", 0, 1, 2, 8, 64, 1024, -1, 10**40, "\ud800", "\0"]),
    st.binary(max_size=4), st.just(datetime.date(2020, 1, 1)), st.just(Path()),
)  # fmt: skip
_keys = st.one_of(st.sampled_from([*NAMES, *FAMILIES, *CHAPTERS]), st.text(max_size=6), st.integers(), st.none())
VALUES = st.recursive(
    _plain,
    lambda inner: st.one_of(
        st.lists(inner, max_size=7), st.tuples(inner, inner), st.dictionaries(_keys, inner, max_size=3)
    ),
    max_leaves=6,
)  # fmt: skip
SECTIONS = st.one_of(VALUES, st.dictionaries(_keys, st.dictionaries(_keys, VALUES, max_size=2), max_size=3))


@st.composite
def given_parameters(draw):
    """Some parameters of a kind that a notebook or a YAML file may hold, mostly under names that exist."""
    parameters = draw(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=3))
    parameters |= draw(st.dictionaries(st.text(max_size=6), VALUES, max_size=1))
    if draw(st.booleans()):
        parameters["preset"] = draw(st.sampled_from(PRESETS))
    if draw(st.integers(0, 3)) == 0:
        parameters["chapters"] = draw(SECTIONS)
    return parameters


@settings(max_examples=400, **FUZZ)
@given(st.one_of(st.sampled_from(CHAPTERS), st.text(max_size=8)), given_parameters(), st.sampled_from(["", *PRESETS]))
def test_any_parameters_are_checked_or_refused(chapter, parameters, preset):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEMPAL_PRESET", preset)
        with contextlib.suppress(RunError):
            found = resolve(chapter, parameters)
            assert isinstance(found, Parameters)
            json.dumps(found.model_dump(mode="json"))  # what a record holds


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("fuzz") / "tiny")


FILES = ["classes.json", "splits/train.txt", "splits/val.txt", "images/a.jpg", "images/b.jpg", "labels/a.png"]
_classes = st.sampled_from(["name", "num_classes", "ignore_index", "classes", "splits"])
_place = st.floats(0, 1, exclude_max=True)
DAMAGE = st.one_of(
    st.tuples(st.just("flip"), _place, st.integers(1, 255)),
    st.tuples(st.just("cut"), _place),
    st.tuples(st.just("insert"), _place, st.binary(min_size=1, max_size=12)),
    st.tuples(st.just("write"), st.one_of(st.binary(max_size=40), st.text(max_size=20).map(lambda x: x.encode()))),
    st.tuples(st.just("lines"), st.lists(st.sampled_from(["a", "b", "c", "../a", "/a", "a" * 300, "a b", "sub/a"]))),
    st.tuples(st.just("remove")),
    st.tuples(st.just("folder")),
    st.tuples(st.just("link"), st.sampled_from([*FILES, "..", "nowhere", "classes.json/x"])),
    st.tuples(st.just("resize"), st.integers(1, 40), st.integers(1, 40)),
    st.tuples(st.just("mode"), st.sampled_from(["1", "L", "P", "LA", "RGB", "RGBA", "I;16"])),
    st.tuples(st.just("labels"), st.integers(0, 255)),
    st.tuples(st.just("json"), _classes, st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6)),
        lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
        max_leaves=5,
    )),
)  # fmt: skip


def damage(root: Path, name: str, kind: str, *how) -> None:
    """Do to a file of a bundle what a bad copy, a slip of the hand or a bad disk may."""
    path = root / name
    if not path.is_file() or path.is_symlink():
        return  # an earlier damage took it away
    content = path.read_bytes()
    at = int(how[0] * len(content)) if kind in ("flip", "cut", "insert") else 0
    if kind == "flip" and content:
        path.write_bytes(content[:at] + bytes([content[at] ^ how[1]]) + content[at + 1 :])
    elif kind == "cut":
        path.write_bytes(content[:at])
    elif kind == "insert":
        path.write_bytes(content[:at] + how[1] + content[at:])
    elif kind == "write":
        path.write_bytes(how[0])
    elif kind == "lines":
        path.write_text("\n".join(how[0]))
    elif kind in ("remove", "folder", "link"):
        path.unlink()
        if kind == "folder":
            path.mkdir()
        elif kind == "link":
            path.symlink_to(root / how[0])
    elif kind == "resize" and path.suffix != ".txt":
        Image.new("L", how).save(path, format="PNG")
    elif kind == "mode":
        Image.new(how[0], (16, 8)).save(path, format="PNG")
    elif kind == "labels":
        Image.new("L", (16, 8), how[0]).save(path, format="PNG")
    elif kind == "json":
        try:
            facts = json.loads(content)
            facts[how[0]] = how[1]
        except (ValueError, TypeError):
            return
        path.write_text(json.dumps(facts))


def fault(root: Path) -> Exception | None:
    """What stops the reading of both splits, if anything does."""
    try:
        read_all(root)
    except (ValueError, OSError) as error:
        return error
    return None


def read_all(root: Path) -> None:
    for split in ("train", "val"):
        scenes = datasets.load("tiny", split, size=(4, 8), root=root)
        scenes.layouts()
        for index in range(len(scenes)):
            item = scenes[index]
            assert item["image"].shape == (3, 4, 8)
            assert item["image"].abs().max() <= 1
            classes = torch.arange(scenes.label_space.num_classes)
            assert torch.isin(item["layout"], torch.cat([classes, torch.tensor([255])])).all()


@settings(max_examples=500, **FUZZ)
@given(damages=st.lists(st.tuples(st.sampled_from(FILES), DAMAGE), min_size=1, max_size=3))
@example(damages=[])
def test_damaged_bundles_are_read_or_named(template, damages):
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        root = Path(shutil.copytree(template, Path(folder) / "tiny"))
        for name, (kind, *how) in damages:
            damage(root, name, kind, *how)
        found = fault(root)
    assert found is None or damages, "an undamaged bundle is refused"
    # None of the errors that are derived from these: they are Python's or Pillow's own.
    assert type(found) in (ValueError, FileNotFoundError, type(None))
    assert found is None or os.fspath(root) in str(found) or str(found).startswith("tiny has no split")
