"""Painting from the other view, from a run's parameters to its numbers: directions, systems, judges, classifiers."""

import dataclasses

import pytest
import torch
from test_datasets_panels import CAR, ROAD, folder

from sempal_lib import datasets, training, views
from sempal_lib.image_gans import DualDiscriminator, SourceDiscriminator
from sempal_lib.parameters import resolve
from sempal_lib.pretrained import WeightsMissing
from sempal_lib.runs import RunError
from sempal_lib.scene_classifiers import PLACES_VARIABLE, KindClassifier, KindSettings
from sempal_lib.segmentation import Segmenter, SegmenterSettings
from sempal_lib.training import catalogue, once

pytestmark = pytest.mark.filterwarnings("ignore:.*half-copied")
SYSTEMS = views.ROWS
BACK = {"direction": "ground-to-aerial"}
_GREYS = [((20,) * 3, (10,) * 3), ((10,) * 3, (20,) * 3)]
PANELS = [(250, 0, 0), (0, 250, 0), (ROAD, CAR), (CAR, ROAD), *_GREYS]


def parameters(**changes):
    return resolve("11_cross_view", {"preset": "smoke", "device": "cpu", "samples": 6, **changes})


@pytest.fixture(scope="module")
def scenes():
    return catalogue.made_up(parameters(), 12)


@pytest.fixture
def few(tmp_path, monkeypatch):
    monkeypatch.setenv("SEMPAL_RUNS", str(tmp_path))
    return {"train_scenes": 8, "val_scenes": 6, "samples": 6}


def test_both_directions_are_of_the_same_scenes(few):
    there, back = (training.scene_set(parameters(**few, **way)) for way in ({}, BACK))
    item = datasets.load("toy-crossview", "val", (16, 16), seed=0, limit=6)[1]

    def as_bytes(image):
        return ((image + 1) * 127.5).round().to(torch.uint8)

    assert torch.equal(there.held_out_images[1], as_bytes(item["image"]))
    assert torch.equal(there.held_out_sources[1], as_bytes(item["view"]["image"]))
    assert torch.equal(there.held_out[1].long(), item["layout"])
    assert torch.equal(back.held_out[1].long(), item["view"]["layout"])
    for one, other in (("images", "sources"), ("held_out_images", "held_out_sources")):
        assert torch.equal(getattr(there, one), getattr(back, other))
        assert torch.equal(getattr(there, other), getattr(back, one))
    hashes = [training.setup.provenance(x, ())["data"] for x in (there, back)]
    assert hashes[0] != hashes[1]
    one_view = dataclasses.replace(there, sources=None)
    assert training.setup.provenance(one_view, ())["data"] != hashes[0]  # the other view counts


def test_scenes_of_one_view_are_refused(few):
    with pytest.raises(ValueError, match="shows its scenes from one view: take toy-crossview, cvusa or dayton"):
        training.scene_set(parameters(dataset="toy-rooms", **few))


def test_a_view_without_classes_is_refused(tmp_path):
    tiles = [(9, 9, 9), (90, 90, 90), (0, 0, 0), ((255, 0, 0), (0, 255, 0))]
    root = folder(tmp_path, tiles=tiles, names="abcdefgh")
    folder(tmp_path, tiles=tiles, names="abcdef", split="test")
    given = {"dataset": "cvusa-4", "data_root": str(root), "train_scenes": 8, "val_scenes": 6, "samples": 6}
    assert training.scene_set(parameters(**given)).sources.shape == (8, 3, 16, 16)
    with pytest.raises(ValueError, match=r"aerial view show one class, or none.*choose the other direction"):
        training.scene_set(parameters(**given, **BACK))


@pytest.mark.parametrize("system", SYSTEMS)
def test_each_system_takes_a_step_and_looks_at_what_it_is_told(system, scenes):
    p = parameters(system=system, baseline=False)
    eye = catalogue.untrained_eye(p, scenes.label_space.num_classes)
    run = training.image_training(p, scenes, system, eye)
    kind = DualDiscriminator if system == "lggan" else SourceDiscriminator
    assert type(run.discriminator) is kind
    assert (run.perceptual is not None) == (system == "lggan")
    next(iter(run))
    layouts, sources = scenes.layouts[:2].long(), scenes.sources[:2] / 127.5 - 1
    plain, other_source, other_layout = (
        run.averaged.generate(*given[:1], source=given[1])
        for given in ((layouts, sources), (layouts, sources.flip(0)), (layouts.flip(0), sources))
    )
    assert not torch.equal(plain, other_source)
    told = system.endswith("++") or system in ("lggan", "selectiongan")
    assert torch.equal(plain, other_layout) != told
    assert run.settings.flip is False


def test_the_judge_of_the_rivals_sees_pictures_beside_their_source(scenes):
    judge = training.image_networks("pix2pix", parameters(system="pix2pix"), 15, (16, 16))[1]
    source, picture = (scenes.images[i : i + 2] / 127.5 - 1 for i in (0, 2))
    ((of_it,), (of_another,)) = (judge.judge([picture], x) for x in (source, source.flip(0)))
    assert not torch.equal(of_it.logits[0], of_another.logits[0])
    assert judge.told("layout", None, source) == (source,)
    assert judge.of_source.scales[0].convs[0].weight.shape[1] == 6  # the source's three channels and the picture's


def test_each_view_has_judges_of_its_own():
    there, back = parameters(), parameters(**BACK)
    assert (there.view, back.view) == ("ground", "aerial")
    assert once.place_of(there, "judge") == "judge"
    assert once.place_of(back, "judge") == "aerial-judge"
    assert once.place_of(resolve("10_lggan", {"preset": "smoke"}), "eye") == "eye"


def test_who_tells_kinds_of_places(monkeypatch):
    monkeypatch.delenv(PLACES_VARIABLE, raising=False)
    assert training.scene_classifier_for(parameters(dataset="dayton")) is None
    with pytest.raises(WeightsMissing, match="no weights of AlexNet on Places365"):
        training.scene_classifier_for(parameters(classifier="places365"))
    with pytest.raises(ValueError, match="toy-rooms has no scenes of known kinds from two views"):
        training.scene_classifier_for(parameters(dataset="toy-rooms", classifier="own"))


def test_everything_is_measured_of_pairs(scenes):
    held = dataclasses.replace(
        scenes, held_out=scenes.layouts, held_out_images=scenes.images, held_out_sources=scenes.sources
    )
    torch.manual_seed(0)
    judge, kinds = Segmenter(SegmenterSettings.light(15)).eval(), KindClassifier(KindSettings(10)).eval()
    real = held.held_out_images[:6] / 127.5 - 1
    found = {
        name: training.evaluate_crossing(pictures, held, judge, kinds)
        for name, pictures in {"real": real, "others": real.roll(1, 0)}.items()
    }
    assert {n for metrics in found.values() for _, n in metrics.values()} == {6}
    assert found["real"]["ssim"][0] == pytest.approx(1, abs=1e-4)
    assert found["real"]["kl_score"][0] == pytest.approx(1, abs=1e-4)
    assert found["real"]["fd_seg"][0] == pytest.approx(0, abs=1e-3)
    for metric, sign in (("ssim", 1), ("psnr", 1), ("sharpness_difference", 1), ("kl_score", -1)):
        assert sign * found["real"][metric][0] > sign * found["others"][metric][0]
    without = training.evaluate_crossing(real, held, judge, None)
    assert found["real"].keys() - without.keys() == {name for name in found["real"] if "scene" in name
                                                    or "inception" in name or "kl_" in name}  # fmt: skip


def test_a_run_on_panels_goes_on_where_it_stopped(tmp_path):
    root = folder(tmp_path / "set", tiles=PANELS, names="abcdefgh")
    folder(root, tiles=PANELS, names="abcdef", split="test")
    p = parameters(
        dataset="cvusa", data_root=str(root), train_scenes=8, val_scenes=6, samples=6, steps=4, checkpoint_seconds=0.001
    )
    data, path = training.scene_set(p), tmp_path / "checkpoint.safetensors"
    changes = {"report_steps": 1, "perceptual_weight": 0.0}
    whole = training.image_training(p, data, "lggan", None, **changes)
    list(whole)
    for report in training.image_training(p, data, "lggan", None, path, **changes):
        if report.step == 2:
            break
    again = training.image_training(p, data, "lggan", None, path, **changes)
    assert again.step == 2
    list(again)
    for one, other in zip(whole.averaged.parameters(), again.averaged.parameters(), strict=True):
        assert torch.equal(one, other)
    assert training.paint_crossing(again.averaged, data, p).shape == (6, 3, 16, 16)


def test_rows_of_the_table():
    assert views.named("pix2pix++") == ("pix2pix", "told-layout")
    assert views.named("x-fork") == ("x-fork", "full")
    for row in views.ROWS:
        assert views.STUDY.row_of(parameters(**views.row_parameters(row))) == row
    with pytest.raises(RunError, match="has no row 'gaugan'"):
        views.row_parameters("gaugan")
    with pytest.raises(RunError, match="is the baseline itself"):
        parameters(system="pix2pix++", baseline=True)


def test_the_baseline_of_lggans_run_is_a_row_of_its_own():
    def record(seed, **rows):
        lines = [{"system": s, "variant": v, "metric": "ssim", "value": x} for (s, v), x in rows["rows"].items()]
        return {"seed": seed, "metrics": lines, "code": "c", "equal_codes": ["c"], "place": "kept"}

    both = [record(seed, rows={("lggan", "full"): 0.5 + 0.01 * seed, ("pix2pix", "told-layout"): 0.4 + 0.01 * seed})
            for seed in range(3)]  # fmt: skip
    runs = {row: [] for row in views.ROWS} | {"lggan": both, "pix2pix++": both}
    (claim,) = views.verdicts(runs, {"LGGAN is nearer": ("ssim", "pix2pix++", "lggan")}).rows
    assert "holds" in claim
    assert [row[0] for row in views.table(runs, {"ssim": ""}).rows] == ["pix2pix++", "lggan"]
