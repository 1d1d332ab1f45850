"""The tables of styles: rows and their parameters, records of a run that trained two, what stands in a table."""

import pytest

from sempal_lib import styles
from sempal_lib.parameters import resolve
from sempal_lib.runs import RunError


def test_a_row_and_its_parameters():
    assert styles.named("clvae") == ("clvae", "full")
    assert styles.named("gaugan-vae+weak-kl") == ("gaugan-vae", "weak-kl")
    assert styles.row_parameters("gaugan-vae+weak-kl")["kl_weight"] == 0.0005
    assert styles.row_parameters("clvae+layers-3")["layers"] == 3
    assert not styles.row_parameters("clvae+no-classes")["class_wise"]
    for row in styles.ROWS:
        p = resolve("12_class_layer_vae", {"preset": "paper", **styles.row_parameters(row)})
        assert styles.row_of(p) == row
    chapter = resolve("12_class_layer_vae", {"preset": "demo"})
    assert styles.row_of(chapter) == "clvae"  # that GauGAN-VAE is trained beside it changes nothing of it
    with pytest.raises(RunError, match="has no row 'clvae\\+small'"):
        styles.row_parameters("clvae+small")
    with pytest.raises(RunError, match="change one of layers, class_wise"):
        styles.row_of(chapter.model_copy(update={"class_wise": False, "layer_wise": False}))


def records(**by_row):
    """Runs as `rows_of_runs` gives them: of each row a value a seed."""
    runs = {row: [] for row in styles.ROWS}
    for row, values in by_row.items():
        system, variant = styles.named(row := row.replace("_", "-"))
        for seed, value in enumerate(values):
            metric = {"system": system, "variant": variant, "metric": "diversity_seg", "value": value, "n": 6}
            runs[row].append({"seed": seed, "metrics": [metric], "place": "here", "code": "a", "equal_codes": {"a"}})
    return runs


def test_a_table_leaves_out_what_has_no_number():
    runs = records(clvae=[0.2, 0.4], cimle=[0.1])
    table = styles.styles_table(runs, {"diversity_seg": "lpips_diversity"}, ("gta-5", "cityscapes"))
    assert table.header == ("row", "diversity seg", "lpips diversity, gta-5", "seeds", "runs")
    body = {row[0]: row[1:] for row in table.rows}
    assert body["clvae"] == ("0.300 ± 0.141", "0.266", "2", "here")
    assert body["cimle"][1:] == ("0.194", "1", "here")
    assert body["gaugan-vae"] == ("–", "0.118", "–", "–")
    assert "groupdnet" not in body  # the paper has none on this data set, and neither have we


def test_verdicts_by_pairs_of_seeds():
    runs = records(clvae=[0.30, 0.31, 0.32], gaugan_vae=[0.10, 0.11, 0.13])
    found = styles.verdicts(runs, {"more": ("diversity_seg", "gaugan-vae", "clvae")})
    assert found.rows[0][-1] == "holds"
