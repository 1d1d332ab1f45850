"""Files of trained generators, of every kind; and weights taken from a training's checkpoint."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from sempal_lib.image_gans import (
    CascadeGenerator,
    CascadeSettings,
    GlobalGenerator,
    GroupdnetGenerator,
    GroupdnetSettings,
    Pix2pixhdSettings,
    Pix2pixSettings,
    ProganGenerator,
    SeanGenerator,
    SeanSettings,
    SpadeGenerator,
    SpadeSettings,
    TwoStageGenerator,
    UnetGenerator,
)
from sempal_lib.labels import LabelSpace
from sempal_lib.layout_gans import GeneratorSettings, LayoutGenerator
from sempal_lib.layout_gans.semgan import SemganGenerator, SemganSettings
from sempal_lib.palettes import PaletteMixture
from sempal_lib.training import CheckpointError, checkpoint, load_generator, save_generator

SPACE = LabelSpace(("a", "b", "c"), ((0, 0, 0), (9, 9, 9), (1, 2, 3)), 255)
LAYOUTS = torch.randint(3, (2, 16, 16), generator=torch.Generator().manual_seed(0))
SPADE = SpadeSettings(3, 16, 16, ngf=4, doublings=2, hidden=8)


def noise(n):
    return torch.randn(2, n, generator=torch.Generator().manual_seed(1))


KINDS = {
    "layout": (
        lambda: LayoutGenerator(GeneratorSettings(3, 8, 16, 5, 6)),
        lambda g: g(noise(5), torch.eye(3)[:2])[-1][1],
    ),
    "semgan": (
        lambda: SemganGenerator(SemganSettings(3, 16, latent_dim=4, kernel_size=3, max_channels=8, min_channels=4)),
        lambda g: g(noise(4)),
    ),
    "gaugan": (lambda: SpadeGenerator(SPADE), lambda g: g.generate(LAYOUTS)),
    "pix2pix": (lambda: UnetGenerator(Pix2pixSettings(3, 16, 16, 4, 3, 1)), lambda g: g.generate(LAYOUTS)),
    "pix2pixhd": (lambda: GlobalGenerator(Pix2pixhdSettings(3, 16, 16, 4, 2, 1)), lambda g: g.generate(LAYOUTS)),
    "groupdnet": (lambda: GroupdnetGenerator(GroupdnetSettings.sized(3, 16, 16, 4, 2)), lambda g: g.generate(LAYOUTS)),
    "cimle": (lambda: CascadeGenerator(CascadeSettings(3, 16, 16, (8, 4))), lambda g: g.generate(LAYOUTS)),
    "sean": (lambda: SeanGenerator(SeanSettings(3, 16, 16, 4, 2, 8, style_dim=6)), lambda g: g.generate(LAYOUTS)),
    "progan": (lambda: ProganGenerator(ProganGenerator.settings_for(8, 16, 5, 6)), lambda g: g.pictures(noise(5))),
}


def made(kind):
    """With running statistics that are not those of a new network."""
    torch.manual_seed(0)
    generator = KINDS[kind][0]()
    for name, buffer in generator.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            buffer.uniform_(0.5, 2)
    return generator.eval()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("half", [False, True])
def test_a_file_gives_the_generator_back(tmp_path, kind, half):
    generator, path = made(kind), tmp_path / "generator.safetensors"
    save_generator(path, generator, SPACE, half=half)
    found, space, mixture = load_generator(path, kind)
    assert type(found) is type(generator)
    assert found.settings == generator.settings
    assert (space, mixture) == (SPACE, None)
    assert not found.training
    assert not any(p.requires_grad for p in found.parameters())
    assert all(v.dtype == torch.float32 for v in found.state_dict().values() if v.is_floating_point())
    for name, value in generator.state_dict().items():
        kept = value.half().to(value.dtype) if half and value.is_floating_point() else value
        assert torch.equal(found.state_dict()[name], kept), name
    with torch.no_grad():
        ours, theirs = KINDS[kind][1](found), KINDS[kind][1](generator)
    torch.testing.assert_close(ours, theirs, atol=0.02 if half else 0, rtol=0)
    assert torch.equal(KINDS[kind][1](load_generator(path)[0]), ours)  # of whatever kind it is


def test_the_mixture_goes_along_in_full(tmp_path):
    mixture = PaletteMixture(torch.ones(1), torch.full((1, 3), 1 / 3), 1e-5 * torch.eye(3)[None], (3.5, 2.25))
    save_generator(tmp_path / "g", made("layout"), SPACE, mixture)
    found = load_generator(tmp_path / "g")[2]
    assert torch.equal(found.covariances, mixture.covariances)
    assert found.aic == (3.5, 2.25)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_another_kind(tmp_path, kind):
    path, other = tmp_path / "generator.safetensors", "pix2pix" if kind != "pix2pix" else "gaugan"
    save_generator(path, made(kind), SPACE)
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match=rf"holds a generator of the kind {kind}, expected {other}"):
        load_generator(path, other)
    assert path.read_bytes() == before


def test_a_file_without_a_kind_is_of_the_first(tmp_path):
    """As the ones are that were written before there were others."""
    path = tmp_path / "generator.safetensors"
    save_generator(path, made("layout"), SPACE)
    tensors, facts = checkpoint.load(path)
    del facts["kind"]
    checkpoint.save(path, tensors, facts)
    assert isinstance(load_generator(path, "layout")[0], LayoutGenerator)


def without(name):
    def change(tensors, facts):
        return {k: v for k, v in tensors.items() if name not in k}, facts

    return change


FAULTS = {
    "another architecture": lambda t, f: (t, f | {"settings": f["settings"] | {"ngf": 8}}),
    "a setting that there is not": lambda t, f: (t, f | {"settings": f["settings"] | {"depths": 8}}),
    "an impossible setting": lambda t, f: (t, f | {"settings": f["settings"] | {"doublings": 9}}),
    "an unknown kind": lambda t, f: (t, f | {"kind": "stylegan"}),
    "a weight too few": without("first.bias"),
    "colours too few": lambda t, f: (t, f | {"labels": f["labels"] | {"colors": [[0, 0, 0]]}}),
    "half a mixture": lambda t, f: (t | {"mixture.weights": torch.ones(1)}, f | {"aic": [1.0]}),
    "no settings": lambda t, f: (t, {"step": 3}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_of_something_else(tmp_path, fault):
    path = tmp_path / "generator.safetensors"
    save_generator(path, made("gaugan"), SPACE)
    checkpoint.save(path, *FAULTS[fault](*checkpoint.load(path)))
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match=r"generator\.safetensors holds no generator of this library"):
        load_generator(path)
    assert path.read_bytes() == before


def test_what_is_no_single_generator_is_not_written(tmp_path):
    free = GeneratorSettings(3, 8, 8, 5, 6, palette_input=False, activation="softmax")
    pair = TwoStageGenerator(LayoutGenerator(free), SpadeGenerator(SPADE))
    with pytest.raises(ValueError, match=r"a TwoStageGenerator cannot be written: .*each of a pair by itself"):
        save_generator(tmp_path / "g", pair, SPACE)
    assert not (tmp_path / "g").exists()


# Numbers that are none


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(tmp_path, kind, value):
    """Where they are written and where they are read; the tensor is named."""
    generator, path = made(kind), tmp_path / "generator.safetensors"
    save_generator(path, generator, SPACE)
    before = path.read_bytes()
    tensors, facts = checkpoint.load(path)
    name = [k for k, v in tensors.items() if v.is_floating_point()][-1]
    tensors[name].view(-1)[0] = value
    checkpoint.save(tmp_path / "bad", tensors, facts)
    with pytest.raises(CheckpointError, match=rf"bad: {name} holds values that are no finite numbers"):
        load_generator(tmp_path / "bad")
    own = name.removeprefix("generator.")
    generator.state_dict()[own].view(-1)[0] = value
    with pytest.raises(ValueError, match=rf"{own} holds values that are no finite numbers"):
        save_generator(path, generator, SPACE)
    assert path.read_bytes() == before


@pytest.mark.parametrize("kind", KINDS)
def test_what_half_precision_cannot_hold_stays_in_full(tmp_path, kind):
    generator = made(kind)
    name, large = [(k, v) for k, v in generator.state_dict().items() if v.is_floating_point()][-1]
    large.view(-1)[0] = 1e5
    save_generator(tmp_path / "g", generator, SPACE)
    assert torch.equal(load_generator(tmp_path / "g")[0].state_dict()[name], large)
    kinds = {k: v.dtype for k, v in checkpoint.load(tmp_path / "g")[0].items() if v.is_floating_point()}
    assert kinds.pop(f"generator.{name}") == torch.float32
    assert set(kinds.values()) == {torch.float16}


def test_classes_that_do_not_fit(tmp_path):
    """Written by neither, and refused from a file that others made."""
    path, generator = tmp_path / "g", made("layout")
    mixture = PaletteMixture(torch.ones(1), torch.full((1, 4), 1 / 4), 1e-5 * torch.eye(4)[None])
    wide = LabelSpace((*SPACE.names, "d"), (*SPACE.colors, (7, 7, 7)), 255)
    for arguments, message in (
        ((SPACE, mixture), "the mixture has 4 classes, the generator 3"),
        ((wide,), "the label space has 4 classes, the generator 3"),
    ):
        with pytest.raises(ValueError, match=message):
            save_generator(path, generator, *arguments)
        assert not path.exists()
    save_generator(path, generator, SPACE)
    tensors, facts = checkpoint.load(path)
    more = tensors | checkpoint.with_prefix("mixture", mixture.tensors())
    checkpoint.save(path, more, facts | {"aic": []})
    with pytest.raises(CheckpointError, match="the mixture has 4 classes, the generator 3"):
        load_generator(path)
    checkpoint.save(
        path, tensors, facts | {"labels": {"names": wide.names, "colors": wide.colors, "ignore_index": 255}}
    )
    with pytest.raises(CheckpointError, match="the label space has 4 classes, the generator 3"):
        load_generator(path)


NOISY = {
    "layout": (5, lambda g, z: g.generate(z, torch.eye(3)[:2])),
    "soft palettes": (5, lambda g, z: g.soft_palettes(z, torch.eye(3)[:2])),
    "semgan": (4, lambda g, z: g.generate(z)),
    "gaugan": (6, lambda g, z: g.generate(LAYOUTS, z=z)),
    "progan": (5, lambda g, z: g.pictures(z)),
}


@pytest.mark.parametrize("what", NOISY)
@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_noise_that_is_not_finite_is_refused(what, value):
    """A network would make the first class of it, everywhere."""
    length, make = NOISY[what]
    generator = {
        "soft palettes": lambda: made("layout"),
        "gaugan": lambda: SpadeGenerator(replace(SPADE, use_vae=True, latent_dim=6, encoder_size=16)).eval(),
    }.get(what, lambda: made(what))()
    z = noise(length)
    make(generator, z)
    z[1, 2] = value
    with pytest.raises(ValueError, match=rf"noise of sample 1 holds {value:g}, expected finite numbers"):
        make(generator, z)


def test_a_palette_that_is_not_finite_is_refused():
    palette = torch.tensor([[0.5, 0.5, 0], [0.5, float("nan"), 0]])
    with pytest.raises(ValueError, match="palette holds a value that is not a number"):
        made("layout").generate(noise(5), palette)


# From a checkpoint


@pytest.fixture
def trained(tmp_path):
    """A training's checkpoint with an average, and its tensors."""
    tensors = {}
    for number, name in enumerate(("generator", "averaged", "discriminator")):
        tensors |= checkpoint.with_prefix(name, {"weight": torch.full((2, 3), float(number)), "bias": torch.ones(2)})
    path = tmp_path / "checkpoint.safetensors"
    checkpoint.save(path, tensors, {"step": 1})
    return path


def test_networks_take_their_own_weights(trained):
    networks = {name: nn.Linear(3, 2) for name in ("discriminator", "averaged", "generator")}
    checkpoint.load_into(trained, networks)
    assert [net.weight[0, 0].item() for net in networks.values()] == [2, 1, 0]
    tensors, facts = checkpoint.load(trained)
    checkpoint.save(trained, {k: v for k, v in tensors.items() if not k.startswith("averaged")}, facts)
    checkpoint.load_into(trained, {"averaged": networks["averaged"]})  # where there is no average
    assert networks["averaged"].weight[0, 0].item() == 0


@pytest.mark.parametrize(
    ("name", "network"),
    [("averaged", nn.Linear(4, 2)), ("discriminator", nn.Conv2d(3, 2, 1)), ("encoder", nn.Linear(3, 2))],
    ids=["size", "kind", "missing"],
)
def test_weights_of_another_architecture(trained, name, network):
    before = trained.read_bytes()
    with pytest.raises(CheckpointError, match=rf"checkpoint\.safetensors holds no {name} of this architecture"):
        checkpoint.load_into(trained, {name: network})
    assert trained.read_bytes() == before


def test_weights_of_a_checkpoint_that_are_not_finite(trained):
    tensors, facts = checkpoint.load(trained)
    tensors["averaged.bias"][1] = float("nan")
    checkpoint.save(trained, tensors, facts)
    with pytest.raises(CheckpointError, match=r"checkpoint\.safetensors: bias holds values that are no finite"):
        checkpoint.load_into(trained, {"averaged": nn.Linear(3, 2)})
    checkpoint.load_into(trained, {"generator": nn.Linear(3, 2)})


def test_a_checkpoint_that_is_not_there_or_damaged(trained):
    network = {"generator": nn.Linear(3, 2)}
    with pytest.raises(CheckpointError, match=r"no checkpoint none\.safetensors in .*: train first"):
        checkpoint.load_into(trained.with_name("none.safetensors"), network)
    broken = trained.read_bytes()[:-5]
    trained.write_bytes(broken)
    with pytest.raises(CheckpointError, match=r"checkpoint\.safetensors is damaged"):
        checkpoint.load_into(trained, network)
    assert trained.read_bytes() == broken


def test_settings_travel_whole(tmp_path):
    """Each setting that is not its default comes back."""
    settings = replace(SPADE, instance_edges=True, use_vae=True, latent_dim=7, encoder_size=32)
    save_generator(tmp_path / "g", SpadeGenerator(settings), SPACE)
    assert load_generator(tmp_path / "g")[0].settings == settings
