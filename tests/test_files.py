"""Files that are written whole, read with a checksum, and refused when anything in them has changed."""

import json
import os
import random
import signal
import stat
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from sempal_lib import files, tensor_files
from sempal_lib.palettes import PaletteMixture
from sempal_lib.records import write_atomically
from sempal_lib.training import CheckpointError, checkpoint, load_generator, load_segmenter
from sempal_lib.training.kinds import load_kind_classifier

KINDS = (
    torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
    torch.uint8, torch.bool,
)  # fmt: skip
FACTS = {"step": 3, "configuration": {"height": 8, "name": "größer"}, "history": [0.1, 1e-9]}


def mixed(size=7):
    """Tensors of every kind, an empty one, a scalar, one that is not contiguous."""
    torch.manual_seed(0)
    found = {f"of.{kind}": (9 * torch.randn(3, size)).to(kind) for kind in KINDS}
    return found | {"empty": torch.empty(0, 4), "one": torch.tensor(2.5), "turned": torch.randn(4, size).T}


def flipped(content, bit):
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_what_is_written_is_read(tmp_path):
    """By us and by everyone else, in the types, shapes and order that there were."""
    tensors, path = mixed(), tmp_path / "new" / "c.safetensors"
    checkpoint.save(path, tensors, FACTS)
    found, facts = checkpoint.load(path)
    assert facts == FACTS
    assert list(found) == sorted(tensors)
    with safe_open(str(path), framework="pt") as file:
        assert json.loads(file.metadata()["facts"]) == FACTS
        theirs = {name: file.get_tensor(name) for name in file.keys()}
    for name, value in tensors.items():
        for other in (found[name], theirs[name]):
            assert (other.dtype, other.shape) == (value.dtype, value.shape)
            assert torch.equal(other, value), name
    assert [x.name for x in path.parent.iterdir()] == ["c.safetensors"]


# One bit


@pytest.fixture(scope="module")
def whole():
    """A checkpoint's bytes, 200 kB."""
    folder = Path(os.environ["SEMPAL_RUNS"]) / "flips"
    checkpoint.save(folder / "c", {f"averaged.{i}": torch.randn(64, 64) for i in range(12)} | mixed(), FACTS)
    checkpoint.load(folder / "c")  # as it is, it is read
    return (folder / "c").read_bytes()


PLACES = [(part, random.Random(f"{part} {i}").random()) for part in ("header", "data") for i in range(20)]


@pytest.mark.parametrize(("part", "place"), PLACES, ids=[f"{part} {place:.3f}" for part, place in PLACES])
def test_a_flipped_bit_is_refused_and_the_file_left(tmp_path, whole, part, place):
    path, end = tmp_path / "checkpoint.safetensors", 8 + int.from_bytes(whole[:8], "little")
    first, last = (0, end) if part == "header" else (end, len(whole))
    broken = flipped(whole, int(8 * (first + place * (last - first))))
    path.write_bytes(broken)
    with pytest.raises(CheckpointError, match=r"checkpoint\.safetensors is damaged .* left as it is: move it away"):
        checkpoint.load(path)
    assert path.read_bytes() == broken


def test_every_bit_counts(tmp_path):
    path = tmp_path / "c"
    checkpoint.save(path, {"a": torch.ones(2), "b": torch.tensor([1, 2], dtype=torch.uint8)}, {"step": 1})
    content = path.read_bytes()
    checkpoint.load(path)
    for bit in range(8 * len(content)):
        path.write_bytes(flipped(content, bit))
        with pytest.raises(CheckpointError):
            checkpoint.load(path)
    for other in (content + b"\0", content[:-1], content[:30], b""):
        path.write_bytes(other)
        with pytest.raises(CheckpointError):
            checkpoint.load(path)


def test_a_flipped_bit_of_a_mixture(tmp_path):
    path = tmp_path / "m"
    PaletteMixture(torch.ones(1), torch.full((1, 3), 1 / 3), 1e-5 * torch.eye(3)[None]).save(path)
    path.write_bytes(flipped(path.read_bytes(), 8 * path.stat().st_size - 30))
    with pytest.raises(ValueError, match=r"m holds no palette mixture \(its checksum does not fit its content"):
        PaletteMixture.load(path)


def older(path, tensors, facts, **more):
    """As versions before wrote them."""
    save_file(tensors, str(path), metadata={"facts": json.dumps(facts)} | more)


def test_a_file_of_an_older_version_is_read_with_a_warning(tmp_path):
    path = tmp_path / "c"
    older(path, {"b": torch.ones(2), "a": torch.zeros(1, dtype=torch.int64)}, FACTS)
    with pytest.warns(UserWarning, match=r"c has no checksum, an older version wrote it: .*checkpoint\.save"):
        tensors, facts = checkpoint.load(path)
    assert facts == FACTS
    checkpoint.save(path, tensors, facts)  # what the warning says
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.equal(checkpoint.load(path)[0]["b"], torch.ones(2))
    older(path, {"b": torch.ones(2)}, FACTS, clake2b="0" * 64)
    with pytest.raises(CheckpointError, match="no checksum"):
        checkpoint.load(path)


@pytest.mark.filterwarnings("ignore:.*has no checksum")
def test_a_header_of_anything_is_read_or_refused(tmp_path):
    """Nothing but our error comes out of a damaged header without a checksum, and no memory is asked for in vain."""
    path = tmp_path / "c"
    older(path, {"a": torch.ones(2), "b": torch.ones(1, 3)}, {"step": 1})
    content = path.read_bytes()
    refused = 0
    for bit in range(8 * (8 + int.from_bytes(content[:8], "little"))):
        path.write_bytes(flipped(content, bit))
        try:
            checkpoint.load(path)
        except CheckpointError:
            refused += 1
    assert refused > 1000
    for text in (
        b"{}", b"[]", b"1", b"[" * 99_999, b'{"a":1}', b'{"__metadata__":[1]}', b'{"__metadata__":{"facts":1}}',
        b'{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}',
        b'{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,-4]}}',
        b'{"a":{"dtype":"F32","shape":[true],"data_offsets":[0,4]}}',
        b'{"a":{"dtype":"C64","shape":[],"data_offsets":[]}}',
    ):  # fmt: skip
        path.write_bytes(len(text).to_bytes(8, "little") + text)
        with pytest.raises(CheckpointError):
            checkpoint.load(path)
    facts, entry = b'{"__metadata__":{"facts":"1"}', b'{"dtype":"U8","shape":[2],"data_offsets":[%d,%d]}'
    for first, second, works in (((0, 2), (2, 4), True), ((0, 2), (0, 2), False), ((0, 2), (1, 3), False)):
        text = facts + b',"a":' + entry % first + b',"b":' + entry % second + b"}"
        path.write_bytes(len(text).to_bytes(8, "little") + text + b"1234")
        if works:
            assert checkpoint.load(path)[0]["b"].tolist() == list(b"34")
        else:
            with pytest.raises(CheckpointError, match="b does not lie where it should"):
                checkpoint.load(path)


REFERENCE = sorted((Path(__file__).parent.parent / "runs" / "reference").rglob("*.safetensors"))


@pytest.mark.parametrize("path", REFERENCE, ids=[f"{x.parent.parent.name}-{x.parent.name}-{x.stem}" for x in REFERENCE])
def test_committed_weights_are_whole(path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # What is trained once for a world is of other kinds than what runs leave.
        reader = {"judges": load_segmenter, "eyes": load_segmenter, "painters": checkpoint.load,
                  "sorters": load_kind_classifier}  # fmt: skip
        reader.get(path.parent.name.rpartition("-")[2], load_generator)(path)


# Several at once

WRITER = """
import sys, time, torch
from pathlib import Path
from sempal_lib.tensor_files import write_tensors
path, writer, ready = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
(ready / str(writer)).touch()
wait = time.monotonic() + 60
while len(list(ready.iterdir())) < 2 and time.monotonic() < wait:
    time.sleep(0.01)
end, count = time.monotonic() + 2, 0
while time.monotonic() < end:
    count += 1
    value = float(1000 * writer + count % 1000)
    tensors = {f"t{i}": torch.full((40_000 + 100 * (count % 7),), value) for i in range(4)}
    write_tensors(path, tensors, {"value": value, "filler": "x" * (count % 50)})
print(count)
"""


def test_two_writers_and_a_reader(tmp_path):
    """Every read is one writer's file: its facts, and nothing but its tensors."""
    path, ready = tmp_path / "files" / "c.safetensors", tmp_path / "ready"
    path.parent.mkdir(), ready.mkdir()
    command = [sys.executable, "-c", WRITER, str(path)]
    writers = [subprocess.Popen([*command, str(n), str(ready)], stdout=subprocess.PIPE, text=True) for n in (1, 2)]
    reads = set()
    while not path.exists() and any(writer.poll() is None for writer in writers):
        time.sleep(0.01)
    while any(writer.poll() is None for writer in writers):
        tensors, facts = checkpoint.load(path)
        assert {x for value in tensors.values() for x in (value.min().item(), value.max().item())} == {facts["value"]}
        assert len({len(value) for value in tensors.values()}) == 1
        reads.add(facts["value"])
    said = [writer.communicate()[0] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    assert min(int(count) for count in said) > 2
    assert {value // 1000 for value in reads} == {1, 2}
    assert [x.name for x in path.parent.iterdir()] == ["c.safetensors"]


def test_a_file_replaced_while_it_is_read_is_read_to_its_end(tmp_path, monkeypatch):
    path, parse = tmp_path / "c", tensor_files._parse
    older(path, {"a": torch.zeros(1000)}, {"value": 0})  # without a checksum, that would only refuse it

    def between(*arguments):
        (tmp_path / "other").write_bytes(content)
        os.replace(tmp_path / "other", path)
        return parse(*arguments)

    older(tmp_path / "other", {"a": torch.ones(1000)}, {"value": 1})
    content = (tmp_path / "other").read_bytes()
    monkeypatch.setattr(tensor_files, "_parse", between)
    with pytest.warns(UserWarning, match="no checksum"):
        tensors, facts = checkpoint.load(path)
    assert facts["value"] == tensors["a"].max() == 0


WRITES = {
    "checkpoint": lambda path: checkpoint.save(path, {"a": torch.ones(2)}, {}),
    "mixture": lambda path: PaletteMixture(torch.ones(1), torch.full((1, 3), 1 / 3), torch.eye(3)[None]).save(path),
    "record": lambda path: write_atomically(path, "{}"),
}


@pytest.mark.parametrize("what", WRITES)
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o002, 0o664)])
def test_permissions_are_those_of_a_new_file(tmp_path, what, mask, mode):
    before = os.umask(mask)
    try:
        WRITES[what](tmp_path / "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == mode


@pytest.mark.parametrize("what", WRITES)
def test_what_a_killed_writer_left_is_swept(tmp_path, what):
    """By the next writer of the same path, and nothing else is."""
    code = (
        "import os, signal, sys\n"
        "from sempal_lib import files\n"
        "with files.replacing(sys.argv[1]) as new:\n"
        "    new.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = tmp_path / "x"
    for name in ("x", "x.1", "y"):
        child = subprocess.run([sys.executable, "-c", code, str(tmp_path / name)], timeout=60)
        assert child.returncode == -signal.SIGKILL
    others = {found.name for name in ("x.1", "y") for found in tmp_path.glob(f".{name}.*.tmp")}
    assert len(others) == 2
    living = [f".x.{os.getpid()}-{files._here()}-00000000.tmp", ".x.999999999-00000000-00000000.tmp"]  # here, elsewhere
    living += [".x.tmp", "x.new", ".x.notes.tmp"]
    old = f".x.{os.getpid()}-{files._here()}-00000001.tmp"
    for name in (*living, old):
        (tmp_path / name).write_text("")
    os.utime(tmp_path / old, times=(time.time() - files.OLD - 60,) * 2)
    WRITES[what](path)
    assert {x.name for x in tmp_path.iterdir()} == {"x", *others, *living}


def test_a_write_that_fails_leaves_nothing(tmp_path):
    path = tmp_path / "x"
    path.write_text("before")

    def interrupted():
        with files.replacing(path) as new:
            new.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [x.name for x in tmp_path.iterdir()] == ["x"]
    assert path.read_text() == "before"


@pytest.mark.parametrize("what", WRITES)
def test_the_file_is_on_the_disk_before_it_is_moved_and_then_its_folder(tmp_path, what, monkeypatch):
    done, fsync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda n: (done.append(stat.S_ISDIR(os.fstat(n).st_mode)), fsync(n)))
    monkeypatch.setattr(os, "replace", lambda *paths: (done.append("moved"), replace(*paths)))
    WRITES[what](tmp_path / "x")
    assert done == [False, "moved", True]
