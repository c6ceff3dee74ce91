"""Backbones: the published weights, plain RGB in, features a head can learn from out."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch

from grader.datasets import photos
from grader.errors import SpecError, SubmissionError
from grader.networks import backbones
from grader.networks.normalising import NormalisingBackbone, with_normalise
from grader.networks.weights import Published
from grader.networks.zoo import NETWORKS

TORCHVISION = [name for name, plan in NETWORKS.items() if isinstance(plan.weights, Published)]
# channels and side of the maps of a photo of 224 x 224
MAPS = {
    "efficientnet_lite0": "32x112 16x112 24x56 40x28 80x14 112x14 192x7 320x7 1280x7",
    "efficientnet_lite1": "32x112 16x112 24x56 40x28 80x14 112x14 192x7 320x7 1280x7",
    "vgg16": "64x224 128x112 256x56 512x28 512x14",
    "vgg19": "64x224 128x112 256x56 512x28 512x14",
    "resnet18": "64x112 64x56 128x28 256x14 512x7",
    "resnet50": "64x112 256x56 512x28 1024x14 2048x7",
    "mobilenet_v2": "32x112 16x112 24x56 32x28 64x14 96x14 160x7 320x7 1280x7",
    "mobilenet_v3_large": "16x112 16x112 24x56 40x28 80x14 112x14 160x7 960x7",
}


@pytest.fixture(scope="module")
def lite0() -> NormalisingBackbone:
    return with_normalise(backbones.backbone("efficientnet_lite0"))


@pytest.fixture(scope="module")
def lite1() -> backbones.Backbone:
    return backbones.backbone("efficientnet_lite1")


@functools.cache
def shapes_of(name: str) -> backbones.Backbone:
    """A backbone without memory for its weights: it knows shapes, and computes nothing else."""
    return backbones.Backbone(name, NETWORKS[name].bare())


def noise(count: int = 2) -> photos.Images:
    return np.random.default_rng(0).integers(0, 256, (count, 224, 224, 3), dtype=np.uint8)


# The makers' own code pads for one size only: Lite0 for 224 pixels, Lite1 for 240.
@pytest.mark.parametrize(("name", "side"), [("efficientnet_lite0", 224), ("efficientnet_lite1", 240)])
def test_the_logits_are_those_of_the_weights_own_package(
    name: str, side: int, lite0: NormalisingBackbone, lite1: backbones.Backbone
) -> None:
    package = pytest.importorskip("efficientnet_lite_pytorch", reason="needs the dev extra")
    path = NETWORKS[name].weights.cached()
    original = package.EfficientNet.from_pretrained(name.replace("_", "-"), weights_path=str(path)).eval()
    x = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1

    with torch.inference_mode():
        logits = {found.name: found for found in (lite0, lite1)}[name](x)
        torch.testing.assert_close(logits, original(x), atol=1e-4, rtol=0)


def test_both_bundled_networks_see_a_cat_in_the_photo_of_a_cat(
    lite0: NormalisingBackbone, lite1: backbones.Backbone
) -> None:
    for network in (lite0, lite1):
        logits = network.logits(photos.cat_photo()[None])[0]

        assert float(logits.softmax(0)[281:286].sum()) > 0.8
        assert {"tabby", "Egyptian cat", "tiger cat"} == {
            backbones.imagenet_classes()[index] for index in logits.topk(3).indices.tolist()
        }


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvisions_networks_see_a_cat_where_their_weights_are(name: str) -> None:
    if not backbones.is_available(name):
        pytest.skip(f"the weights of {name} are not on this machine")

    logits = backbones.backbone(name).logits(photos.cat_photo()[None])[0]

    assert int(logits.argmax()) in range(281, 286)


def test_sizes_and_costs_of_the_bundled_ones_are_those_of_their_weights(
    lite0: NormalisingBackbone, lite1: backbones.Backbone
) -> None:
    assert (lite0.size, lite1.size) == (4_652_008, 5_416_680)
    assert 0.38e9 < lite0.multiply_adds() < 0.39e9
    assert lite0.multiply_adds() < lite1.multiply_adds()


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_go_from_many_pixels_to_many_channels(name: str) -> None:
    x = torch.zeros(2, 3, 224, 224, device="meta")

    found = [tuple(shapes_of(name).maps(x, layer).shape) for layer in shapes_of(name).layers]

    expected = [tuple(map(int, size.split("x"))) for size in MAPS[name].split()]
    assert found == [(2, channels, side, side) for channels, side in expected]


@pytest.mark.parametrize("name", NETWORKS)
def test_features_are_what_the_last_layer_reads(name: str) -> None:
    x, found = torch.zeros(2, 3, 224, 224, device="meta"), shapes_of(name)

    assert found.pooled(x).shape == (2, found.width)
    assert found.head(found.pooled(x)).shape == found(x).shape == (2, 1000)
    assert 64 <= found.width <= 4096


def test_feature_maps_are_those_of_the_photos_asked_about(lite0: NormalisingBackbone) -> None:
    images = np.concatenate([noise(2), photos.cat_photo()[None]])

    early = lite0.feature_maps(images, "stem", batch=2)
    late = lite0.feature_maps(images, "last")

    torch.testing.assert_close(early[2:], lite0.feature_maps(images[2:], "stem"), atol=1e-4, rtol=1e-4)
    assert early.shape == (3, 32, 112, 112)
    assert early.min() == 0, "after the activation"
    torch.testing.assert_close(late.mean((2, 3)), lite0.features(images), atol=1e-4, rtol=1e-4)
    assert not any(module._forward_hooks for module in lite0.modules())


def test_a_later_layer_does_not_change_the_maps_of_an_earlier_one() -> None:
    network = NETWORKS["resnet18"].bare().to_empty(device="cpu")
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear | torch.nn.BatchNorm2d):
            module.reset_parameters()
    found = backbones.Backbone("resnet18", network)
    x = torch.rand(1, 3, 224, 224)

    with torch.inference_mode():
        stem = found.maps(x, "stem")
        torch.testing.assert_close(stem, network.bn1(network.conv1(x)).relu())  # type: ignore[operator]
        torch.testing.assert_close(found.maps(x, "stage1"), network.layer1(network.maxpool(stem)))  # type: ignore[operator]


def test_an_unknown_layer_is_named_with_the_known_ones(lite0: NormalisingBackbone) -> None:
    with pytest.raises(SubmissionError, match="efficientnet_lite0 has layers stem, stage1, .*found 'conv9'"):
        lite0.feature_maps(noise(1), "conv9")


def test_it_says_how_it_normalises(lite0: NormalisingBackbone, lite1: backbones.Backbone) -> None:
    assert "(255 x - 127) / 128" in lite0.normalisation
    assert lite1.normalisation == lite0.normalisation


def test_features_do_not_depend_on_the_batch_size(lite0: NormalisingBackbone) -> None:
    images = noise(3)

    torch.testing.assert_close(lite0.features(images, batch=1), lite0.features(images), atol=1e-3, rtol=1e-3)


def test_a_head_can_learn_from_features(lite0: NormalisingBackbone) -> None:
    head = torch.nn.Linear(lite0.width, 35)

    head(lite0.features(noise())).sum().backward()

    assert head.weight.grad is not None


def test_no_images_have_no_features(lite0: NormalisingBackbone) -> None:
    assert lite0.features(np.empty((0, 224, 224, 3), np.uint8)).shape == (0, 1280)


def test_weights_can_learn_until_they_are_frozen() -> None:
    found = backbones.backbone("efficientnet_lite1")
    learnable = [weight.requires_grad for weight in found.parameters()]

    assert all(learnable)
    assert not any(weight.requires_grad for weight in found.freeze().parameters())


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
    lite0: NormalisingBackbone, images: photos.Images, message: str
) -> None:
    with pytest.raises(SubmissionError, match=message):
        lite0.normalise(images)


def test_an_unknown_backbone_is_named_with_the_known_ones() -> None:
    with pytest.raises(SpecError, match=r"expected one of .*efficientnet_lite0.*, found 'vgg99'"):
        backbones.backbone("vgg99")


def test_there_are_a_thousand_classes() -> None:
    assert len(backbones.imagenet_classes()) == 1000
    assert backbones.imagenet_classes()[281] == "tabby"
