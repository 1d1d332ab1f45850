"""Tables and verdicts from records."""

import csv
import json
import math
import re

import numpy as np
import pytest
from scipy import stats

from sempal_lib.record_model import METRIC, NAME, SYSTEMS, VARIANT
from sempal_lib.records import reference_root
from sempal_lib.results import (
    Comparison,
    compare,
    compared,
    comparison,
    published,
    reference_table,
    reference_verdicts,
    seed_text,
    tally,
    verdicts,
)


def record(seed=0, value=0.1, dataset="toy-street"):
    row = {"system": "semantic-palette", "metric": "palette_kl", "split": "val"}
    values = {"0": value, "1": value + 0.02}
    return {
        "chapter": "05_semantic_palette", "preset": "demo", "dataset": dataset, "seed": seed, "seconds": 1800.0,
        "configuration": "abcd1234", "code": "0" * 64, "device": "a CPU", "created": "2026-01-01T00:00:00+00:00",
        "parameters": {"preset": "demo", "dataset": dataset, "seed": seed, "data_root": None, "height": 16},
        "metrics": [{**row, "variant": "full", "value": value, "n": 256, "seconds": None}],
        "seeds": [
            {**row, "variant": "full", "values": values},
            {**row, "variant": "unconditional", "values": {"0": 1.2, "1": 1.3}},
        ],
    }  # fmt: skip


def test_published_numbers_name_their_table():
    assert published()["semantic-palette", "full", "cityscapes", "palette_kl"] == (
        0.07,
        "Semantic Palette, Table 4, last row",
    )
    assert all(source for _, source in published().values())


def test_published_numbers_are_well_formed():
    with open(reference_root() / "paper.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(published()) == len(rows)  # none stands there twice
    for row in rows:
        value = float(row["value"])
        assert row["system"] in SYSTEMS, row
        assert re.fullmatch(METRIC, row["metric"]), row
        assert re.fullmatch(VARIANT, row["variant"]), row
        assert re.fullmatch(NAME, row["dataset"]), row
        assert value > 0
        if "miou" in row["metric"] or "accuracy" in row["metric"] or row["metric"] == "ms_ssim":
            assert value < 1, row  # fractions, not per cent


def test_tables_of_the_papers_are_whole():
    """What the tables themselves say of their numbers: who is best, and which rows share their layouts."""

    def row(dataset, system, variant="full"):
        metrics = ("fsd", "fid", "gan_test_miou_all", "gan_test_miou", "gan_train_miou_all", "gan_train_miou")
        return [published()[system, variant, dataset, metric][0] for metric in metrics]

    for dataset in ("cityscapes", "cityscapes-25k", "idd"):  # Semantic Palette, Table 2
        palette, ours = row(dataset, "semantic-palette"), row(dataset, "sb-gan")
        painted_otherwise, tuned = row(dataset, "sb-gan", "pix2pixhd"), row(dataset, "semantic-palette", "e2e")
        assert painted_otherwise[0] == ours[0]  # the same layouts
        assert painted_otherwise[1] > ours[1] > palette[1] > tuned[1]  # FID
        assert painted_otherwise[5] < ours[5] < palette[5] < tuned[5]  # GAN-train
        assert tuned[5] < published()["segmenter", "real", dataset, "gan_train_miou"][0]
        for values in (palette, ours, painted_otherwise, tuned, row(dataset, "sb-gan", "e2e")):
            assert values[2] < values[3]  # all classes are harder than the standard ones
            assert values[4] < values[5]
    for dataset in ("cityscapes-5k", "cityscapes-25k", "ade-indoor"):  # SB-GAN, Tables 1 and 2: tuned is best
        for size, system, other in ((256, "gaugan", "gaugan"), (256, "sb-gan", "sb-gan"), (256, "sb-gan", "progan-rgb"),
                                    (128, "sb-gan", "progan-rgb")):  # fmt: skip
            key = f"{dataset}-{size}", "fid"
            assert published()[system, "e2e", *key][0] < published()[other, "full", *key][0]
    for dataset in ("cityscapes", "facades"):  # SemGAN, Tables 3 and 4: it beats its twin in each
        for metric in ("fid", "ms_ssim", "swd_16", "swd_32", "swd_64", "swd_128", "swd_mean"):
            one, other = (published()[system, "full", dataset, metric][0] for system in ("semgan", "rgb-gan"))
            assert one < other


def test_published_numbers_read_by_eye():
    for key, value in {
        ("sb-gan", "pix2pixhd", "cityscapes", "gan_train_miou"): 0.357,
        ("sb-gan", "e2e", "cityscapes-25k", "fsd"): 148.5,
        ("semantic-palette", "e2e", "idd", "gan_test_miou"): 0.417,
        ("baseline-2", "full", "cityscapes", "gan_test_miou_all"): 0.353,
        ("segmenter", "real", "cityscapes-25k", "gan_train_miou"): 0.530,
        ("sb-gan", "full", "ade-indoor-256", "fid"): 91.80,
        ("progan-rgb", "full", "cityscapes-25k-128", "fid"): 56.7,
        ("semgan", "full", "facades", "swd_128"): 35.6,
        ("rgb-gan", "full", "facades", "fid"): 208.09,
    }.items():
        assert published()[key][0] == value


def test_comparison_sets_the_paper_beside_ours():
    found = record()
    found["seeds"].append({**found["seeds"][0], "variant": "exact", "metric": "budget_mae", "values": {"0": 0.5}})
    table = comparison(found, "cityscapes", ["palette_kl", "budget_mae", "gan_train_miou"])
    # The last metric is the paper's only. Its numbers stand below ours, of the variants that it has.
    assert table.header == ("variant", "palette kl", "budget mae", "gan train miou", "seeds")
    assert table.rows == (
        ("full", "0.110 ± 0.014", "–", "–", "0, 1 here"),
        ("paper, cityscapes", "0.07", "–", "0.401", "–"),
        ("unconditional", "1.25 ± 0.07", "–", "–", "0, 1 here"),
        ("exact", "–", "0.500", "–", "0 here"),
    )
    # A speed is the run's own: other seeds may have run on another machine.
    speed = {**found["seeds"][0], "metric": "images_per_second", "values": {"0": 50.0, "1": 5.0}}
    assert comparison({**found, "seeds": [speed]}, "cityscapes", ["images_per_second"]).rows[0][1] == "50.0"
    # Rows without any of the metrics are left out; `rows_of` chooses and orders.
    assert [row[0] for row in comparison(found, "cityscapes", ["palette_kl"]).rows] == [
        "full", "paper, cityscapes", "unconditional",
    ]  # fmt: skip
    chosen = comparison(found, "cityscapes", ["palette_kl"], ["unconditional", "full"])
    assert [row[0] for row in chosen.rows] == ["unconditional", "full", "paper, cityscapes"]
    assert [row[0] for row in comparison(found, "idd", ["palette_kl"]).rows] == ["full", "unconditional"]


def test_seeds_say_where_their_records_lie():
    places = {"0": "here", "1": "kept", "2": "kept", "3": "kept", "5": "kept", "7": "kept, older code"}
    assert seed_text(["5", "0", "1", "3", "2", "7"], places) == "0 here; 1–3, 5 kept; 7 kept, older code"
    assert seed_text(["1", "0"], {}) == "0, 1 here"
    assert seed_text([], places) == ""


def by_seed(*values):
    return {str(seed): value for seed, value in enumerate(values)}


# From the printed tables of Student's t: 12.706 of 1 degree of freedom, 4.303 of 2, 2.571 of 5.
@pytest.mark.parametrize(
    ("first", "second", "difference", "half", "seeds", "verdict"),
    [
        ((1, 2, 3), (3, 3, 6), 2, 4.303 / 3**0.5, 3, "undecided"),  # differences 2, 1, 3: standard deviation 1
        ((1, 2, 3), (6, 6, 9), 5, 4.303 / 3**0.5, 3, "holds"),
        ((6, 6, 9), (1, 2, 3), -5, 4.303 / 3**0.5, 3, "does not hold"),
        ((0.1, 0.12), (1.2, 1.3), 1.14, 12.706 * 0.04, 2, "holds"),
        # The pairs decide where the spread among seeds is far wider than the gap.
        ((10, 20, 30, 40, 50, 60), (11, 22, 31, 42, 51, 62), 1.5, 2.571 * (0.3 / 6) ** 0.5, 6, "holds"),
        ((0.1, 0.1), (0.3, 0.3), 0.2, 0, 2, "holds"),  # no spread, no width
        ((0.3, 0.4), (0.3, 0.4), 0, 0, 2, "undecided"),
        ((0.3, 25.0), (0.1 + 0.2, 25.00001), 0, 0, 2, "undecided"),  # equal but for rounding
    ],
)
def test_compare_by_hand(first, second, difference, half, seeds, verdict):
    found = compare(by_seed(*first), by_seed(*second))
    assert found.difference == pytest.approx(difference)
    assert (found.low, found.high) == pytest.approx((difference - half, difference + half), rel=1e-3)
    assert (found.seeds, found.verdict) == (seeds, verdict)


def test_compare_against_a_plain_version():
    random = np.random.default_rng(0)
    for count in (2, 3, 6, 11):
        a, b = random.normal(0, 1, count), random.normal(0.5, 1, count)
        expected = stats.ttest_rel(b, a).confidence_interval(0.95)
        found = compare(by_seed(*a), by_seed(*b))
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
        # The claim the other way round: the same numbers, mirrored.
        mirrored = compare(by_seed(*b), by_seed(*a))
        assert (mirrored.difference, mirrored.low) == pytest.approx((-found.difference, -found.high))


def test_an_interval_holds_the_truth_as_often_as_it_says():
    random = np.random.default_rng(1)
    seeds = random.normal(0, 5, (2000, 1, 4))  # what a seed does to both alike
    first, second = (seeds + random.normal(0, 1, (2000, 2, 4))).transpose(1, 0, 2)
    decided = [compare(by_seed(*a), by_seed(*b)).verdict != "undecided" for a, b in zip(first, second, strict=True)]
    assert np.mean(decided) == pytest.approx(0.05, abs=0.015)


def test_only_seeds_that_both_have_count():
    one, other = {"0": 1.0, "3": 2.0, "5": 100.0}, {"3": 4.0, "0": 2.0, "7": -100.0}
    assert compare(one, other) == compare({"0": 1.0, "3": 2.0}, {"0": 2.0, "3": 4.0})
    single = compare({"0": 1.0, "1": 2.0}, {"0": 3.0})
    assert (single.difference, single.seeds, single.verdict) == (2.0, 1, "undecided")
    assert math.isnan(single.low)
    none = compare({"0": 1.0, "1": 2.0}, {"2": 3.0, "3": 4.0})
    assert (none.seeds, none.verdict) == (0, "undecided")
    assert compare({}, {}).seeds == 0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_decides_nothing(value):
    found = compare(by_seed(0.1, 0.2, value), by_seed(1.1, 1.2, value))
    assert (found.seeds, found.verdict) == (3, "undecided")
    assert math.isnan(found.difference)
    assert found.words == "not compared (a value is no number)"


@pytest.mark.parametrize(
    ("found", "words", "interval"),
    [
        (Comparison(0.012, 0.003, 0.021, 6, "holds"),
         "lower by 0.0120 (95 % interval 0.0030 to 0.0210, 6 seeds)", "0.0120 [0.0030, 0.0210]"),
        (Comparison(-0.012, -0.021, -0.003, 6, "does not hold"),
         "higher by 0.0120 (95 % interval 0.0030 to 0.0210, 6 seeds)", "−0.0120 [−0.0210, −0.0030]"),
        (Comparison(-5.0, -40.0, 30.0, 3, "undecided"),
         "higher by 5 (undecided: 95 % interval −30 to 40, 3 seeds)", "−5 [−40, 30]"),
        (Comparison(10.0, 0.04, 19.96, 3, "holds"),  # the decimals show that zero is left out
         "lower by 10.00 (95 % interval 0.04 to 19.96, 3 seeds)", "10.00 [0.04, 19.96]"),
        (Comparison(2e-5, 1e-5, 3e-5, 3, "holds"),
         "lower by 2.0e−05 (95 % interval 1.0e−05 to 3.0e−05, 3 seeds)", "2.0e−05 [1.0e−05, 3.0e−05]"),
        (Comparison(0.25, 0.25, 0.25, 2, "holds"),
         "lower by 0.250 (95 % interval 0.250 to 0.250, 2 seeds)", "0.250 [0.250, 0.250]"),
        (Comparison(0.0, 0.0, 0.0, 2, "undecided"),
         "the same (undecided: 95 % interval 0.0 to 0.0, 2 seeds)", "0.0 [0.0, 0.0]"),
        (Comparison(0.3, math.nan, math.nan, 1, "undecided"),
         "lower by 0.300 (one seed, which decides nothing)", "0.300"),
        (Comparison(math.nan, math.nan, math.nan, 0, "undecided"), "not compared (no seed has both)", "–"),
    ],
)  # fmt: skip
def test_a_comparison_in_words_and_in_a_table(found, words, interval):
    assert (found.words, found.interval) == (words, interval)


def test_verdicts_are_computed_from_the_record():
    claims = {
        "follows": ("palette_kl", "full", "unconditional"),
        "the other way": ("palette_kl", "unconditional", "full"),
        "unknown": ("fsd", "full", "unconditional"),
    }
    found = record()
    table = verdicts(found, claims)
    assert table.header == (
        "claim", "metric", "first", "second", "difference [95 % interval]", "seeds", "verdict",
    )  # fmt: skip
    # Differences 1.1 and 1.18: mean 1.14, standard deviation 0.04 √2, half the interval 12.706 · 0.04.
    assert table.rows[0] == (
        "follows", "palette kl", "0.110 ± 0.014", "1.25 ± 0.07", "1.14 [0.63, 1.65]", "2", "holds",
    )  # fmt: skip
    assert [row[-1] for row in table.rows] == ["holds", "does not hold", "undecided"]
    assert table.rows[2][2:6] == ("–", "–", "–", "0")
    assert tally(table) == "1 holds, 1 does not, 1 is undecided"
    assert tally(verdicts(found, {})) == "0 hold, 0 do not, 0 are undecided"
    one = compared(found, "palette_kl", "full", "unconditional")
    assert one == compare(*(row["values"] for row in found["seeds"]))
    assert compared(found, "palette_kl", "full", "nobody").verdict == "undecided"


def test_reference_table_gathers_seeds(tmp_path):
    for seed, value in ((0, 0.1), (1, 0.2)):
        folder = tmp_path / "demo" / "05_semantic_palette" / f"toy-street-s{seed}-abcd1234"
        folder.mkdir(parents=True)
        found = record(seed, value)
        exact = {**found["metrics"][0], "variant": "exact", "metric": "fsd", "value": 20.0}
        found["metrics"] += [exact] if seed else []
        (folder / "record.json").write_text(json.dumps(found))
    table = reference_table("05_semantic_palette", ["palette_kl", "fsd", "fid"], root=tmp_path)
    assert table.header == ("data", "variant", "palette kl", "fsd", "seeds", "training", "run")
    assert table.rows == (
        ("toy-street, 16 px, demo", "full", "0.150 ± 0.071", "–", "2", "30 min", "abcd1234"),
        ("toy-street, 16 px, demo", "exact", "–", "20.0", "1", "", ""),
    )


def test_reference_verdicts_compare_within_a_configuration(tmp_path):
    def keep(seed, dataset, full, floor):
        found = record(seed, dataset=dataset)
        row = found["metrics"][0]
        found["metrics"] = [{**row, "value": full}]
        if floor is not None:
            found["metrics"].append({**row, "variant": "unconditional", "value": floor})
        folder = tmp_path / "demo" / "05_semantic_palette" / f"{dataset}-s{seed}-abcd1234"
        folder.mkdir(parents=True)
        (folder / "record.json").write_text(json.dumps(found))

    keep(0, "toy-street", 0.1, 1.2)
    keep(1, "toy-street", 0.12, 1.3)
    keep(0, "camvid", 0.1, 1.2)
    keep(0, "idd-lite", 0.1, None)  # nothing to compare with
    table = reference_verdicts("05_semantic_palette", ["palette_kl", "fsd"], "full", "unconditional", tmp_path)
    assert table.header[:4] == ("data", "metric", "full", "unconditional")
    assert table.rows == (
        ("camvid, 16 px, demo", "palette kl", "0.100", "1.20", "1.10", "1", "undecided"),
        ("toy-street, 16 px, demo", "palette kl", "0.110 ± 0.014", "1.25 ± 0.07", "1.14 [0.63, 1.65]", "2", "holds"),
    )


def test_reference_verdicts_tell_the_same_pair_once(tmp_path):
    """Two configurations that share what is compared are one row, with the seeds of both."""

    def keep(configuration, seed, full, floor):
        found = {**record(seed), "configuration": configuration}
        row = found["metrics"][0]
        found["metrics"] = [{**row, "value": full}, {**row, "variant": "unconditional", "value": floor}]
        folder = tmp_path / "demo" / "05_semantic_palette" / f"toy-street-s{seed}-{configuration}"
        folder.mkdir(parents=True)
        (folder / "record.json").write_text(json.dumps(found))

    keep("aaaa1111", 0, 0.1, 1.2)
    keep("bbbb2222", 0, 0.1, 1.2)
    keep("bbbb2222", 1, 0.12, 1.3)
    keep("cccc3333", 0, 0.1, 1.4)  # another rival
    keep("dddd4444", 7, 0.2, 1.4)  # no seed in common with any
    table = reference_verdicts("05_semantic_palette", ["palette_kl"], "full", "unconditional", tmp_path)
    assert [row[2:4] for row in table.rows] == [("0.110 ± 0.014", "1.25 ± 0.07"), ("0.100", "1.40"), ("0.200", "1.40")]
