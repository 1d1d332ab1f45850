"""The parts of a latent: where they stand, that they come together again, and what has no code."""

import pytest
import torch

from sempal_lib.image_gans import Latents

PARTS = Latents(global_dim=4, layers=2, num_classes=3, class_dim=5)


def noise(parts, n=2, seed=0):
    return torch.randn(n, parts.length, generator=torch.Generator().manual_seed(seed))


def test_places_by_hand():
    assert PARTS.length == 4 + 2 * 3 * 5
    assert PARTS.index(1) == slice(0, 4)
    assert PARTS.index(2) == slice(4, 19)
    assert PARTS.index(2, 0) == slice(4, 9)
    assert PARTS.index(3, 2) == slice(29, 34)


def test_split_and_join():
    z = noise(PARTS)
    parts = PARTS.split(z)
    assert (parts["global"].shape, parts["layers"].shape) == ((2, 4), (2, 2, 3, 5))
    for layer in (2, 3):
        for cls in range(3):
            assert torch.equal(parts["layers"][:, layer - 2, cls], z[:, PARTS.index(layer, cls)])
    assert parts["layers"].data_ptr() == z[:, 4:].data_ptr()  # views
    assert torch.equal(PARTS.join(parts), z)


@pytest.mark.parametrize(("layer", "cls"), [(None, 1), (2, 1), (3, None), (1, None), (None, None)])
def test_one_part_is_replaced_and_no_other(layer, cls):
    z, other = noise(PARTS), noise(PARTS, seed=1)
    kept = z.clone()
    found = PARTS.split(PARTS.replace(z, other, layer, cls))
    old, new = PARTS.split(z), PARTS.split(other)
    for at in (2, 3):
        for each in range(3):
            taken = layer in (None, at) and cls in (None, each)
            source = new if taken else old
            assert torch.equal(found["layers"][:, at - 2, each], source["layers"][:, at - 2, each])
    whole = cls is None and layer in (None, 1)
    assert torch.equal(found["global"], (new if whole else old)["global"])
    assert torch.equal(z, kept)


def test_what_has_no_code():
    z = noise(PARTS)
    with pytest.raises(ValueError, match="layer 4 has no code: this generator's layers are 1 to 3"):
        PARTS.replace(z, z, 4)
    with pytest.raises(ValueError, match="layers are 2 to 2"):
        Latents(0, 1, 3, 5).index(1)
    with pytest.raises(ValueError, match="class 3 has no code: choose 0 to 2"):
        PARTS.index(2, 3)
    with pytest.raises(ValueError, match="layer 1 is one code for the whole picture"):
        PARTS.index(1, 0)
    with pytest.raises(ValueError, match="one code a layer for all classes"):
        Latents(4, 2, 1, 5).index(2, 0)
    with pytest.raises(ValueError, match="one code for the whole picture: leave the class out"):
        Latents(4).replace(torch.zeros(1, 4), torch.zeros(1, 4), cls=0)
    with pytest.raises(ValueError, match=r"z has shape \[2, 3\], expected \[B, 34\]"):
        PARTS.split(torch.zeros(2, 3))


def test_gaugan_vae_has_one_part():
    parts = Latents(6).split(torch.zeros(2, 6))
    assert parts["global"].shape == (2, 6)
    assert parts["layers"].numel() == 0
    assert not Latents(6).class_wise
    assert PARTS.class_wise
