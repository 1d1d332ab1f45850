"""`load`: which name leads where, and what it says when it leads nowhere."""

from pathlib import Path

import pytest
from test_datasets_bundles import bundle  # noqa: F401
from test_datasets_official import cityscapes

from sempal_lib import datasets
from sempal_lib.worlds import WORLDS

pytestmark = pytest.mark.filterwarnings("ignore:.*half-copied")


@pytest.fixture(autouse=True)
def _no_data(monkeypatch):
    monkeypatch.delenv("SEMPAL_DATA", raising=False)


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("toy-street", (64, 128)),
        ("colored-shapes", (64, 64)),
        ("toy-facades", (128, 128)),
        ("toy-rooms", (128, 128)),
        ("toy-fashion", (128, 128)),
        ("toy-faces", (128, 128)),
    ],
)  # fmt: skip
def test_procedural_worlds(monkeypatch, name, default):
    assert (datasets.load(name).name, datasets.load(name).size) == (name, default)
    monkeypatch.setitem(WORLDS, name, lambda *given: given)
    assert datasets.load(name, "val", (32, 64), seed=3, limit=5) == ("val", (32, 64), 3, 5)


def test_folder_for_a_procedural_world_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"toy-street is made on the fly and reads no folder.*leave root out"):
        datasets.load("toy-street", root=tmp_path)


@pytest.mark.parametrize("root", [None, "empty"])
def test_unknown_name_gets_the_nearest_and_the_list(tmp_path, root):
    folder = None if root is None else tmp_path
    with pytest.raises(
        ValueError, match=r"unknown data set 'citscapes', did you mean 'cityscapes'.*toy-street, .*camvid"
    ):
        datasets.load("citscapes", root=folder)


def test_unknown_name_says_that_the_folder_holds_no_bundle(tmp_path):
    with pytest.raises(ValueError, match=rf"unknown data set 'tiny'.*no classes\.json in {tmp_path}"):
        datasets.load("tiny", root=tmp_path)


@pytest.mark.parametrize("name", ["tinny", "camvid"])
def test_bundle_goes_by_its_own_name(bundle, name):  # noqa: F811
    with pytest.raises(ValueError, match=f"tiny holds the bundle 'tiny', not '{name}'"):
        datasets.load(name, root=bundle)


def test_folder_from_the_environment(bundle, monkeypatch):  # noqa: F811
    monkeypatch.setenv("SEMPAL_DATA", str(bundle.parent))
    assert len(datasets.load("tiny")) == 2


def test_root_goes_before_the_environment(bundle, monkeypatch, tmp_path):  # noqa: F811
    monkeypatch.setenv("SEMPAL_DATA", str(tmp_path / "elsewhere"))
    assert len(datasets.load("tiny", root=str(bundle))) == 2


def test_forms_of_one_set_share_its_folder(tmp_path, monkeypatch):
    cityscapes(tmp_path / "cityscapes")
    monkeypatch.setenv("SEMPAL_DATA", str(tmp_path))
    assert datasets.load("cityscapes-35").label_space.num_classes == 35
    assert datasets.load("cityscapes-35").name == "cityscapes-35"
    cityscapes(tmp_path / "cityscapes-35", frames=["ulm/ulm_000000_000019"])
    assert len(datasets.load("cityscapes-35")) == 1


@pytest.mark.parametrize("name", ["cityscapes", "cityscapes-25k", "idd", "camvid", "ade20k", "gta-5"])
def test_missing_folder_names_where_it_looked_and_where_the_set_is_had(tmp_path, name, monkeypatch):
    below = rf"{name}: nothing to read in {tmp_path}/gone\. Expected are .*http.*root=.*SEMPAL_DATA"
    with pytest.raises(FileNotFoundError, match=below):
        datasets.load(name, root=tmp_path / "gone")
    monkeypatch.setenv("SEMPAL_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=f"{name}: nothing to read in {tmp_path}/{name.removesuffix('-25k')}"):
        datasets.load(name)
    monkeypatch.delenv("SEMPAL_DATA")
    with pytest.raises(FileNotFoundError, match=f"{name}: its folder is not named.*root=.*SEMPAL_DATA"):
        datasets.load(name)


def test_relative_root_is_named_in_full(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=str(tmp_path / "gone")):
        datasets.load("camvid", root=Path("gone"))


@pytest.mark.parametrize("size", [(0, 8), (8,), (8, 8, 3)])
def test_impossible_size(size):
    with pytest.raises(ValueError, match=r"expected \(height, width\) in pixels"):
        datasets.load("toy-street", size=size)


def test_impossible_limit():
    with pytest.raises(ValueError, match="limit is 0, expected at least 1"):
        datasets.load("toy-street", limit=0)
