"""Backbones: networks with real ImageNet weights, by name, each with its own normalisation.

The caller always gives RGB, uint8 or float in [0, 1], height before width before channels; what the network wants
instead is the backbone's business. Which networks there are stands in `grader.networks.zoo`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from grader.errors import SpecError, SubmissionError
from grader.kernel_env import PLACE
from grader.messages import Message
from grader.networks.feature_store import KnownFeatures
from grader.networks.zoo import NETWORKS, Normalisation

_Way = Literal["pooled", "forward", "maps"]
Images = npt.NDArray[np.uint8] | npt.NDArray[np.floating] | torch.Tensor

SIDE_PX = 224
NAMES = tuple(NETWORKS)


class Backbone(nn.Module):
    """An ImageNet network that takes plain RGB images and gives features, feature maps or class scores.

    What it is fed it computes itself, out of reach where an exercise asks for that; elsewhere `grader.networks.normalising` adds
    `normalise`.

    Features are what the network's own last layer reads, whatever the network: 1280 numbers of an EfficientNet-Lite or a
    MobileNet, 512 of ResNet-18, 2048 of ResNet-50, and of a VGG the 4096 of its second fully connected layer.

    Attributes:
        name: the name it is asked for by.
        network: everything but its last layer: maps normalised pixels to features.
        head: its last layer: maps features to 1000 class scores.
        width: number of features.
        layers: names of the layers that `feature_maps` shows, from early to late.
        size: number of weights, the head's included.
    """

    def __init__(self, name: str, network: nn.Module) -> None:
        super().__init__()
        plan = NETWORKS[name]
        self.name = name
        self.recipe: Normalisation = plan.normalisation
        self.size = sum(weight.numel() for weight in network.parameters())
        self.head = network.get_submodule(plan.head)
        # Without its last layer the network answers features. For "fc" the parent is "": the network itself.
        parent, _, last = plan.head.rpartition(".")
        setattr(network.get_submodule(parent), last, nn.Identity())
        self.network = network
        self.width = int(self.head.in_features)  # type: ignore[arg-type]
        self.layers = tuple(plan.layers)
        self.frozen = False
        # Set by `backbone` in kernels that calibrate; one that grades never has stored features.
        self.known: KnownFeatures | None = None
        # Twice as fast on CPUs: depthwise convolutions like the channels last.
        self.to(memory_format=torch.channels_last)
        self.eval()

    @property
    def normalisation(self) -> str:
        """Say what the network is fed."""
        return f"{self.recipe}, {SIDE_PX} x {SIDE_PX} pixels"

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - torch's own signature
        """Say why `normalise` is missing where it is."""
        # Python asks here only for names that nothing else has, so `NormalisingBackbone` never gets here.
        if name == "normalise":
            raise AttributeError(
                "backbone.normalise is not there in this assignment: an exercise asks for it. Call the function that you write "
                "for that exercise; backbone.features and backbone.logits take photos as they are."
            )
        return super().__getattr__(name)

    def pooled(self, x: torch.Tensor) -> torch.Tensor:
        """Map normalised float32 `[n, 3, 224, 224]` to features `[n, width]`; differentiable."""
        remembered = self.known.of(x, self) if self.known is not None else None
        if remembered is None:
            pooled: torch.Tensor = self.network(x)
            return pooled
        features, missing = remembered
        if missing:
            # Rows without a stored photo; `of` has made sure that nobody asks for gradients.
            features[missing] = self.network(x[missing])
        return features

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map normalised float32 `[n, 3, 224, 224]` to ImageNet logits `[n, 1000]`; differentiable."""
        logits: torch.Tensor = self.head(self.network(x))
        return logits

    def maps(self, x: torch.Tensor, layer: str) -> torch.Tensor:
        """Map normalised float32 `[n, 3, 224, 224]` to what a layer answers, `[n, channels, height, width]`; differentiable.

        Raises:
            SubmissionError: there is no such layer.
        """
        paths = NETWORKS[self.name].layers
        if layer not in paths:
            raise SubmissionError(
                Message(
                    "{network} has layers {layers}; found {found!r}.",
                    network=self.name,
                    layers=", ".join(paths),
                    found=layer,
                )
            )
        seen: list[torch.Tensor] = []

        def keep(_module: nn.Module, _given: object, answer: torch.Tensor) -> None:
            seen.append(answer.clone())  # the next layer may change its input in place

        # The hook goes even after an error: it would run in every later call.
        hook = self.network.get_submodule(paths[layer]).register_forward_hook(keep)
        try:
            self.network(x)
        finally:
            hook.remove()
        return seen[0]

    def features(self, images: Images, batch: int = 32) -> torch.Tensor:
        """Return pooled float32 features `[n, width]` on the CPU, for images as they are.

        Args:
            images: RGB, uint8 in 0..255 or float in [0, 1], `[n, 224, 224, 3]`.
            batch: how many images are computed at once.

        Raises:
            SubmissionError: when shape, type or range are others.
        """
        return self._in_batches("pooled", images, batch)

    def logits(self, images: Images, batch: int = 32) -> torch.Tensor:
        """Return float32 ImageNet logits `[n, 1000]` on the CPU, for images as `features` takes them."""
        return self._in_batches("forward", images, batch)

    def feature_maps(self, images: Images, layer: str, batch: int = 32) -> torch.Tensor:
        """Return what a layer answers, float32 `[n, channels, height, width]` on the CPU.

        Args:
            images: as `features` takes them.
            layer: one of `layers`: early ones have many pixels and few channels, late ones the other way round.
            batch: how many images are computed at once.

        Raises:
            SubmissionError: there is no such layer.
        """
        return self._in_batches("maps", images, batch, layer)

    def multiply_adds(self) -> int:
        """Count the multiplications, each with an addition, that one image costs in convolutions and linear layers."""
        counted: list[int] = []

        def count(module: nn.Module, _given: object, answer: torch.Tensor) -> None:
            # Each weight is used once for each pixel of the output; a linear layer has one.
            weights = module.weight.numel() if isinstance(module.weight, torch.Tensor) else 0
            pixels = answer[0, 0].numel() if answer.ndim == 4 else 1
            counted.append(weights * pixels)

        hooks = [
            module.register_forward_hook(count)
            for module in self.modules()
            if isinstance(module, nn.Conv2d | nn.Linear)
        ]
        training = self.training
        self.eval()
        try:
            with torch.inference_mode():
                self(torch.zeros(1, 3, SIDE_PX, SIDE_PX, device=self.device))
        finally:
            self.train(training)
            for hook in hooks:
                hook.remove()
        return sum(counted)

    def freeze(self) -> Self:
        """Freeze the network for good: no gradients for its weights, and batch statistics stay as they are."""
        self.requires_grad_(False)
        self.frozen = True
        return self.eval()

    def train(self, mode: bool = True) -> Self:
        """Switch to training mode, unless frozen.

        A model around a frozen backbone calls this too, and would silently move the batch statistics.
        """
        return super().train(mode and not self.frozen)

    def _one_batch(self, way: _Way, images: Images, layer: str) -> torch.Tensor:
        """Normalise and compute in one: no call here gives the normalised pixels themselves."""
        x = checked(images).to(self.device)
        # The formula of `normalising.computed`, written once more: an assignment may withhold that module.
        given = 255.0 if x.dtype == torch.uint8 else 1.0
        x = x.to(torch.float32)
        if given != self.recipe.white:
            x = x / given * self.recipe.white
        mean, std = (torch.tensor(row, device=x.device) for row in (self.recipe.mean, self.recipe.std))
        x = ((x - mean) / std).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
        if way == "maps":
            return self.maps(x, layer).cpu()
        return (self.pooled(x) if way == "pooled" else self(x)).cpu()

    def _in_batches(self, way: _Way, images: Images, batch: int, layer: str = "") -> torch.Tensor:
        training = self.training
        self.eval()
        # One part even of no images: it has the shape of the answer.
        chunks = (images[start : start + batch] for start in range(0, max(1, len(images)), batch))
        try:
            with torch.inference_mode():
                rows = [self._one_batch(way, chunk, layer) for chunk in chunks]
        finally:
            self.train(training)
        # Joined outside inference mode, or no head could learn from them: autograd refuses inference tensors.
        return torch.cat(rows)


def backbone(name: str = "efficientnet_lite0", device: str = "cpu") -> Backbone:
    """Return a fresh backbone with its ImageNet weights, in evaluation mode; they are downloaded the first time.

    Args:
        name: one of `NAMES`.
        device: a torch device, for example `cpu` or `cuda`.

    Raises:
        SpecError: when the name is unknown.
        InfrastructureError: when the weights are missing or not the published ones, and cannot be downloaded.
    """
    _known(name)
    network = BACKBONES[name]().to(device)
    # Only calibration lays this folder into a kernel (`grader.networks.remembering` writes it).
    if Path(PLACE, f"{name}-keys.npy").is_file():
        network.known = KnownFeatures(Path(PLACE), network)
    return network


def use_threads(count: int) -> int:
    """Set how many threads torch computes with; returns how many it were.

    A process that forks must load networks with one: threads that were started are missing in the fork, and torch would
    wait for them forever.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    return before


def is_available(name: str) -> bool:
    """Whether a backbone's weights are on this machine and intact; no network is touched.

    Args:
        name: one of `NAMES`.

    Raises:
        SpecError: when the name is unknown.
    """
    _known(name)
    return NETWORKS[name].weights.cached() is not None


def _known(name: str) -> None:
    if name not in NETWORKS:
        raise SpecError(f"backbone: expected one of {', '.join(NAMES)}, found {name!r}.")


@functools.cache
def imagenet_classes() -> tuple[str, ...]:
    """Return the 1000 ImageNet classes as people say them, in the order of the logits."""
    from timm.data import ImageNetInfo

    names = ImageNetInfo()
    # Behind commas stand synonyms, Latin ones among them.
    return tuple(names.index_to_description(index).split(",")[0] for index in range(1000))


def checked(images: Images) -> torch.Tensor:
    """Return images as a tensor; raises SubmissionError when they are no photos as `features` takes them."""
    # require() copies read-only arrays (memory-mapped photos), which torch would warn about.
    pixels = (
        images
        if isinstance(images, torch.Tensor)
        else torch.from_numpy(np.require(images, requirements=("C", "W")))
    )
    shape = tuple(pixels.shape)
    if len(shape) != 4 or shape[1:] != (SIDE_PX, SIDE_PX, 3):
        raise SubmissionError(
            Message(
                "images: expected shape (n, {side}, {side}, 3), found {found}.",
                side=SIDE_PX,
                found=str(shape),
            ),
            Message("Are the channels last, and is there a batch axis?"),
        )
    if pixels.dtype == torch.uint8:
        return pixels
    if not pixels.is_floating_point():
        raise SubmissionError(
            Message("images: expected uint8 or a float type, found {found}.", found=str(pixels.dtype))
        )
    # `aminmax` raises on an empty tensor; no images at all are within the range.
    lowest, highest = (float(v) for v in pixels.detach().aminmax()) if len(pixels) else (0.0, 0.0)
    if not (lowest >= -1e-3 and highest <= 1 + 1e-3):  # written so that NaN fails too
        raise SubmissionError(
            Message(
                "images: expected float values in [0, 1], found {lowest:.3g} to {highest:.3g}.",
                lowest=lowest,
                highest=highest,
            ),
            Message("Give RGB as it is: the backbone normalises by itself."),
        )
    return pixels


def _trained(name: str) -> Backbone:
    return Backbone(name, NETWORKS[name].trained(name))


BACKBONES: dict[str, Callable[[], Backbone]] = {name: functools.partial(_trained, name) for name in NAMES}
