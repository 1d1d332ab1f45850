"""Training of the generator that adds: the losses of a step, resuming, the file, its rows."""

from dataclasses import replace

import pytest
import torch
from test_partial_training import state
from test_progressive_training import NET, STAGES, bands

from sempal_lib import face_editing, losses, training
from sempal_lib.labels import LabelSpace
from sempal_lib.layout_gans import FaceGenerator, LayoutDiscriminator
from sempal_lib.layout_gans.additions import additions_to, with_rest
from sempal_lib.losses_of_additions import novelty_loss
from sempal_lib.palettes import PaletteMixture
from sempal_lib.parameters import resolve
from sempal_lib.records import RunError

MIXTURE = PaletteMixture(torch.ones(1), torch.tensor([[0.4, 0.3, 0.2, 0.1]]), 0.02 * torch.eye(4)[None])
SETTINGS = training.FaceSettings(STAGES, report_steps=3, checkpoint_seconds=0, ema_images=32, novelty_weight=2.0)


def run_of(settings=SETTINGS, **kwargs):
    torch.manual_seed(0)
    nets = FaceGenerator(NET), LayoutDiscriminator(NET)
    return training.FaceTraining(*nets, bands(), settings, MIXTURE, **kwargs)


@pytest.mark.parametrize("weight", [0.0, 2.0])
def test_one_step_has_the_generators_gradient(weight, monkeypatch):
    run, seen = run_of(replace(SETTINGS, novelty_weight=weight)), {}
    draw, given = run._draw, run._given
    monkeypatch.setattr(run, "_draw", lambda *a: seen.setdefault("draw", draw(*a)))
    monkeypatch.setattr(run, "_given", lambda *a: seen.setdefault("given", given(*a)))
    monkeypatch.setattr(run, "_update", lambda p, g: seen.update(gradients=g))
    run.step = run._phases[0].steps + run._phases[1].steps // 2 - 1
    before = state(run)
    run._train_step()
    for name, net in run.networks.items():
        net.load_state_dict({k.removeprefix(f"{name}."): v for k, v in before.items() if k.startswith(f"{name}.")})
    (hard, z, target, _), (_, t, layout) = seen["draw"], seen["given"]
    torch.testing.assert_close(t, with_rest(additions_to(hard.mean((2, 3)), target)))
    assert torch.equal(layout, hard)
    masks = run.generator(z, t, layout, 1, 0.5, all_stages=True)
    loss = -run.discriminator(masks[-1].merged, 1, 0.5).mean()
    for m, y in zip(masks, (hard[:, :, 1::2, 1::2], hard), strict=True):
        loss = loss + losses.entropy_loss(m.soft_layout) + losses.entropy_loss(m.merged)
        loss = loss + losses.spread_loss(m.density) + weight * novelty_loss(m.merged, y)
    plain = torch.autograd.grad(loss, list(run.generator.parameters()))
    for ours, theirs in zip(seen["gradients"], plain, strict=False):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-3)


def test_a_stopped_run_goes_on_as_if_it_had_not_been(tmp_path):
    whole = run_of()
    for _ in whole:
        pass
    path = tmp_path / "checkpoint.safetensors"
    for report in run_of(checkpoint_path=path):
        if report.step >= 9:
            break
    again = run_of(checkpoint_path=path)
    assert 0 < again.step < whole.steps
    for _ in again:
        pass
    assert all(torch.equal(x, state(again)[name]) for name, x in state(whole).items())
    assert torch.equal(whole.sample(1), again.sample(1))


def test_the_generator_comes_back_from_its_file(tmp_path):
    run = run_of()
    space = LabelSpace(tuple("abcd"), ((0, 0, 0),) * 4, 255)
    training.save_generator(tmp_path / "g.safetensors", run.averaged, space, half=False)
    found = training.load_generator(tmp_path / "g.safetensors", "faces")[0]
    asked = torch.tensor([0.0, 0.0, 0.1, 0.0])
    assert torch.equal(found.add(bands(4).long(), asked), run.averaged.add(bands(4).long(), asked))


def test_additions_are_trained_at_their_own_size():
    p = resolve("15_face_editing", {"preset": "smoke", "layout_height": 8, "batch_sizes": (8, 8),
                                    "phase_images": (8, 8)})  # fmt: skip
    run = training.face_training(p, training.layout_data(p))
    assert run.generator.size == (8, 8)
    assert run.layouts.shape[1:] == (8, 8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layout_height": 12}, "layout_height = 12 must be a power of two and at most height = 16"),
        ({"layout_height": 32}, "layout_height = 32 must be a power of two"),
        ({"palette_source": "real"}, "palette_source = 'real' is for whole layouts: here set it to 'mixture'"),
        ({"novelty_weight": -1}, "novelty_weight"),
    ],
)
def test_parameters_name_what_is_wrong(change, message):
    with pytest.raises(RunError, match=message):
        resolve("15_face_editing", {"preset": "smoke", **change})


def test_rows_and_painters():
    full = resolve("15_face_editing", {"preset": "smoke", "seed": 3})
    bare = resolve("15_face_editing", {"preset": "smoke", "novelty": False})
    assert [face_editing.STUDY.row_of(p) for p in (full, bare)] == ["full", "no-novelty"]
    painters = face_editing.painters_of(full, kl_weight=0.1)
    assert (painters.dataset, painters.height, painters.seed, painters.steps) == ("toy-faces", 16, 3, 4)
    assert painters.kl_weight == 0.1
