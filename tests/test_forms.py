"""The table of LGGAN's forms: rows and their parameters, what stands in it, and the IoU of classes by name."""

import pytest
import torch

from sempal_lib import forms, metrics
from sempal_lib.labels import CITYSCAPES_19
from sempal_lib.parameters import resolve
from sempal_lib.runs import RunError


def test_a_row_and_its_parameters():
    assert forms.named("s5") == ("lggan", "full")
    assert forms.named("s2") == ("lggan", "s2")
    assert forms.row_parameters("s5+released")["released"]
    assert forms.row_parameters("s5+light")["classification_weight"] == 0.05
    for row in forms.ROWS:
        p = resolve("10_lggan", {"preset": "paper", **forms.row_parameters(row)})
        assert forms.row_of(p) == row
    chapter = resolve("10_lggan", {"preset": "demo"})
    assert chapter.baseline
    assert forms.row_of(chapter) == "s5"  # that GauGAN is trained beside it changes nothing of it
    with pytest.raises(RunError, match="has no row 's6'"):
        forms.row_parameters("s6")
    with pytest.raises(RunError, match="change only one of released"):
        forms.row_of(chapter.model_copy(update={"released": True, "classification_weight": 0.05}))


def test_a_table_and_a_verdict():
    runs = {row: [] for row in forms.ROWS}
    for row, found in {"s1": [0.2, 0.21, 0.22], "s5": [0.3, 0.32, 0.33]}.items():
        for seed, value in enumerate(found):
            system, variant = forms.named(row)
            metric = {"system": system, "variant": variant, "metric": "gan_test_miou", "value": value, "n": 6}
            runs[row].append({"seed": seed, "metrics": [metric], "place": "here", "code": "a", "equal_codes": {"a"}})
    beside = {"system": "gaugan", "variant": "full", "metric": "gan_test_miou", "value": 0.25, "n": 6}
    runs["s5"][0]["metrics"].append(beside)  # one run of S5 trained it too
    table = forms.table(runs, {"gan_test_miou": "gan_test_miou"})
    body = {row[0]: row[1:] for row in table.rows}
    assert body["s1"] == ("0.210 ± 0.010", "0.623", "3", "here")
    assert body["gaugan"] == ("0.250", "0.623", "1", "here")
    assert body["s3"] == ("–", "0.658", "–", "–")
    assert "s5+light" not in body  # neither the paper nor we have one
    assert forms.verdicts(runs, {"more": ("gan_test_miou", "s1", "s5")}).rows[0][-1] == "holds"
    assert forms.verdicts(runs, {"less": ("gan_test_miou", "s5", "s1")}).rows[0][-1] != "holds"


def test_classes_by_name():
    matrix = torch.zeros(19, 19)
    matrix[0, 0], matrix[0, 1], matrix[1, 1] = 2, 1, 1  # of three pixels of road one is seen as sidewalk
    found = metrics.named_ious(matrix, CITYSCAPES_19, 7)
    assert found == {"iou_road": (pytest.approx(2 / 3), 7), "iou_sidewalk": (pytest.approx(1 / 2), 7)}
