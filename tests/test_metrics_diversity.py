"""Diversity and similarity to the true picture: plain versions, the release's formula, and controls told apart."""

import hashlib
import math

import pytest
import torch
import torch.nn.functional as F
from torchmetrics.functional.image.lpips import _LPIPS
from torchvision import models

from sempal_lib import metrics
from sempal_lib.metrics import distances as module
from sempal_lib.pretrained import WeightsMissing
from sempal_lib.segmentation import Segmenter, SegmenterSettings

HEAD_SUMS = {
    "alex": (2.350, 16.143, 39.268, 27.197, 20.317),
    "vgg": (6.926, 8.858, 17.515, 51.521, 47.035),
    "squeeze": (5.690, 1.185, 16.327, 71.013, 37.371, 24.263, 17.591),
}  # of version 0.1


@pytest.fixture(scope="module")
def judge():
    torch.manual_seed(0)
    return Segmenter(SegmenterSettings.light(5, width=4)).eval()


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """A backbone's weights, drawn at random, as a file that is vouched for; gives the network."""

    def make(backbone, variable):
        torch.manual_seed(0)
        network = module._TRUNKS[backbone][0](weights=None)
        path = tmp_path / "trunk.pth"
        kept = {k: v for k, v in network.state_dict().items() if k.startswith("features.")}
        torch.save(kept, path)
        monkeypatch.setenv(variable, str(path))
        monkeypatch.setenv(f"{variable}_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
        return network

    return make


def pictures(n, size=32, seed=0):
    random = torch.Generator().manual_seed(seed)
    return F.interpolate(2 * torch.rand(n, 3, 8, 8, generator=random) - 1, size=(size, size), mode="bilinear")


def test_mean_over_pairs_against_a_loop():
    vectors = torch.randn(3, 7, 5, generator=torch.Generator().manual_seed(0))
    for row, value in zip(vectors, metrics.mean_pair_distance(vectors), strict=True):
        pairs = [(row[i] - row[j]).square().sum() for i in range(7) for j in range(i)]
        assert len(pairs) == 21
        assert value == pytest.approx(float(sum(pairs)) / 21, rel=1e-5)
    assert metrics.mean_pair_distance(torch.tensor([[0.0, 0.0], [3.0, 4.0]])) == 25
    assert metrics.mean_pair_distance(torch.rand(1, 9).expand(40, -1)) == 0
    with pytest.raises(ValueError, match=r"expected \[..., n, D\] with n ≥ 2"):
        metrics.mean_pair_distance(torch.zeros(1, 4))


def test_seg_distance_against_a_plain_one(judge):
    """Stage by stage, pixel by pixel."""
    images, others = pictures(2), pictures(2, seed=1)
    ours = metrics.seg_distance(judge)
    stages = judge.network.backbone
    x, layers = torch.cat([images, others]), []
    for name in stages:
        x = stages[name](x)
        if name in ("relu", "layer1", "layer2", "layer3", "layer4"):
            layers.append(x.clone())
    for i in range(2):
        total = 0.0
        for features in layers:
            a, b = features[i].flatten(1).T, features[2 + i].flatten(1).T
            each = [
                ((p / p.norm().clamp(min=1e-9)) - (q / q.norm().clamp(min=1e-9))).square().sum()
                for p, q in zip(a, b, strict=True)
            ]
            total += float(sum(each)) / len(each) / len(layers)
        assert ours.between(images, others)[i] == pytest.approx(total, rel=1e-4)
    assert ours.between(images, images).tolist() == [0, 0]
    assert ours.named("diversity") == "diversity_seg"
    assert not ours.train().training
    bytes_ = ((images + 1) * 127.5).round().to(torch.uint8)
    assert torch.allclose(ours(bytes_), ours(bytes_.float() / 127.5 - 1))


@pytest.mark.parametrize(("backbone", "variable"), [("alex", "SEMPAL_ALEXNET"), ("squeeze", "SEMPAL_SQUEEZENET")])
def test_lpips_is_the_releases(drawn, backbone, variable):
    """Against torchmetrics, which has the release's network, for the same weights of the backbone."""
    network = drawn(backbone, variable)
    ours = metrics.lpips(backbone)
    theirs = _LPIPS(pretrained=True, net=backbone, pnet_rand=True)
    for slice_ in [getattr(theirs.net, f"slice{n + 1}", None) for n in range(5)]:
        if slice_ is not None:
            slice_.load_state_dict({k: network.features.state_dict()[k] for k in slice_.state_dict()})
    if backbone == "squeeze":
        for slice_ in theirs.net.slices:
            slice_.load_state_dict({k: network.features.state_dict()[k] for k in slice_.state_dict()})
    images, others = pictures(3, 64), pictures(3, 64, seed=1)
    assert torch.allclose(ours.between(images, others), theirs(images, others).flatten(), rtol=2e-3)
    assert "version 0.1" in ours.name
    assert backbone in ours.name


@pytest.mark.parametrize("backbone", HEAD_SUMS)
def test_heads_are_those_of_version_0_1(backbone):
    heads = torch.load(module._HEADS / f"{backbone}.pth", weights_only=True, map_location="cpu")
    found = [heads[f"lin{n}.model.1.weight"] for n in range(len(HEAD_SUMS[backbone]))]
    assert [float(x.sum()) for x in found] == pytest.approx(HEAD_SUMS[backbone], abs=6e-4)
    assert all(bool((x >= 0).all()) for x in found)


def test_layers_of_lpips_follow_a_relu():
    for network, _, taken, _ in module._TRUNKS.values():
        with torch.device("meta"):
            layers = network(weights=None).features
        assert all(type(layers[n]).__name__ in ("ReLU", "Fire") for n in taken)


def test_lpips_refuses(drawn, tmp_path, monkeypatch, judge):
    with pytest.raises(ValueError, match="backbone='resnet': choose one of 'alex', 'vgg', 'squeeze'"):
        metrics.lpips("resnet")
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    with pytest.raises(WeightsMissing, match=r"no alexnet weights at .*no download was allowed.*take seg_distance"):
        metrics.lpips()
    assert [d.name for d in metrics.distances_at_hand(judge, 64)] == ["the judge's features"]
    drawn("alex", "SEMPAL_ALEXNET")
    found = metrics.distances_at_hand(judge, 64)
    assert [d.named("diversity") for d in found] == ["diversity_seg", "lpips_diversity"]
    assert len(metrics.distances_at_hand(judge, 16)) == 1
    with pytest.raises(ValueError, match=r"\[1, 3, 16, 16\], expected .* sides of at least 31 px"):
        found[1](pictures(1, 16))
    other = models.squeezenet1_1(weights=None).state_dict()
    torch.save(other, tmp_path / "trunk.pth")
    digest = hashlib.sha256((tmp_path / "trunk.pth").read_bytes()).hexdigest()
    monkeypatch.setenv("SEMPAL_ALEXNET_SHA256", digest)
    with pytest.raises(WeightsMissing, match="holds no alexnet of torchvision"):
        metrics.lpips()


def scenes(n=4, size=32):
    layouts = torch.zeros(n, size, size, dtype=torch.uint8)
    layouts[:, size // 2 :] = 1
    return layouts, pictures(n, size, seed=5)


def test_evaluation_against_a_plain_one(judge):
    """Every pair, one by one, and the nearest sample found by hand."""
    layouts, images = scenes(2)
    bank = {n: pictures(5, seed=10 + n) for n in range(2)}
    calls = iter(bank.values())
    distance = metrics.seg_distance(judge)
    found = metrics.evaluate_diversity(lambda y, z: next(calls), 3, layouts, images, [distance], 5)
    spread, top = [], []
    for made, image in zip(bank.values(), images, strict=True):
        pairs = [float(distance.between(made[i : i + 1], made[j : j + 1])) for i in range(5) for j in range(i)]
        spread.append(sum(pairs) / 10)
        l1 = [float((sample - image).abs().mean()) for sample in made]
        best = l1.index(min(l1))
        top.append(float(distance.between(made[best][None], image[None])))
    assert found["diversity_seg"] == (pytest.approx(sum(spread) / 2, rel=1e-4), 2)
    assert found["top1_gt_similarity_seg"] == (pytest.approx(sum(top) / 2, rel=1e-4), 2)


def test_codes_are_the_seeds_and_each_layouts_own(judge):
    layouts, images = scenes(2)
    seen = []

    def paint(y, z):
        seen.append(z)
        return pictures(len(y))

    for seed in (3, 3, 4):
        metrics.evaluate_diversity(paint, 6, layouts, images, [metrics.seg_distance(judge)], 4, seed)
    assert seen[0].shape == (4, 6)
    assert torch.equal(torch.cat(seen[:2]), torch.cat(seen[2:4]))
    assert not torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[0], seen[4])


def test_controls_are_told_apart(judge):
    """A number must be able to be wrong."""
    layouts, images = scenes(6)
    distance = [metrics.seg_distance(judge)]
    true = images.float() / 127.5 - 1 if images.dtype == torch.uint8 else images
    own = metrics.evaluate_reconstruction(true, images, distance)
    others = metrics.evaluate_reconstruction(true.roll(1, 0), images, distance)
    assert own["gt_similarity_seg"] == (0, 6)
    assert others["gt_similarity_seg"][0] > 0.01

    def same(y, z):
        return pictures(1).expand(len(y), -1, -1, -1)

    real = {"same": same, "other": lambda y, z: pictures(len(y), seed=int(100 * z[0, 0].abs()))}
    found = {
        k: metrics.evaluate_diversity(f, 1, layouts, images, distance, 6)["diversity_seg"][0] for k, f in real.items()
    }
    assert found["same"] == 0
    assert found["other"] > 0.01


def test_bad_pairs(judge):
    layouts, images = scenes(2)
    for wrong in ((layouts[:1], images), (layouts[:, :16], images), (layouts[:0], images[:0])):
        with pytest.raises(ValueError, match="are no pairs: expected"):
            metrics.evaluate_diversity(lambda y, z: y, 1, *wrong, [metrics.seg_distance(judge)])
    with pytest.raises(ValueError, match="samples is 1"):
        metrics.evaluate_diversity(lambda y, z: y, 1, layouts, images, [], 1)
    assert math.isfinite(float(metrics.seg_distance(judge)(torch.zeros(1, 3, 32, 32)).sum()))  # no colour at all
