"""Classifiers of scenes: ours learns and comes back from its file, the papers' from weights on disk."""

import pytest
import torch
from run_helpers import isolated  # noqa: F401

from sempal_lib.metrics.cross_view import evaluate_kinds
from sempal_lib.parameters import resolve
from sempal_lib.pretrained import WeightsMissing
from sempal_lib.scene_classifiers import KindClassifier, KindSettings, PlacesClassifier, places365
from sempal_lib.training import checkpoint, kinds
from sempal_lib.training.kinds import KindTraining, KindTrainingSettings

QUICK = KindTrainingSettings(steps=30, batch_size=8, report_steps=10)


def two_kinds(count=24):
    """Kind 0 is bright above, kind 1 bright below."""
    which = torch.arange(count) % 2
    images = torch.randint(0, 60, (count, 3, 16, 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    images[which == 0, :, :8] += 150
    images[which == 1, :, 8:] += 150
    return images, which


def training(path=None, settings=QUICK):
    torch.manual_seed(0)
    return KindTraining(KindClassifier(KindSettings(2, 4)), *two_kinds(), settings, checkpoint_path=path)


def parameters(**changes):
    given = {"preset": "smoke", "device": "cpu", "height": 16, "dataset": "toy-crossview", "once_scenes": 24}
    return resolve("07_painting_by_layout", given | changes)


def test_it_learns_and_its_scores_tell_pictures_apart():
    run, (images, which) = training(), two_kinds()
    list(run)
    real = run.classifier.probabilities(images)
    assert real.sum(1) == pytest.approx(torch.ones(24), abs=1e-5)
    assert (real.argmax(1) == which).all()
    assert torch.equal(real, run.classifier.probabilities(images.float() / 127.5 - 1))
    found = {
        name: evaluate_kinds(real, run.classifier.probabilities(x))
        for name, x in (("real", images), ("shuffled", images.roll(1, 0)), ("untrained", torch.zeros(24, 3, 16, 16)))
    }
    assert found["real"]["scene_accuracy_top1"] == (1, 24)
    assert found["shuffled"]["scene_accuracy_top1"] == (0, 24)
    assert found["real"]["kl_score"][0] == pytest.approx(1)
    assert found["shuffled"]["kl_score"][0] > 1.5
    assert found["untrained"]["inception_score"][0] == pytest.approx(1)
    assert found["real"]["inception_score"][0] > 1.05


def test_a_stopped_training_goes_on_as_if_it_had_not_been(tmp_path):
    whole, path = training(), tmp_path / "kinds.safetensors"
    list(whole)
    for report in training(path, KindTrainingSettings(steps=30, batch_size=8, report_steps=10, checkpoint_seconds=0)):
        if report.step == 20:
            break
    again = training(path)
    assert again.step == 20
    list(again)
    assert checkpoint.fingerprint(whole.classifier) == checkpoint.fingerprint(again.classifier)


def test_once_for_all_seeds(runs_in_tmp, monkeypatch):
    first = kinds.kind_classifier_for(parameters(seed=0), settings=QUICK)
    assert first.kinds == 10
    monkeypatch.setattr(kinds, "KindTraining", None)  # a second training would fail
    second = kinds.kind_classifier_for(parameters(seed=4), settings=QUICK)
    x = two_kinds()[0]
    torch.testing.assert_close(first.probabilities(x), second.probabilities(x))
    with pytest.raises(ValueError, match="view='sky': choose 'ground' or 'aerial'"):
        kinds.kind_classifier_for(parameters(), "sky")
    with pytest.raises(ValueError, match="toy-rooms has no scenes of known kinds from two views"):
        kinds.kinds_of(parameters(dataset="toy-rooms"), "train", "ground", 4)


def test_a_file_of_something_else(tmp_path):
    path = tmp_path / "x.safetensors"
    checkpoint.save(path, {"a": torch.ones(1)}, {"settings": {"kinds": 3}})
    with pytest.raises(checkpoint.CheckpointError, match="holds no classifier of kinds of scenes"):
        kinds.load_kind_classifier(path)


def test_the_papers_classifier_comes_from_a_file(tmp_path, monkeypatch):
    monkeypatch.delenv("SEMPAL_PLACES365", raising=False)
    with pytest.raises(WeightsMissing, match="no weights of AlexNet on Places365 at any path: take http"):
        places365()
    torch.manual_seed(0)
    weights = PlacesClassifier().network.state_dict()
    # Keys as in its release: trained on several devices, which wrapped the trunk alone.
    named = {k.replace("features.", "features.module."): v for k, v in weights.items()}
    torch.save({"arch": "alexnet", "state_dict": named}, tmp_path / "alexnet.pth.tar")
    monkeypatch.setenv("SEMPAL_PLACES365", str(tmp_path / "alexnet.pth.tar"))
    found = places365().probabilities(two_kinds(2)[0])
    assert found.shape == (2, 365)
    assert found.sum(1) == pytest.approx(torch.ones(2), abs=1e-5)
    torch.save({"state_dict": {"a": torch.ones(1)}}, tmp_path / "other.pth")
    with pytest.raises(WeightsMissing, match=r"other.pth holds no AlexNet of 365 places"):
        places365(tmp_path / "other.pth")
