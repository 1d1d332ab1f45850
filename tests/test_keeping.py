"""What is kept under runs/reference: never half, never out of place, and which codes are known to be equal."""

import json
import os
import signal

import pytest
from run_helpers import CHAPTER, finished, isolated, start  # noqa: F401

from sempal_lib import keeping, records, runs
from sempal_lib.runs import RunError


def as_code(monkeypatch, code):
    """From here on the library has this hash."""
    for module in (records, runs):
        monkeypatch.setattr(module, "code_hash", lambda *_: code)


def in_child(work):
    """Run a function in a process of its own; its exit status, negative for a signal."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(7)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else None


@pytest.mark.parametrize("name", ["preset", "chapter"])
@pytest.mark.parametrize("value", ["../../x", "/x", "..", "", "a/b", 3, None])
def test_a_record_cannot_lead_out_of_the_folder(name, value, tmp_path):
    run, record = finished()
    (run.folder / "record.json").write_text(json.dumps({**record, name: value}))
    with pytest.raises(RunError, match=rf"record\.json is no run record .*{name} = "):
        runs.keep(run.folder, tmp_path / "a" / "b" / "reference")
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("moment", range(12))
def test_keep_that_is_killed_leaves_the_old_run_or_the_new(moment, tmp_path, monkeypatch):
    """Killed before each of its steps on disk: copies, moves, removal."""
    root = tmp_path / "reference"
    run, _ = finished(0.1)
    (run.folder / "generator.safetensors").write_bytes(b"old")
    (run.folder / "samples.png").write_bytes(b"old")
    target, _ = runs.keep(run.folder, root)
    old = contents(target)
    run, _ = finished(0.2)
    (run.folder / "generator.safetensors").write_bytes(b"new")

    def work():
        left = [moment]

        def killing(function):
            def wrapped(*arguments, **options):
                if not left[0]:
                    os.kill(os.getpid(), signal.SIGKILL)
                left[0] -= 1
                return function(*arguments, **options)

            return wrapped

        for module, name in ((keeping.shutil, "copyfile"), (keeping.os, "replace"), (keeping.os, "fsync"),
                             (keeping.os, "unlink"), (keeping.os, "rmdir")):  # fmt: skip
            setattr(module, name, killing(getattr(module, name)))
        runs.keep(run.folder, root)

    status = in_child(work)
    assert status in (-signal.SIGKILL, 7)
    if moment == 0:
        assert status == -signal.SIGKILL
    keeping.sweep(root)
    kept = contents(target)
    new = {"generator.safetensors": b"new", "samples.png": b"old"}
    assert kept == old or {**kept, "record.json": b""} == {**new, "record.json": b""}
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    runs.keep(run.folder, root)
    assert json.loads((target / "record.json").read_text())["metrics"][0]["value"] == 0.2


def test_keep_clears_up_what_an_earlier_one_left(tmp_path):
    root = tmp_path / "reference"
    for name in (".lost.old/record.json", ".half.12.tmp/record.json", ".there.old/record.json", "there/record.json"):
        (root / "smoke" / "a" / name).parent.mkdir(parents=True)
        (root / "smoke" / "a" / name).write_text(name)
    runs.keep(finished()[0].folder, root)
    assert sorted(path.name for path in (root / "smoke" / "a").iterdir()) == ["lost", "there"]
    assert (root / "smoke" / "a" / "there" / "record.json").read_text() == "there/record.json"


def test_of_a_run_with_large_weights_the_rest_is_kept(tmp_path, monkeypatch):
    run, _ = finished()
    for name in ("generator.safetensors", "samples.png"):
        (run.folder / name).write_bytes(bytes(100))
    monkeypatch.setattr(records, "MAX_WEIGHTS", 50)
    target, left = runs.keep(run.folder, tmp_path / "reference", small_only=True)
    assert ({path.name for path in target.iterdir()}, left) == (
        {"record.json", "samples.png"}, ["generator.safetensors"],
    )  # fmt: skip


def test_weights_of_one_seed_suffice(tmp_path):
    for seed in (0, 1):
        run, _ = finished(seed=seed)
        for name in ("generator.safetensors", "samples.png"):
            (run.folder / name).write_bytes(b"x")
        target, left = runs.keep(run.folder, tmp_path / "reference", small_only=True)
        assert (target / "samples.png").exists()
        assert (target / "generator.safetensors").exists() == (seed == 0) == (left == [])
        runs.keep(run.folder, tmp_path / "reference", small_only=True)  # kept again, it keeps its own
        assert (target / "generator.safetensors").exists() == (seed == 0)
    assert runs.keep(run.folder, tmp_path / "reference") == (target, [])  # who asks for them gets them
    # Now both seeds have theirs, and neither loses them when it is done again.
    for seed in (0, 1):
        run, _ = finished(value=0.2, seed=seed)
        (run.folder / "generator.safetensors").write_bytes(b"new")
        target, left = runs.keep(run.folder, tmp_path / "reference", small_only=True)
        assert ((target / "generator.safetensors").read_bytes(), left) == (b"new", [])


def test_sweep_leaves_alone_what_is_no_leftover(tmp_path):
    for name in ("smoke/a/b/record.json", "smoke/a/.hidden/x", ".gitkeep"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / ".results.csv.12.tmp").touch()
    keeping.sweep(tmp_path)
    assert {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()} == {
        "smoke/a/b/record.json", "smoke/a/.hidden/x", ".gitkeep",
    }  # fmt: skip


# Which codes compute the same


def record_of(code, same_as=(), chapter=CHAPTER):
    return {"chapter": chapter, "code": code, "same_as": list(same_as)}


def test_equal_codes_are_a_closure_for_one_chapter():
    found = [record_of("d", "c"), record_of("b", "a"), record_of("c", "b"), record_of("y", "x"), {**record_of("z")}]
    assert records.equal_codes(found, CHAPTER, "d") == {"a", "b", "c", "d"}
    assert records.equal_codes(found, CHAPTER, "a") == {"a", "b", "c", "d"}  # equality has no direction
    assert records.equal_codes(found, CHAPTER, "y") == {"x", "y"}
    assert records.equal_codes(found, CHAPTER, "new") == {"new"}
    assert records.equal_codes(found, "03_semgan", "d") == {"d"}
    assert records.equal_codes([{"chapter": CHAPTER, "code": "a"}], CHAPTER, "b") == {"b"}


def row(metric="fsd", value=1.0, seconds=1.0, n=4):
    return {"system": "semgan", "variant": "full", "metric": metric, "split": "val", "value": value, "n": n,
            "seconds": seconds}  # fmt: skip


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ([row(seconds=9.0)], True),
        ([row(), row("images_per_second", 5.0)], True),
        ([row(value=1.0000000001)], False),
        ([row(n=5)], False),
        ([row(), row("swd_16")], False),
        ([], False),
    ],
)
def test_same_values_are_exact_and_leave_time_out(other, same):
    assert records.same_values({"metrics": [row()]}, {"metrics": other}) is same


def kept(monkeypatch, root, code, value=0.1, afresh=True):
    as_code(monkeypatch, code)
    if afresh and start().folder.exists():
        for path in start().folder.iterdir():
            path.unlink()
    run, _ = finished(value)
    return json.loads((runs.keep(run.folder, root)[0] / "record.json").read_text())


def test_the_same_numbers_by_other_code_are_evidence(tmp_path, monkeypatch):
    root = tmp_path / "reference"
    assert "same_as" not in kept(monkeypatch, root, "a")
    assert kept(monkeypatch, root, "b")["same_as"] == ["a"]
    assert kept(monkeypatch, root, "b")["same_as"] == ["a"]  # kept again, it forgets nothing
    record = kept(monkeypatch, root, "c")
    assert record["same_as"] == ["a", "b"]
    assert runs.is_stale(record) is False
    assert "same_as" not in kept(monkeypatch, root, "d", value=0.2)


def test_weights_of_older_code_measured_again_are_no_evidence(tmp_path, monkeypatch):
    root = tmp_path / "reference"
    kept(monkeypatch, root, "a")
    record = kept(monkeypatch, root, "b", afresh=False)
    assert (record["codes"], record.get("same_as")) == (["a", "b"], None)
    (start().folder / "codes.json").unlink()
    assert kept(monkeypatch, root, "c", afresh=False)["codes"] == ["unknown", "c"]
    (start().folder / "codes.json").write_text("{")
    with pytest.raises(RunError, match=r"cannot read .*codes.json"):
        start()
