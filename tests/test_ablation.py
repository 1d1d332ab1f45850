"""The ablation: rows as parameter sets, and the table that their records make."""

import itertools
import json

import pytest
import torch
import yaml
from run_helpers import bundle, isolated  # noqa: F401

from sempal_lib import ablation, training
from sempal_lib.data_folders import fingerprint
from sempal_lib.keeping import keep
from sempal_lib.parameters import presets_folder, resolve
from sempal_lib.runs import Run, RunError


def start(row, **given):
    return Run.start(ablation.CHAPTER, {**ablation.row_parameters(row), **given})


def finished(row, kl, exact=None, **given):
    run = start(row, **given)
    system, variant = ablation.system_and_variant(row)
    run.measure(system, variant, "palette_kl", kl, 48, "val")
    if exact is not None:
        run.measure(system, "exact", "palette_kl", exact, 48, "val")
    run.finish()
    return run


def test_every_row_is_a_file_of_parameters_that_tell_it_from_the_others():
    names = {path.stem for path in (presets_folder().parent / "ablation").glob("*.yaml")}
    assert names == set(ablation.ROWS)
    keys = {frozenset(ablation.row_parameters(name)) for name in ablation.ROWS}
    assert len(keys) == 1  # each says all the switches, so that any row can follow any preset
    for name in ablation.ROWS:
        assert ablation.row_of(resolve(ablation.CHAPTER, ablation.row_parameters(name))) == name
    assert ablation.row_of(resolve(ablation.CHAPTER, {"iterations": 7})) is None


def test_rows_add_one_part_at_a_time():
    rows = [ablation.row_parameters(name) for name in ablation.ROWS[3:8]]
    changed = [{key for key in a if a[key] != b[key]} for a, b in itertools.pairwise(rows)]
    assert changed == [{"fusion"}, {"multi_scale"}, {"soft_real"}, {"palette_source"}]


@pytest.mark.parametrize("preset", ["smoke", "demo", "gpu", "paper"])
def test_what_the_chapters_train_by_themselves(preset):
    assert ablation.row_of(resolve("06_ablation", {"preset": preset})) == "baseline-1"
    assert ablation.row_of(resolve("04_sb_gan_layouts", {"preset": preset})) == "sb-gan"
    whole = resolve("05_semantic_palette", {"preset": preset, "floor": False})
    assert ablation.row_of(whole) == "full"


def test_a_row_file_beside_a_preset_file_as_papermill_hands_them_over():
    whole = yaml.safe_load((presets_folder() / "smoke.yaml").read_text())
    for row in ablation.ROWS:
        assert ablation.row_of(resolve(ablation.CHAPTER, whole | ablation.row_parameters(row))) == row


def test_a_rows_parameters_are_the_callers_own():
    mine = ablation.row_parameters("full")
    mine.update(dict.fromkeys(mine))
    again = ablation.row_parameters("full")
    assert again.keys() == mine.keys()
    assert again != mine
    assert all(isinstance(value, str | int | float) for value in again.values())  # nothing below them to share


def test_unknown_row():
    with pytest.raises(RunError, match=r"no row 'sa': the rows are baseline-1, baseline-2"):
        ablation.row_parameters("sa")


def test_system_and_variant():
    assert ablation.system_and_variant("baseline-2") == ("baseline-2", "full")
    assert ablation.system_and_variant("saa+fusion") == ("semantic-palette", "saa+fusion")


def test_rows_are_gathered_by_seed_and_only_from_equal_configurations(monkeypatch, tmp_path):
    monkeypatch.setattr(ablation, "reference_root", lambda: tmp_path / "reference")
    finished("saa", 0.3), finished("saa", 0.5, seed=1), finished("full", 0.1, exact=0.0)
    finished("saa", 9.0, samples=24)  # another configuration
    runs = ablation.rows_of_runs(start("full").parameters)
    assert {row: len(found) for row, found in runs.items() if found} == {"saa": 2, "full": 1}
    found = ablation.values(runs)
    assert found["saa"]["palette_kl"] == {"0": 0.3, "1": 0.5}
    assert found["exact"]["palette_kl"] == {"0": 0.0}
    assert found["baseline-1"] == {}


def test_a_row_that_has_not_run_here_takes_the_committed_records(monkeypatch, tmp_path):
    reference = tmp_path / "reference"
    monkeypatch.setattr(ablation, "reference_root", lambda: reference)
    for row, kl in (("saa", 0.3), ("full", 0.1)):
        keep(finished(row, kl).folder, reference)
    monkeypatch.setenv("SEMPAL_RUNS", str(tmp_path / "empty"))
    finished("full", 0.2)
    runs = ablation.rows_of_runs(start("full").parameters)
    assert [(row, r["place"]) for row, found in runs.items() for r in found] == [("saa", "kept"), ("full", "here")]
    # Committed seeds and this machine's stand together; of one seed this machine's counts.
    for seed in (1, 2):
        keep(finished("full", 0.3, seed=seed, dataset="toy-street").folder, reference)
    monkeypatch.setenv("SEMPAL_RUNS", str(tmp_path / "other"))
    finished("full", 0.2)
    runs = ablation.rows_of_runs(start("full").parameters)
    assert ablation.values(runs)["full"]["palette_kl"] == {"0": 0.2, "1": 0.3, "2": 0.3}
    assert [r["place"] for r in runs["full"]] == ["here", "kept", "kept"]
    # Runs here of older code do not count; committed ones do.
    monkeypatch.setattr(ablation, "code_hash", lambda: "newer")
    runs = ablation.rows_of_runs(start("full").parameters)
    assert ablation.values(runs)["full"]["palette_kl"] == {"0": 0.1, "1": 0.3, "2": 0.3}
    assert {r["place"] for found in runs.values() for r in found} == {"kept, older code"}


def test_rows_of_real_data_are_shown_where_the_data_are_not_at_hand(monkeypatch, tmp_path):
    monkeypatch.setattr(ablation, "reference_root", lambda: tmp_path / "reference")
    monkeypatch.setenv("SEMPAL_DATA", str(tmp_path / "data"))
    bundle(tmp_path / "data" / "tiny")
    few = {"dataset": "tiny", "train_scenes": 8, "val_scenes": 6, "samples": 6}
    run = finished("saa", 0.3, **few)
    keep(run.folder, tmp_path / "reference")

    def of_saa():
        return ablation.values(ablation.rows_of_runs(run.parameters))["saa"].get("palette_kl")

    assert of_saa() == {"0": 0.3}
    monkeypatch.delenv("SEMPAL_DATA")
    assert of_saa() == {"0": 0.3}
    bundle(tmp_path / "others" / "tiny", value=1)  # other data of the same name
    monkeypatch.setenv("SEMPAL_DATA", str(tmp_path / "others"))
    fingerprint.cache_clear()
    assert of_saa() is None


def test_table_and_orderings(monkeypatch, tmp_path):
    monkeypatch.setattr(ablation, "reference_root", lambda: tmp_path / "reference")
    for seed, (saa, fusion) in enumerate([(0.30, 0.10), (0.34, 0.14), (0.32, 0.12)]):
        finished("saa", saa, seed=seed), finished("saa+fusion", fusion, seed=seed)
    runs = ablation.rows_of_runs(start("full").parameters)
    table = ablation.ablation_table(runs, ["palette_kl", "fid", "fsd_grid"], ["saa", "full"])
    assert table.header == (
        "row",
        "palette kl",
        "palette kl, paper",
        "fid, paper",
        "seeds",
        "runs",
    )  # no column without numbers
    assert table.rows[0] == ("saa", "0.320 ± 0.020", "0.32", "70.6", "3", "here")
    assert table.rows[1] == ("full", "–", "0.07", "60.7", "–", "–")
    claims = [("palette_kl", "saa+fusion", "saa"), ("palette_kl", "saa", "saa+fusion"), ("palette_kl", "full", "saa")]
    rows = ablation.orderings(runs, claims).rows
    assert rows[0] == (
        "saa+fusion < saa (paper: 0.13 < 0.32)", "palette kl", "0.120 ± 0.020", "0.320 ± 0.020",
        "0.200 [0.200, 0.200]", "3", "holds",
    )  # fmt: skip
    assert [row[-1] for row in rows] == ["holds", "does not hold", "undecided"]
    assert ablation.compared(runs, "palette_kl", "saa+fusion", "saa").verdict == "holds"
    assert ablation.compared(runs, "palette_kl", "full", "saa").seeds == 0
    assert "paper" not in ablation.orderings(runs, [("palette_kl", "sinkhorn-2", "full")]).rows[0][0]
    (first, *_) = [row for row in ablation.figure_rows(runs, ["palette_kl"]) if row["name"] == "saa"]
    assert first == {"name": "saa", "values": {"palette_kl": [0.30, 0.34, 0.32]}, "paper": {"palette_kl": 0.32}}


def test_a_pair_of_unlike_codes_decides_nothing(monkeypatch, tmp_path):
    """Seed 1 of one row is from before a change, of the other from after; seed 2 of both from before."""
    reference = tmp_path / "reference"
    monkeypatch.setattr(ablation, "reference_root", lambda: reference)
    for seed in (1, 2):
        for row, kl in (("saa", 0.3), ("full", 9.0 if seed == 1 else 0.2)):
            target, _ = keep(finished(row, kl, seed=seed).folder, reference)
            if (seed, row) != (1, "saa"):
                record = json.loads((target / "record.json").read_text())
                (target / "record.json").write_text(json.dumps({**record, "code": "before"}))
    monkeypatch.setenv("SEMPAL_RUNS", str(tmp_path / "other"))
    finished("saa", 0.3), finished("full", 0.1)
    runs = ablation.rows_of_runs(start("full").parameters)
    found = ablation.compared(runs, "palette_kl", "full", "saa")
    assert (found.seeds, round(found.difference, 9)) == (2, 0.15)
    (row,) = ablation.orderings(runs, [("palette_kl", "full", "saa")]).rows
    assert row[5] == "2"
    assert "kept, older code" in ablation.ablation_table(runs, ["palette_kl"], ["full"]).rows[0][-1]
    # A run that was done again with the same numbers vouches for the older code.
    path = next(path for path in reference.rglob("record.json") if json.loads(path.read_text())["code"] != "before")
    path.write_text(json.dumps({**json.loads(path.read_text()), "same_as": ["before"]}))
    assert ablation.compared(ablation.rows_of_runs(start("full").parameters), "palette_kl", "full", "saa").seeds == 3


def test_palettes_for_statistics_come_from_where_training_takes_them():
    few = {"preset": "smoke", "train_scenes": 24, "val_scenes": 8, "samples": 10, "palette_source": "mixture"}
    p = resolve(ablation.CHAPTER, few)
    data = training.layout_data(p)
    drawn = training.typical_palettes(p, data)
    assert torch.equal(drawn, data.mixture.sample(10, seed=0))
    real = training.typical_palettes(p.model_copy(update={"palette_source": "real"}), data)
    assert real.shape == (10, 19)
    assert all((data.palettes == palette).all(1).any() for palette in real)
