"""How trainings come onto a slider: who watches changes nothing, and frames hold what was sampled."""

import numpy as np
import progress
import pytest
import torch
from safetensors.torch import save_file

from sempal_lib.training import checkpoint


def states_of(run):
    weights = [x.clone() for net in run.networks.values() for x in net.state_dict().values()]
    return [run.random.get_state(), torch.get_rng_state(), *weights]


@pytest.mark.parametrize("chapter", progress.CHAPTERS)
def test_sampling_changes_nothing_that_a_training_goes_on_from(chapter, tmp_path):
    watched, seen = progress.CHAPTERS[chapter]("smoke"), []

    def watch(run):
        for report in run:
            before, numpys = states_of(run), np.random.get_state()[1].tolist()
            once, again = (watched.sample(run, report) for _ in range(2))
            assert all(torch.equal(a, b) for a, b in zip(before, states_of(run), strict=True))
            assert numpys == np.random.get_state()[1].tolist()
            assert torch.equal(once, again)
            seen.append((once, watched.label(report)))
            yield report
            return  # the rest of the training would show nothing new

    watched.train(str(tmp_path / "checkpoint.safetensors"), watch)
    ((pictures, label),) = seen
    assert f"{'pairs' if watched.kind == 'WEBP' or chapter == '14' else 'real '}" in label
    made = progress.frame(pictures, watched.height, watched.columns)
    assert len(pictures) % watched.columns == 0
    if watched.given is not None:
        assert progress.frame(watched.given, watched.height, watched.columns).shape[1] == made.shape[1]
