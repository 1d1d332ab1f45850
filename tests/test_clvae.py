"""CLVAE: its parts against dense and plain versions, what each code reaches, and a training that can be stopped."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from test_image_gans import blocks
from test_image_training import pairs, run_of, weights

from sempal_lib import losses, training
from sempal_lib.image_gans import (
    ClvaeEncoder,
    ClvaeGenerator,
    ClvaeSettings,
    DiscriminatorSettings,
    ImageEncoder,
    MultiScaleDiscriminator,
    SpadeGenerator,
    SpadeSettings,
    sample_latent,
)
from sempal_lib.image_gans.clvae import classes_in, embed_semantics, known_labels, pool_by_class
from sempal_lib.labels import CITYSCAPES_19, one_hot
from sempal_lib.parameters import resolve
from sempal_lib.runs import RunError
from sempal_lib.training.images import ImageTraining, ImageTrainingSettings

SMALL = ClvaeSettings(
    5, 16, 16, ngf=4, doublings=2, hidden=8, latent_dim=6, encoder_size=64, layers=4, class_dim=3
)  # fmt: skip
FORMS = {
    "full": SMALL, "without classes": replace(SMALL, class_wise=False), "one layer": replace(SMALL, layer_wise=False),
    "L = 3": replace(SMALL, layers=3), "L = 1": replace(SMALL, layers=1),
}  # fmt: skip


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def networks(settings=SMALL):
    torch.manual_seed(0)
    generator, encoder = ClvaeGenerator(settings), ClvaeEncoder(settings)
    for name, parameter in (*generator.named_parameters(), *encoder.named_parameters()):
        if "original" not in name and not name.startswith("embedding"):
            parameter.data.mul_(20)  # drawn as small as the paper's, the codes would hardly be seen
        if name.endswith("bias"):
            parameter.data.add_(0.1)
    return generator, encoder


def count(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("settings", "of_generator", "of_encoder"),
    [
        (ClvaeSettings(20), 109_226_579, 10_522_504),
        (ClvaeSettings(20, 256, 512, doublings=6), 100_805_203, 10_522_504),
        (ClvaeSettings(151), 111_965_396, 10_909_478),
        (ClvaeSettings(16, ngf=160, doublings=6), 490_976_099, 49_776_512),
    ],
)
def test_parameters_are_those_of_the_fact_sheet(settings, of_generator, of_encoder):
    with torch.device("meta"):
        assert count(ClvaeGenerator(settings)) == of_generator
        assert count(ClvaeEncoder(settings)) == of_encoder
        assert count(MultiScaleDiscriminator(DiscriminatorSettings(20))) == 5_568_642


def test_which_block_has_which_code():
    """As the fact sheet's table: the middle's second block shares the first one's, the last sees the layout."""
    paper = ClvaeSettings(20)
    assert paper.coded_layers == [2, 3, 4, 5, 6]
    assert paper.place_of_block == [0, 1, 1, 2, 3, 4, None]
    assert replace(paper, layers=3).place_of_block == [None, None, None, None, 0, 1, None]
    assert replace(paper, layers=1).place_of_block == [None] * 7
    middle = replace(paper, layer_wise=False)
    assert (middle.coded_layers, middle.place_of_block) == ([4], [None, None, None, 0, None, None, None])
    assert SMALL.place_of_block == [0, 1, 1, 2, None]
    assert ClvaeEncoder(replace(SMALL, layers=3)).blocks_used == [1, 0]
    assert ClvaeEncoder(replace(SMALL, layer_wise=False)).blocks_used == [1]


# Class-wise semantics embedding


def test_cse_by_hand():
    labels = torch.tensor([[[0, 1, 2]]])
    codes, table = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]]), torch.tensor([[10.0, 20.0], [30.0, 40.0]])
    assert embed_semantics(labels, codes, table)[0, :, 0].T.tolist() == [[11, 22], [33, 44], [0, 0]]


def test_cse_is_the_dense_product_of_equation_12():
    labels = known_labels(blocks(3), 5)
    codes = torch.randn(3, 5, 4, generator=seeded(), dtype=torch.float64, requires_grad=True)
    table = torch.randn(5, 4, generator=seeded(1), dtype=torch.float64, requires_grad=True)
    hot = one_hot(labels, 5).double()
    dense = torch.einsum("bcn,bchw->bnhw", codes, hot) + torch.einsum("cn,bchw->bnhw", table, hot)
    ours = embed_semantics(labels, codes, table)
    torch.testing.assert_close(ours, dense)
    noise = torch.randn(ours.shape, generator=seeded(2), dtype=torch.float64)
    for mine, plain in zip(
        *(torch.autograd.grad((x * noise).sum(), [codes, table]) for x in (ours, dense)), strict=True
    ):
        torch.testing.assert_close(mine, plain)


# Pooling


def pooled_plainly(features, labels, classes):
    """One class and one picture after the other."""
    found = torch.zeros(len(features), classes, features.shape[1], dtype=features.dtype)
    for b in range(len(features)):
        for c in range(classes):
            if (labels[b] == c).any():
                found[b, c] = features[b][:, labels[b] == c].amax(1)
    return found


def test_pooling_by_hand():
    features = torch.tensor([[[[-3.0, -1.0], [5.0, 2.0]]]])
    labels = torch.tensor([[[0, 0], [3, 2]]])  # 3 is no class
    found, shown = pool_by_class(features, labels, 3)
    assert found[0, :, 0].tolist() == [-1, 0, 2]
    assert shown.tolist() == [[True, False, True]]


def test_pooling_is_the_greatest_value_class_by_class():
    labels = known_labels(blocks(3), 5)
    features = torch.randn(3, 4, 16, 16, generator=seeded(), dtype=torch.float64, requires_grad=True)
    found, shown = pool_by_class(features, labels, 5)
    plain = pooled_plainly(features, labels, 5)
    assert torch.equal(found, plain)
    assert torch.equal(shown, one_hot(labels, 5).flatten(2).any(2))
    noise = torch.randn(found.shape, generator=seeded(1), dtype=torch.float64)
    ours, theirs = (torch.autograd.grad((x * noise).sum(), features)[0] for x in (found, plain))
    assert torch.equal(ours, theirs)


def test_a_small_object_is_lost_on_coarse_grids():
    layout = torch.zeros(1, 256, 256, dtype=torch.long)
    layout[:, 3:7, 3:7] = 1
    assert [bool(classes_in(layout[:, ::s, ::s], 2)[0, 1]) for s in (2, 4, 8, 16, 32)] == [
        True,
        True,
        False,
        False,
        False,
    ]


# The encoder


@pytest.mark.parametrize("form", FORMS)
def test_encoder_is_the_plain_one(form):
    """Equations 14 to 17, one picture, layer and class after the other."""
    s = FORMS[form]
    encoder, layouts = networks(s)[1].eval(), blocks(2)
    images = torch.rand(2, 3, 16, 16, generator=seeded()) * 2 - 1
    found = [s.latents.split(part) for part in encoder(images, layouts)]
    x, maps = F.interpolate(images, (64, 64), mode="bilinear"), []
    for conv in encoder.convs:
        maps.append(F.instance_norm(conv(x)))
        x = F.leaky_relu(maps[-1], 0.2)
    flat = (F.adaptive_avg_pool2d(x, 4) if x.shape[2] > 4 else x).flatten(1)
    for part, head in zip(found, (encoder.mean, encoder.log_variance), strict=True):
        torch.testing.assert_close(part["global"], head(flat))
    large = F.interpolate(layouts[:, None].float(), (64, 64), mode="nearest")
    for place, layer in enumerate(s.coded_layers):
        features = maps[s.layers - layer]
        labels = F.interpolate(large, features.shape[2:], mode="nearest")[:, 0].long()
        if not s.class_wise:
            labels = labels.clamp(max=5) // 5
        head = encoder.heads[place]
        for b in range(2):
            for c in range(s.latents.num_classes):
                code = torch.zeros(6)
                if (labels[b] == c).any():
                    code = head(F.leaky_relu(features[b][:, labels[b] == c].amax(1), 0.2))
                both = torch.cat([part["layers"][b, place, c] for part in found])
                torch.testing.assert_close(both, code, atol=1e-6, rtol=1e-4)


def test_absent_classes_have_the_standard_normal_code_and_no_divergence():
    encoder, layouts = networks()[1], torch.zeros(1, 16, 16, dtype=torch.long)
    mean, log_variance = encoder(torch.rand(1, 3, 16, 16), layouts)
    for part in (mean, log_variance):
        codes = SMALL.latents.split(part)["layers"]
        assert not codes[:, :, 1:].any()
        assert (codes[:, :, 0] != 0).all()
    nothing = torch.full((1, 16, 16), 255)
    mean, log_variance = encoder(torch.rand(1, 3, 16, 16), nothing)
    assert torch.isfinite(encoder.divergence(mean, log_variance, nothing))


@pytest.mark.parametrize("form", FORMS)
def test_divergence_is_equation_18(form):
    s = FORMS[form]
    encoder, layouts = networks(s)[1], blocks(2)
    layouts[1] = layouts[1].clamp(max=1)  # another number of classes; 255 becomes class 1
    mean, log_variance = encoder(torch.rand(2, 3, 16, 16, generator=seeded()), layouts)
    parts, expected = s.latents, 0.0
    for b in range(2):
        classes = [c for c in layouts[b].unique().tolist() if c != 255] if s.class_wise else [None]
        everything = [(1, None, 1)] + [(2 + n, c, len(classes)) for n in range(parts.layers) for c in classes]
        for layer, c, over in everything:
            at = parts.index(layer, c)
            kl = losses.kl_to_standard_normal(mean[b : b + 1, at], log_variance[b : b + 1, at])
            expected = expected + kl / over
    torch.testing.assert_close(encoder.divergence(mean, log_variance, layouts), expected)


# The generator


def test_with_no_class_codes_it_is_gaugans_vae():
    settings = replace(SMALL, layers=1)
    generator, encoder = networks(settings)
    plain = SpadeSettings(5, 16, 16, 4, 2, 8, use_vae=True, latent_dim=6, encoder_size=64)
    spade = SpadeGenerator(plain)
    spade.load_state_dict({k: v for k, v in generator.state_dict().items() if not k.startswith("embedding")})
    z = torch.randn(2, 6, generator=seeded())
    assert torch.equal(generator.generate(blocks(), z=z), spade.generate(blocks(), z=z))
    assert count(encoder) < count(ImageEncoder(plain))  # one block deep, as with the paper's L = 1


def test_a_code_reaches_its_class_alone():
    """At the finest layer a change stays within a few pixels of the class; of an absent class nothing changes."""
    generator, parts = networks(replace(SMALL, width=32))[0], SMALL.latents
    layout = torch.zeros(1, 16, 32, dtype=torch.long)
    layout[:, :, 24:] = 1
    z, other = (torch.randn(1, parts.length, generator=seeded(n)) for n in range(2))
    before = generator.generate(layout, z=z)

    def moved(layer, cls):
        return (generator.generate(layout, z=parts.replace(z, other, layer, cls)) - before).abs().sum(1)[0]

    for cls in (2, 3, 4):
        assert not moved(None, cls).any()
    finest = moved(4, 1)
    assert finest[:, 24:].mean() > 0
    assert not finest[:, :12].any()
    for layer in range(1, 5):
        assert moved(layer, None).any(), layer


def test_one_code_for_all_classes():
    settings = replace(SMALL, class_wise=False)
    (shared, _), (own, _) = networks(settings), networks()
    own.load_state_dict(shared.state_dict())
    z = torch.randn(2, shared.noise_dim, generator=seeded())
    parts = settings.latents.split(z)
    repeated = SMALL.latents.join({"global": parts["global"], "layers": parts["layers"].expand(-1, -1, 5, -1)})
    assert torch.equal(shared.generate(blocks(), z=z), own.generate(blocks(), z=repeated))


def test_a_label_of_no_class_has_no_code():
    generator, layouts = networks()[0], blocks()
    z = torch.randn(2, generator.noise_dim, generator=seeded())
    ours = generator.generate(layouts, z=z)
    torch.testing.assert_close(ours, generator.eval()(torch.where(layouts == 255, 77, layouts), z))
    generator(layouts, z).square().mean().backward()
    assert all(p.grad.isfinite().all() for p in generator.parameters())


def test_what_it_refuses():
    with pytest.raises(ValueError, match="layers=5: with 2 doublings choose 1 to 4"):
        replace(SMALL, layers=5)
    with pytest.raises(ValueError, match="4 layers want 64 px"):
        replace(SMALL, encoder_size=32)
    with pytest.raises(ValueError, match="looks at no edges"):
        replace(SMALL, instance_edges=True)
    with pytest.raises(ValueError, match=r"layout is soft.*take argmax\(1\)"):
        networks()[0](one_hot(blocks(), 5))
    encoder, images = networks()[1], torch.zeros(2, 3, 16, 16)
    with pytest.raises(ValueError, match="expected integers"):
        encoder(images, one_hot(blocks(), 5))
    with pytest.raises(ValueError, match="are no pairs: load both at one size"):
        encoder(images, blocks()[:, :8])
    with pytest.raises(RunError, match=r"layers = 6 want more blocks than doublings = 2 give: choose layers up to 4"):
        resolve("12_class_layer_vae", {"preset": "smoke", "layers": 6})
    images = resolve("07_painting_by_layout", {"preset": "smoke"})
    with pytest.raises(ValueError, match="its parameters are those of chapter 12"):
        training.image_networks("clvae", images, 5, (16, 16))


def test_a_file_of_it_paints_the_same(tmp_path):
    generator, _ = networks(replace(SMALL, num_classes=19))
    training.save_generator(tmp_path / "g.safetensors", generator, CITYSCAPES_19, half=False)
    again, space, _ = training.load_generator(tmp_path / "g.safetensors", "clvae")
    assert again.settings == generator.settings
    assert space == CITYSCAPES_19
    assert torch.equal(again.generate(blocks(), seed=3), generator.generate(blocks(), seed=3))


# Training


def clvae_run(form="full", changes=None, **kwargs):
    torch.manual_seed(0)
    settings = replace(FORMS[form], num_classes=3)
    schedule = ImageTrainingSettings(
        batch_size=4, steps=4, constant_steps=2, report_steps=2, perceptual_weight=0, **(changes or {})
    )
    judge = MultiScaleDiscriminator(DiscriminatorSettings(3, 4, (2, 2)))
    networks = ClvaeGenerator(settings), judge, *pairs(), schedule
    return ImageTraining(*networks, encoder=ClvaeEncoder(settings), **kwargs)


def test_a_step_is_the_plain_one(monkeypatch):
    run, seen = clvae_run(changes={"flip": False}), {}
    monkeypatch.setattr(run, "_update", lambda parameters, gradients: seen.update(found=gradients))
    before, state = weights(run), run.random.get_state()
    reported = run._train_step()
    for name, network in run.networks.items():
        network.load_state_dict({k[len(name) + 1 :]: v for k, v in before.items() if k.startswith(name + ".")})
    run.random.set_state(state)
    index = torch.randint(12, (4,), generator=run.random)
    noise = torch.randn(4, run.generator.noise_dim, generator=run.random)
    images, layouts = (x[index] for x in pairs())
    images = images / 127.5 - 1
    mean, log_variance = run.encoder(images, layouts)
    fake = run.generator(layouts, sample_latent(mean, log_variance, noise))
    of_fake, of_real = run.discriminator.judge([fake, images], layouts, None)
    matched = losses.paired_feature_loss([[f.detach() for f in x] for x in of_real.features], of_fake.features)
    kl = run.encoder.divergence(mean, log_variance, layouts)
    loss = losses.hinge_generator_loss(of_fake.logits) + 10 * matched + 0.05 * kl
    torch.testing.assert_close(reported["loss_g"], loss.detach())
    torch.testing.assert_close(reported["kl"], 0.05 * kl.detach())
    for ours, plain in zip(seen["found"], torch.autograd.grad(loss, run.painters), strict=False):
        torch.testing.assert_close(ours, plain, atol=1e-5 * float(plain.abs().max()) + 1e-6, rtol=1e-3)


@pytest.mark.parametrize("form", FORMS)
def test_a_stopped_run_goes_on_as_if_it_had_not_been(form, tmp_path):
    whole, path = clvae_run(form), tmp_path / "checkpoint.safetensors"
    list(whole)
    for report in clvae_run(form, {"checkpoint_seconds": 0}, checkpoint_path=path):
        if report.step == 2:
            break
    again = clvae_run(form, checkpoint_path=path)
    assert again.step == 2
    list(again)
    found = weights(again)
    assert all(torch.equal(found[name], value) for name, value in weights(whole).items())


def test_an_encoder_and_a_generator_go_together():
    with pytest.raises(ValueError, match="an encoder goes with a generator that has latents"):
        run_of("gaugan", encoder=ClvaeEncoder(replace(SMALL, num_classes=3)))


@pytest.mark.parametrize("changes", [{}, {"class_wise": False}, {"layer_wise": False}, {"layers": 1}])
def test_smoke_by_parameters(changes, tmp_path):
    p = resolve("12_class_layer_vae", {"preset": "smoke", "device": "cpu", "perceptual": "segmenter"} | changes)
    data = training.scene_set(p)
    eye = training.perceptual_for(p)
    run = training.image_training(p, data, "clvae", eye, tmp_path / "checkpoint.safetensors")
    list(run)
    assert run.settings.kl_weight == p.kl_weight == 0.05
    assert run.averaged.generate(data.held_out[:3]).shape == (3, 3, 16, 16)
    weak = training.image_settings("gaugan-vae", p.model_copy(update={"kl_weight": 0.0005}))
    assert weak.kl_weight == 0.0005


def test_networks_at_the_papers_sizes_are_the_papers():
    p = resolve("12_class_layer_vae", {"preset": "paper", "ngf": 4, "ndf": 4, "hidden": 8, "device": "cpu"})
    generator, judge, encoder = training.image_networks("clvae", p, 20, (256, 256))
    assert generator.settings == encoder.settings == ClvaeSettings(20, ngf=4, hidden=8)
    assert judge.settings == DiscriminatorSettings(20, 4)
    rival, judge, encoder = training.image_networks("gaugan-vae", p, 20, (256, 256))
    assert (rival.latents.length, encoder.settings.encoder_size) == (256, 256)
    assert judge.settings == DiscriminatorSettings(20, 4)  # one judge for both
    assert (p.batch_size, p.kl_weight, p.most_layers, p.class_dim) == (4, 0.05, 6, None)
