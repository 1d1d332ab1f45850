"""Tables and verdicts from records."""

import json

import pytest

from sempal_lib.results import comparison, published, reference_table, seed_text, verdict, verdicts


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


def test_comparison_sets_the_paper_beside_ours():
    found = record()
    found["seeds"].append({**found["seeds"][0], "variant": "exact", "metric": "budget_mae", "values": {"0": 0.5}})
    table = comparison(found, "cityscapes", ["palette_kl", "budget_mae", "gan_train_miou"])
    # The last metric is the paper's only, and stands in one column.
    assert table.header == (
        "variant", "palette kl", "palette kl, cityscapes (paper)", "budget mae",
        "gan train miou, cityscapes (paper)", "seeds",
    )  # fmt: skip
    assert table.rows == (
        ("full", "0.110 ± 0.014", "0.0700", "–", "0.401", "0, 1 here"),
        ("unconditional", "1.25 ± 0.07", "–", "–", "–", "0, 1 here"),
        ("exact", "–", "–", "0.500", "–", "0 here"),
    )
    # A speed is the run's own: other seeds may have run on another machine.
    speed = {**found["seeds"][0], "metric": "images_per_second", "values": {"0": 50.0, "1": 5.0}}
    assert comparison({**found, "seeds": [speed]}, "cityscapes", ["images_per_second"]).rows[0][1] == "50.0"
    # Rows without any of the metrics are left out; `rows_of` chooses and orders.
    assert [row[0] for row in comparison(found, "cityscapes", ["palette_kl"]).rows] == ["full", "unconditional"]
    chosen = comparison(found, "cityscapes", ["palette_kl"], ["unconditional", "full"])
    assert [row[0] for row in chosen.rows] == ["unconditional", "full"]


def test_seeds_say_where_their_records_lie():
    places = {"0": "here", "1": "kept", "2": "kept", "3": "kept", "5": "kept", "7": "kept, older code"}
    assert seed_text(["5", "0", "1", "3", "2", "7"], places) == "0 here; 1–3, 5 kept; 7 kept, older code"
    assert seed_text(["1", "0"], {}) == "0, 1 here"
    assert seed_text([], places) == ""


@pytest.mark.parametrize(
    ("better", "worse", "expected"),
    [
        ([0.1, 0.12], [1.2, 1.3], "holds"),
        ([1.2, 1.3], [0.1, 0.12], "does not hold"),
        ([0.1, 0.3], [0.2, 0.35], "undecided (spreads overlap)"),
        ([0.1], [1.0], "undecided (one seed)"),
        ([0.1, 0.1], [], "undecided (one seed)"),
    ],
)
def test_verdict(better, worse, expected):
    assert verdict(better, worse) == expected


def test_verdicts_are_computed_from_the_record():
    claims = {"follows": ("palette_kl", "full", "unconditional"), "unknown": ("fsd", "full", "unconditional")}
    rows = verdicts(record(), claims).rows
    assert [row[-1] for row in rows] == ["holds", "undecided (one seed)"]


def test_reference_table_gathers_seeds(tmp_path):
    for seed, value in ((0, 0.1), (1, 0.2)):
        folder = tmp_path / "demo" / "05_semantic_palette" / f"toy-street-s{seed}-abcd1234"
        folder.mkdir(parents=True)
        (folder / "record.json").write_text(json.dumps(record(seed, value)))
    rows = reference_table("05_semantic_palette", ["palette_kl"], root=tmp_path).rows
    assert rows == (("toy-street", "demo", "16 px", "2", "0.150 ± 0.071", "0.50", "abcd1234"),)
