"""How trainings come onto a slider: who watches changes nothing, and frames hold what was sampled."""

import progress
import pytest
import torch

from sempal_lib.training import checkpoint


def states_of(run):
    weights = [x.clone() for net in run.networks.values() for x in net.state_dict().values()]
    return [run.random.get_state(), torch.get_rng_state(), *weights]


@pytest.mark.parametrize("chapter", progress.CHAPTERS)
def test_sampling_changes_nothing_that_a_training_goes_on_from(chapter, tmp_path):
    watched, seen = progress.CHAPTERS[chapter]("smoke"), []

    def watch(run):
        for report in run:
            before = states_of(run)
            once, again = (watched.sample(run, report) for _ in range(2))
            assert all(torch.equal(a, b) for a, b in zip(before, states_of(run), strict=True))
            assert torch.equal(once, again)
            seen.append((once, watched.label(report)))
            yield report
            return  # the rest of the training would show nothing new

    watched.train(str(tmp_path / "checkpoint.safetensors"), watch)
    ((pictures, label),) = seen
    assert "shown" in label
    made = progress.frame(pictures, watched.height, watched.columns)
    assert len(pictures) % watched.columns == 0
    if watched.given is not None:
        assert progress.frame(watched.given, watched.height, watched.columns).shape[1] == made.shape[1]


def test_a_frame_enlarges_its_samples_and_parts_them_by_grey_lines():
    pictures = torch.full((6, 3, 2, 3), -1.0)
    pictures[4] = 1.0
    made = progress.frame(pictures, 4, columns=3)
    assert made.shape == (4 + 1 + 4, 3 * 6 + 2, 3)
    assert (made[:, 6] == progress.GREY).all()
    assert (made[4] == progress.GREY).all()
    assert (made[5:, 7:13] == 255).all()
    assert (made[:4, 7:13] == 0).all()
    assert progress.frame(pictures[:1], 4).shape == (4, 6, 3)


def test_weights_are_held_against_those_of_the_chapters_run(tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "run_folder", lambda *_: tmp_path)
    mine, its = tmp_path / "mine.safetensors", tmp_path / "its.safetensors"
    told = mine, "05_semantic_palette", "its", "demo"
    assert progress.compared(*told) == "no run of the chapter is at hand"
    weights = {"a": torch.arange(3.0), "b": torch.zeros(2)}
    checkpoint.save(mine, weights, {})
    others = weights, weights | {"b": torch.ones(2)}, {"a": weights["a"]}
    for other, said in zip(others, ("the same", "OTHER", "OTHER"), strict=True):
        checkpoint.save(its, other, {})
        assert progress.compared(*told).startswith(said)
