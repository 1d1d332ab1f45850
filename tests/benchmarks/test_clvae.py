"""CLVAE: codes of classes by look-ups against dense products, and a training step beside GauGAN-VAE's: `make bench`.

CPU time of one thread. Each case runs in a process of its own, whose peak memory is what it grew by. The memory of a
step at the paper's size is computed, on tensors without values: weights, gradients, Adam's two moments, and all that
is kept for the backward pass. A step that fits this machine is computed and measured.
"""

import multiprocessing
import resource
import time
from statistics import median

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks

from sempal_lib.image_gans import (
    ClvaeEncoder,
    ClvaeGenerator,
    ClvaeSettings,
    DiscriminatorSettings,
    MultiScaleDiscriminator,
    sample_latent,
)
from sempal_lib.image_gans.clvae import embed_semantics, pool_by_class
from sempal_lib.image_gans.perceptual import untrained_vgg19
from sempal_lib.labels import one_hot
from sempal_lib.losses import hinge_generator_loss, paired_feature_loss, perceptual_loss
from sempal_lib.training import catalogue

MIB = 2**20


def memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measured(function, *arguments):
    """A function's result from a process of its own, and by how much its peak memory grew there, MiB."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_in_process, (function, arguments))


def _in_process(function, arguments):
    torch.set_num_threads(1)
    prepared = function(*arguments)
    before = memory()
    return prepared(), (memory() - before) / MIB


def seconds_of(step, rounds):
    taken = []
    for _ in range(rounds):
        start = time.process_time()
        step()
        taken.append(time.process_time() - start)
    return median(taken)


# What classes cost


def embedded_densely(labels, codes, table):
    hot = one_hot(labels, len(table))
    return torch.einsum("bcn,bchw->bnhw", codes, hot) + torch.einsum("cn,bchw->bnhw", table, hot)


def pooled_densely(features, labels, classes):
    hot = one_hot(labels, classes).bool()[:, :, None]
    greatest = torch.where(hot, features[:, None], -torch.inf).amax((3, 4))
    shown = hot.flatten(2).any(2)
    return torch.where(shown[..., None], greatest, 0), shown


WAYS = {
    ("CSE", "look-up"): embed_semantics, ("CSE", "dense"): embedded_densely,
    ("pooling", "look-up"): pool_by_class, ("pooling", "dense"): pooled_densely,
}  # fmt: skip


def part(kind, way, classes):
    """The finest layer of one picture of 256×256 px, of N = C, there and back."""
    torch.manual_seed(0)
    labels = torch.randint(classes, (1, 8, 8)).repeat_interleave(16, 1).repeat_interleave(16, 2)
    codes, table = torch.randn(1, classes, classes), torch.randn(classes, classes)
    features = torch.randn(1, 64, 128, 128)
    inputs = [codes, table] if kind == "CSE" else [features]

    def step():
        for x in inputs:
            x.requires_grad_()
        function = WAYS[kind, way]
        found = function(labels, *inputs) if kind == "CSE" else function(features, labels, classes)[0]
        torch.autograd.grad(found.square().sum(), inputs)

    return lambda: seconds_of(step, 5)


@pytest.mark.parametrize("classes", [20, 151])
@pytest.mark.parametrize("kind", ["CSE", "pooling"])
def test_look_ups_against_dense(kind, classes):
    (fast, small), (slow, large) = (measured(part, kind, way, classes) for way in ("look-up", "dense"))
    print(
        f"\n{kind}, {classes} classes: look-up {1000 * fast:.1f} ms, {small:.0f} MiB; dense {1000 * slow:.1f} ms, "
        f"{large:.0f} MiB: {slow / fast:.1f} times the time"
    )


# What a step costs


def training_step(name, changes):
    p = catalogue.parameters_of(
        name if name == "clvae" else "clvae", "paper", dataset="toy-rooms", ndf=16, perceptual="segmenter",
        segmenter="light", batch_size=1, device="cpu", ema=False, **changes,
    )  # fmt: skip
    run = catalogue.TRAININGS[name].build(p, catalogue.made_up(p, 4), None, None)
    return lambda: seconds_of(run._train_step, 3)


def test_a_step_beside_gaugan_vaes():
    found = {name: measured(training_step, name, {"ngf": 16}) for name in ("gaugan-vae", "clvae")}
    (ours, mine), (theirs, other) = found["clvae"], found["gaugan-vae"]
    print(
        f"\na step at 256×256 px, ngf 16, one picture, 25 classes: clvae {ours:.2f} s, {mine:.0f} MiB; gaugan-vae "
        f"{theirs:.2f} s, {other:.0f} MiB; ratio {ours / theirs:.2f} in time, {mine / other:.2f} in memory"
    )


def networks(settings, ndf):
    judge = MultiScaleDiscriminator(DiscriminatorSettings(settings.num_classes, ndf))
    return ClvaeGenerator(settings), ClvaeEncoder(settings), judge


def loss_of(nets, images, layouts, noise, eye=None):
    generator, encoder, judge = nets
    mean, log_variance = encoder(images, layouts)
    fake = generator(layouts, sample_latent(mean, log_variance, noise))
    of_fake, of_real = judge.judge([fake, images], layouts, None)
    loss = hinge_generator_loss(of_fake.logits) + 10 * paired_feature_loss(of_real.features, of_fake.features)
    if eye is not None:
        loss = loss + 10 * perceptual_loss(eye(fake), [x.detach() for x in eye(images)], eye.weights)
    return loss + 0.05 * encoder.divergence(mean, log_variance, layouts)


def computed_memory(settings, batch, ndf, looks):
    """Bytes that a step holds at the end of its forward pass, without its inputs; what convolutions need beside it
    for a while, and what autograd frees late, comes on top."""
    with torch.device("meta"):
        nets, eye = networks(settings, ndf), untrained_vgg19() if looks else None
        images, layouts = torch.empty(batch, 3, 256, 256), torch.empty(batch, 256, 256, dtype=torch.uint8)
        noise = torch.empty(batch, settings.latents.length)
        fixed = [x for net in (*nets, *([eye] if eye else [])) for x in net.parameters()]
        own, kept = {x.untyped_storage()._cdata for x in fixed}, {}

        def pack(x):
            storage = x.untyped_storage()
            if storage._cdata not in own:
                kept[storage._cdata] = (storage.nbytes(), storage)
            return x

        with saved_tensors_hooks(pack, lambda x: x):
            loss_of(nets, images, layouts, noise, eye)
    weights = sum(x.numel() for net in nets for x in net.parameters())
    return 16 * weights + sum(size for size, _ in kept.values())


def whole_step(ngf, classes):
    torch.manual_seed(0)
    nets = networks(ClvaeSettings(classes, ngf=ngf), 16)
    parameters = [x for net in nets for x in net.parameters()]
    labels = torch.randint(classes, (1, 8, 8)).repeat_interleave(32, 1).repeat_interleave(32, 2)
    nets[0].method = "dense"
    optimizer = torch.optim.Adam(parameters, fused=True)

    def step():
        noise = torch.randn(1, nets[0].noise_dim)
        loss_of(nets, torch.rand(1, 3, 256, 256), labels, noise).backward()
        optimizer.step()

    return step


def test_memory_of_151_classes():
    small = ClvaeSettings(151, ngf=16)
    held = sum(4 * x.numel() for net in networks(small, 16) for x in net.parameters()) / MIB
    _, grown = measured(whole_step, 16, 151)
    computed = computed_memory(small, 1, 16, False) / MIB
    paper = computed_memory(ClvaeSettings(151), 4, 64, True) / 2**30
    print(
        f"\n151 classes at 256×256 px: batch 1, ngf 16 computed {computed:.0f} MiB, measured {grown + held:.0f} MiB; "
        f"batch 4, ngf 64, with VGG-19 computed {paper:.1f} GiB"
    )
    assert paper < 24
