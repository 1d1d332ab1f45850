"""GroupDNet: its authors' sizes, that codes and channels are of one class alone, and groups against a plain loop."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from sempal_lib.image_gans import GroupdnetEncoder, GroupdnetGenerator, GroupdnetSettings, instance_edges
from sempal_lib.image_gans.groupdnet import CgNorm, GroupBlock, class_crops
from sempal_lib.labels import one_hot
from sempal_lib.parameters import resolve
from sempal_lib.training import image_training, perceptual_for, scene_set, train_images

CLASSES = 5
SMALL = GroupdnetSettings.sized(CLASSES, 16, 16, 4, 2)


def scenes():
    """Pictures and layouts with 255, a class of one pixel, and classes that are not there."""
    random = torch.Generator().manual_seed(0)
    layouts = torch.zeros(2, 16, 16, dtype=torch.long)
    layouts[:, 9:, :7] = 1
    layouts[0, 3:8, 4:13] = 2
    layouts[1, 15, 15] = 3
    layouts[:, 0, :3] = 255
    return torch.rand(2, 3, 16, 16, generator=random) * 2 - 1, layouts


def count(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("settings", "generator", "encoder", "billions"),
    [
        (GroupdnetSettings.deepfashion(), 96_324_451, 12_835_712, 291),  # 96.3 M and 12.8 M
        (GroupdnetSettings.cityscapes(), 76_501_358, 5_768_210, 463),  # 76.5 M and 5.8 M
        (GroupdnetSettings.ade20k(), 66_458_715, 4_411_012, 383),  # 68.3 M with a block that is not used, and 4.4 M
    ],
)
def test_parameters_and_products_are_those_of_the_fact_sheet(settings, generator, encoder, billions):
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        network, layout = GroupdnetGenerator(settings), torch.zeros(1, settings.height, settings.width).long()
        network(layout, edges=layout if settings.instance_edges else None)
        assert count(network) == generator
        assert count(GroupdnetEncoder(settings)) == encoder
    assert round(counter.get_total_flops() / 2e9) == billions
    assert settings.first_size[0] == 4


def test_the_block_that_no_picture_goes_through():
    with torch.device("meta"):
        unused = GroupBlock(GroupdnetSettings.ade20k(), 128, 64, 1)
    assert 66_458_715 + count(unused) == 68_326_847  # 68.3 M


def test_the_authors_groups():
    ade = GroupdnetSettings.ade20k()
    assert ade.modulated(151) == (302, 151, 151)
    assert ade.modulated(16) == (2416, 151, 16)
    assert ade.modulated(1) == (302, 151, 1)
    assert GroupdnetSettings.cityscapes().modulated(20) == (700, 35, 35)
    assert GroupdnetSettings.deepfashion().modulated(4) == (128, 4, 4)


@pytest.mark.parametrize("classes", [1, 3, 20, 151])
@pytest.mark.parametrize("doublings", [2, 6])
def test_groups_fit_any_number_of_classes(classes, doublings):
    settings = GroupdnetSettings.sized(classes, 64, 128, 16, doublings)
    with torch.device("meta"):
        GroupdnetGenerator(settings)
    assert settings.groups[:2] == (classes, classes)
    assert list(settings.groups[2:]) == sorted(settings.groups[2:], reverse=True)
    assert settings.groups[-1] == 1


def plain_crops(images, layouts, classes):
    """A picture and a class at a time."""
    found = torch.zeros(len(images), classes, *images.shape[1:])
    for b, layout in enumerate(layouts):
        for c in (c for c in layout.unique().tolist() if c < classes):
            ys, xs = torch.where(layout == c)
            box = slice(int(ys.min()), int(ys.max()) + 1), slice(int(xs.min()), int(xs.max()) + 1)
            cut = (images[b] * (layout == c))[:, box[0], box[1]]
            found[b, c] = F.interpolate(cut[None], images.shape[2:], mode="nearest")[0]
    return found


def test_crops_against_one_class_at_a_time():
    images, layouts = scenes()
    random = torch.randint(0, CLASSES, (2, 16, 16), generator=torch.Generator().manual_seed(1))
    for told in (layouts, layouts.to(torch.uint8), random):
        crops, there = class_crops(images, told, CLASSES)
        assert torch.equal(crops, plain_crops(images, told.long(), CLASSES))
        assert torch.equal(there, (told.unsqueeze(1) == torch.arange(CLASSES).view(1, -1, 1, 1)).flatten(2).any(2))


def test_a_class_of_one_pixel_fills_the_frame():
    images, layouts = scenes()
    crops, there = class_crops(images, layouts, CLASSES)
    assert torch.equal(crops[1, 3], images[1, :, 15:, 15:].expand(3, 16, 16))
    assert there.tolist() == [[True, True, True, False, False], [True, True, False, True, False]]
    assert not crops[0, 3].any()


def test_a_code_is_of_its_class_alone():
    """Not so in CLVAE, whose encoder sees the neighbours too."""
    torch.manual_seed(0)
    encoder, (images, layouts) = GroupdnetEncoder(SMALL).eval(), scenes()
    nn.init.ones_(encoder.mean.bias)  # as training leaves it: what is not there has 0 all the same
    other = torch.where(layouts.unsqueeze(1) == 2, images, -images)
    found, changed = (torch.cat(encoder(x, layouts), 1)[0] for x in (images, other))
    parts = [x.view(2, CLASSES, -1) for x in (found, changed)]
    alike = [torch.equal(parts[0][:, c], parts[1][:, c]) for c in range(CLASSES)]
    assert alike == [False, False, True, True, True]  # 2 is itself, 3 and 4 are not there
    assert not parts[0][:, 3:].any()
    assert parts[0][:, :3].abs().amin(2).gt(0).all()


def test_the_encoder_against_one_class_after_the_other():
    torch.manual_seed(0)
    encoder, (images, layouts) = GroupdnetEncoder(SMALL).eval(), scenes()
    nn.init.normal_(encoder.mean.bias)
    mean, log_variance = encoder(images, layouts)
    crops = plain_crops(images, layouts, CLASSES)

    def part(conv, x, c):
        weight, bias = (None if w is None else w.chunk(CLASSES)[c] for w in (conv.weight, conv.bias))
        return F.conv2d(x, weight, bias, conv.stride, 1)

    for c in range(3):
        x = crops[:, c]
        for conv in encoder.convs:
            x = F.leaky_relu(F.instance_norm(part(conv, x, c)), 0.2)
        for head, ours in ((encoder.mean, mean), (encoder.log_variance, log_variance)):
            plain = part(head, x, c).flatten(1)
            torch.testing.assert_close(ours[:, SMALL.latents.index(2, c)][0], plain[0], atol=1e-6, rtol=1e-5)


def test_the_divergence_is_a_sum_over_the_classes_that_are_there():
    torch.manual_seed(0)
    encoder, (images, layouts) = GroupdnetEncoder(SMALL), scenes()
    nn.init.ones_(encoder.log_variance.bias)
    mean, log_variance = encoder(images, layouts)
    by_hand = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
    torch.testing.assert_close(encoder.divergence(mean, log_variance, layouts), by_hand.sum(), rtol=1e-4, atol=0)
    assert by_hand[0].view(CLASSES, -1).sum(1).gt(0).tolist() == [True, True, True, False, False]


def test_a_code_moves_its_own_channels_until_the_groups_fall():
    torch.manual_seed(0)
    generator, (_, layouts) = GroupdnetGenerator(SMALL).eval(), scenes()
    maps, latents = [], generator.latents
    for block in generator.blocks:
        block.register_forward_hook(lambda *seen: maps.append(seen[2]))
    z = torch.randn(2, generator.noise_dim)
    for code in (z, latents.replace(z, torch.zeros_like(z), 2, 1)):
        generator(layouts, code)
    moved = [(before != after).flatten(2).any(2)[0] for before, after in zip(maps[:3], maps[3:], strict=True)]
    assert moved[0].view(CLASSES, -1).any(1).tolist() == [c == 1 for c in range(CLASSES)]
    assert moved[1].tolist() == [True] * 4 + [False] * 4  # two groups: class 1 is in the first
    assert moved[2].all()


def test_cg_norm_against_one_group_after_the_other():
    torch.manual_seed(0)
    norm, x = CgNorm(10, CLASSES, SMALL.modulated(CLASSES)), torch.randn(3, 10, 8, 8)
    layout = one_hot(torch.randint(0, CLASSES, (3, 8, 8)), CLASSES)
    found, normalised = norm(x, layout), F.batch_norm(x, None, None, training=True)

    def part(conv, y, c):
        return F.conv2d(y, conv.weight.chunk(CLASSES)[c], conv.bias.chunk(CLASSES)[c], padding=1)

    for c, (ours, mean_free) in enumerate(zip(found.chunk(CLASSES, 1), normalised.chunk(CLASSES, 1), strict=True)):
        hidden = part(norm.shared, layout[:, c : c + 1], c).relu()
        plain = mean_free * (1 + part(norm.gamma, hidden, c)) + part(norm.beta, hidden, c)
        torch.testing.assert_close(ours, plain, atol=1e-5, rtol=1e-5)


def test_an_edge_stands_beside_each_class():
    generator = GroupdnetGenerator(replace(SMALL, instance_edges=True))
    told, (_, layouts) = [], scenes()
    generator.blocks[-1].register_forward_pre_hook(lambda _, given: told.append(given[1]))
    edges = instance_edges(layouts)
    generator.generate(layouts, edges=edges)
    assert torch.equal(told[0][:, 0::2], one_hot(layouts, CLASSES))
    assert torch.equal(told[0][:, 1::2], edges[:, None].float().expand(-1, CLASSES, -1, -1))


def test_pictures_follow_code_and_layout():
    torch.manual_seed(0)
    generator, (_, layouts) = GroupdnetGenerator(SMALL), scenes()
    z = torch.randn(2, generator.noise_dim)
    made = generator.generate(layouts, z=z)
    assert made.shape == (2, 3, 16, 16)
    assert torch.equal(made, generator.generate(layouts, z=z))
    assert not torch.equal(made, generator.generate(layouts.flip(0), z=z))
    assert not torch.equal(generator.generate(layouts, seed=1), generator.generate(layouts, seed=2))
    torch.testing.assert_close(generator.eval()(layouts), generator.generate(layouts, z=0 * z))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: replace(SMALL, height=18), "choose multiples of 4"),
        (lambda: replace(SMALL, groups=(5, 5, 3, 1)), "20 and 8 channels in 3 groups: choose groups that divide both"),
        (lambda: replace(SMALL, groups=(5, 5, 1)), "4 widths and 3 groups: give as many"),
        (lambda: replace(SMALL, encoder_width=12), "choose 1 to 255 classes and a multiple of them"),
    ],
)
def test_impossible_settings(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_pictures_and_layouts_that_are_no_pairs():
    encoder, (images, layouts) = GroupdnetEncoder(SMALL), scenes()
    with pytest.raises(ValueError, match="are no pairs: load both at one size"):
        encoder(images[:1], layouts)
    with pytest.raises(ValueError, match="layout is 8×16 px, the encoder 16×16 px"):
        encoder(images[:, :, :8], layouts[:, :8])
    with pytest.raises(ValueError, match="layouts"):
        encoder(images, one_hot(layouts, CLASSES))


def test_training_stops_and_goes_on_as_if_it_had_not(tmp_path):
    p = resolve("07_painting_by_layout", {"preset": "smoke", "device": "cpu", "checkpoint_seconds": 1e-3})
    data, eye, path = scene_set(p), perceptual_for(p), tmp_path / "checkpoint.safetensors"
    changes = {"report_steps": 2}
    whole = train_images(p, data, "groupdnet", tmp_path / "whole.safetensors", **changes)
    for report in image_training(p, data, "groupdnet", eye, path, **changes):
        if report.step == 2:
            break
    again = image_training(p, data, "groupdnet", eye, path, **changes)
    assert again.step == 2
    list(again)
    assert again.history[-1]["kl"] > 0
    for name, network in whole.networks.items():
        for key, value in network.state_dict().items():
            assert torch.equal(again.networks[name].state_dict()[key], value), f"{name}.{key}"
