"""Synthetic pairs on disk: made once, gone on with after a kill, read by index, refused where they do not fit."""

import os
import signal
import time
from dataclasses import replace

import pytest
import torch

from sempal_lib.labels import label_space_of
from sempal_lib.training import pairs
from sempal_lib.training.pairs import PairsError, PairSet, Recipe, make_pairs

SPACE = label_space_of([("ground", (200, 60, 40)), ("sky", (40, 90, 220))], ignore_index=255)
RECIPE = Recipe("noise", SPACE.names, 255, 4, 8, 23, 5, {"painter": "abc"}, "def")


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(pairs, "SHARD", 5)


def noise(count, random):
    layouts = torch.randint(2, (count, 4, 8), generator=random)
    return torch.rand(count, 3, 4, 8, generator=random) * 2 - 1, layouts


def made(folder, recipe=RECIPE, scenes=noise):
    assert list(make_pairs(folder, recipe, scenes)) == [5, 10, 15, 20, 23]
    return PairSet(folder, SPACE, (4, 8))


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if not path.name.startswith(".")}


def test_pairs_are_read_by_index(tmp_path):
    found = made(tmp_path / "pairs")
    assert len(found) == 23
    plain = [
        noise(count, torch.Generator().manual_seed(5 << 20 | shard)) for shard, count in enumerate([5, 5, 5, 5, 3])
    ]
    images, layouts = (torch.cat(parts) for parts in zip(*plain, strict=True))
    index = torch.tensor([22, 0, 7, 7, 19])
    mine = found[index]
    assert torch.equal(mine[0], ((images[index] + 1) * 127.5).round().to(torch.uint8))
    assert torch.equal(mine[1], layouts[index].to(torch.uint8))
    assert torch.equal(found.drawn(8, 3)[0], found.drawn(8, 3)[0])
    assert not torch.equal(found.drawn(8, 3)[0], found.drawn(8, 4)[0])


def test_pairs_lie_in_mapped_memory(tmp_path, monkeypatch):
    """What reads a file whole is not called; and what is written into a batch reaches no file."""
    monkeypatch.setattr("sempal_lib.tensor_files.read_tensors", None)
    monkeypatch.setattr("sempal_lib.tensor_files.read_safetensors", None)
    found = made(tmp_path / "pairs")
    before = contents(tmp_path / "pairs")
    found[torch.tensor([1])][0].zero_()
    found._images[0].zero_()
    assert contents(tmp_path / "pairs") == before


@pytest.mark.parametrize("shard", [1, 3])
def test_a_killed_generation_goes_on_where_it_stopped(shard, tmp_path):
    """Killed by the system while it writes a shard; no pair is half written, and the bytes are an unbroken one's."""
    made(tmp_path / "unbroken")
    folder = tmp_path / "killed"

    def slow(count, random):
        if (folder / f"pairs-{shard - 1:05d}.safetensors").exists():
            (folder / "reached").touch()
            time.sleep(60)
        return noise(count, random)

    child = os.fork()
    if child == 0:
        list(make_pairs(folder, RECIPE, slow))
        os._exit(1)
    while not (folder / "reached").exists():
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    (folder / "reached").unlink()
    with pytest.raises(PairsError, match=rf"not finished, pairs-{shard:05d}.safetensors is missing: call make_pairs"):
        PairSet(folder, SPACE, (4, 8))
    asked = []

    def counted(count, random):
        asked.append(count)
        return noise(count, random)

    made(folder, scenes=counted)
    assert len(asked) == 5 - shard  # what stood is not made again
    assert contents(folder) == contents(tmp_path / "unbroken")


def test_a_kill_while_a_shard_is_written_leaves_none(tmp_path, monkeypatch):
    def killed(*_):
        os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        monkeypatch.setattr("sempal_lib.files.os.replace", lambda new, path: killed() if "pairs-" in path.name else
                            os.rename(new, path))  # fmt: skip
        list(make_pairs(tmp_path / "pairs", RECIPE, noise))
        os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert not list((tmp_path / "pairs").glob("pairs-*"))
    made(tmp_path / "pairs")
    assert not list((tmp_path / "pairs").glob(".pairs-*.tmp"))  # nor what it had begun


def test_pairs_of_another_label_space_or_size_are_refused(tmp_path):
    made(tmp_path / "pairs")
    other = label_space_of([("ground", (200, 60, 40)), ("wall", (40, 90, 220))], ignore_index=255)
    with pytest.raises(
        PairsError, match=r"another label space, of 2 classes \(ground, sky.*not the 2.*make pairs from"
    ):
        PairSet(tmp_path / "pairs", other, (4, 8))
    with pytest.raises(PairsError, match=r"ignored: 255.*ignored: None"):
        PairSet(tmp_path / "pairs", replace(SPACE, ignore_index=None), (4, 8))
    with pytest.raises(PairsError, match="pairs of 4×8 px, this run wants 8×16: make them at its size"):
        PairSet(tmp_path / "pairs", SPACE, (8, 16))


@pytest.mark.parametrize("damage", ["bit", "end", "empty", "another shard"])
def test_damaged_pairs_are_refused_and_made_anew(damage, tmp_path):
    before = contents(made(tmp_path / "pairs").folder)
    path = tmp_path / "pairs" / "pairs-00002.safetensors"
    bytes_ = bytearray(path.read_bytes())
    bytes_[-9] ^= 1
    new = {
        "bit": bytes(bytes_),
        "end": bytes(bytes_[:-1]),
        "empty": b"",
        "another shard": before["pairs-00001.safetensors"],
    }
    path.write_bytes(new[damage])
    with pytest.raises(PairsError, match=r"pairs-00002.*delete it, make_pairs makes it anew"):
        PairSet(tmp_path / "pairs", SPACE, (4, 8))
    path.unlink()
    made(tmp_path / "pairs")
    assert contents(tmp_path / "pairs") == before


def test_labels_of_no_class_are_refused(tmp_path):
    with pytest.raises(PairsError, match="labels of no class of its recipe"):
        made(tmp_path / "pairs", scenes=lambda n, random: (noise(n, random)[0], torch.full((n, 4, 8), 7)))


def test_a_folder_of_another_recipe_is_left_alone(tmp_path):
    made(tmp_path / "pairs")
    with pytest.raises(PairsError, match=r"pairs of another recipe, see recipe\.json"):
        list(make_pairs(tmp_path / "pairs", replace(RECIPE, seed=6), noise))
    with pytest.raises(PairsError, match="missing or no recipe"):
        PairSet(tmp_path, SPACE, (4, 8))
    (tmp_path / "pairs" / "recipe.json").write_text("{}")
    with pytest.raises(PairsError, match="no recipe of pairs"):
        PairSet(tmp_path / "pairs", SPACE, (4, 8))
    with pytest.raises(ValueError, match="a set of 0 pairs"):
        replace(RECIPE, count=0)


def test_every_word_of_a_recipe_makes_another_set():
    changes = {"kind": "semi", "height": 8, "count": 24, "seed": 6, "generators": {"painter": "abd"}, "code": "x"}
    assert len({RECIPE.digest, *(replace(RECIPE, **{k: v}).digest for k, v in changes.items())}) == 7
