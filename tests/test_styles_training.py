"""What is measured of a painter with styles, and that each row of the tables can be trained."""

import pytest
import torch

from sempal_lib import metrics, styles, training
from sempal_lib.parameters import resolve

SMALL = {"preset": "smoke", "device": "cpu", "steps": 2, "styles": 3, "samples": 6}
DRAWN = {"diversity_seg", "top1_gt_similarity_seg", "fd_seg", "gan_test_miou"}
STYLED = {"containment", "containment_area", "gt_similarity_seg", "fd_seg_reconstructed"}


@pytest.fixture(scope="module")
def data():
    return training.scene_set(resolve("12_class_layer_vae", SMALL))


@pytest.mark.parametrize("row", ["clvae", "gaugan-vae+weak-kl", "groupdnet", "cimle", "clvae+no-classes"])
def test_each_row_is_trained_and_measured(row, data, tmp_path):
    p = resolve("12_class_layer_vae", SMALL | styles.row_parameters(row))
    run = training.train_styles(p, data, tmp_path / "checkpoint.safetensors")
    assert run.step == p.steps
    found = training.evaluate_painter(p, data, run, training.segmenter_for(p))
    assert found.keys() >= DRAWN
    assert (found.keys() >= STYLED) == (row != "cimle")  # which has no encoder, and no codes of classes
    assert found["diversity_seg"][1] == 6
    assert found["fd_seg"][1] == len(data.held_out)
    assert all(value == value for value, _ in found.values())


def test_the_baseline_differs_in_the_row_alone(data):
    p = resolve("12_class_layer_vae", SMALL | {"kl_weight": 0.0005})
    beside = styles.row_beside(p, "gaugan-vae")
    assert styles.row_of(beside) == "gaugan-vae"
    assert (beside.steps, beside.ngf, beside.seed) == (p.steps, p.ngf, p.seed)


def test_codes_do_not_depend_on_what_else_is_encoded(data):
    p = resolve("12_class_layer_vae", SMALL)
    run = training.image_training(p, data, "clvae", training.perceptual_for(p))
    encode = training.encoder_of(run)
    images = data.held_out_images / 127.5 - 1
    mean, log_variance = encode(images, data.held_out)
    again, _ = encode(images[3:5], data.held_out[3:5])
    torch.testing.assert_close(again, mean[3:5], atol=1e-5, rtol=1e-4)
    assert mean.shape == log_variance.shape == (len(images), run.generator.noise_dim)


@pytest.mark.parametrize("system", ["sean", "gaugan-vae", "gaugan"])
def test_each_painter_of_faces_is_measured(system, tmp_path):
    p = resolve("12_class_layer_vae", SMALL | {"dataset": "toy-faces", "height": 32, "val_scenes": 6})
    faces = training.scene_set(p)
    run = training.train_images(p, faces, system, tmp_path / "checkpoint.safetensors")
    found = training.evaluate_repainting(p, faces, run, training.segmenter_for(p))
    again = {"ssim", "psnr", "fd_seg_reconstructed", "miou_reconstructed"}
    swap = {"swap_inside", "swap_outside", "swap_moved"}
    assert found.keys() == again | (swap if system != "gaugan" else set())
    assert found["ssim"][1] == 6
    assert all(value == value for value, _ in found.values())
    if system == "sean":
        true = faces.held_out_images / 127.5 - 1
        codes = training.encoder_of(run)(true, faces.held_out)[0]
        made = run.averaged.generate(faces.held_out, z=codes)
        assert found["ssim"][0] == float(metrics.ssim(made, true).mean())
