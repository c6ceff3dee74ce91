"""Features of photos that were computed before: the same values, read instead of computed again.

Only calibration uses them: it runs honest notebooks hundreds of times over the same photos, and nearly all of that time
is the frozen backbone's. A kernel that grades students never has the folder.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor, nn

    from grader.networks.zoo import Normalisation

WHOLE = 1e-2  # of a grey level: how far pixels may be from whole numbers and still be a photo's
Pixels = npt.NDArray[np.uint8]


class Frozen(Protocol):
    """The part of a `grader.networks.backbones.Backbone` on which stored features depend."""

    name: str
    recipe: Normalisation
    network: nn.Module


class KnownFeatures:
    """The stored features of one backbone, as `remembering.remember` wrote them.

    Args:
        folder: where it lies.
        backbone: whose features they are; it must not have been changed.
    """

    def __init__(self, folder: Path, backbone: Frozen) -> None:
        keys = np.load(folder / f"{backbone.name}-keys.npy", allow_pickle=False)
        self.rows = {int(key): row for row, key in enumerate(keys)}
        self.values = np.load(folder / f"{backbone.name}-values.npy", mmap_mode="r", allow_pickle=False)
        self.state = _state(backbone)

    def __deepcopy__(self, memo: dict[int, Any]) -> None:
        """Return None: a copied network is made to be changed, and computes for itself."""

    def of(self, x: Tensor, backbone: Frozen) -> tuple[Tensor, list[int]] | None:
        """Return known features `[n, width]` of normalised photos, and the rows that are not known.

        None when all must be computed: the network was changed, learns, or gradients are wanted.
        """
        import torch

        learns = torch.is_grad_enabled() and (
            x.requires_grad or any(weight.requires_grad for weight in backbone.network.parameters())
        )
        training = any(module.training for module in backbone.network.modules())
        if learns or training or x.device.type != "cpu" or _state(backbone) != self.state:
            return None
        pixels = _pixels(x, backbone)
        if pixels is None:
            return None
        # -1 stands for a photo that is not stored.
        stored_rows = [self.rows.get(key_of(photo), -1) for photo in pixels]
        # Row 0 stands in for those; the caller computes them and writes over it (`Backbone.pooled`).
        features = torch.from_numpy(np.array(self.values[np.maximum(stored_rows, 0)]))
        return features, [row for row, stored_row in enumerate(stored_rows) if stored_row < 0]


def _state(backbone: Frozen) -> int:
    """Count the changes that were made in place to a network's parameters and buffers."""
    # autograd raises `_version` with each change in place, an optimiser's step included.
    return sum(tensor._version for tensor in (*backbone.network.parameters(), *backbone.network.buffers()))


def _pixels(x: Tensor, backbone: Frozen) -> Pixels | None:
    """Return the photos that were normalised, uint8 `[n, h, w, 3]`; None when they are no photos."""
    import torch

    recipe = backbone.recipe
    # The normalisation undone: what then is no whole grey level was never a photo's pixel.
    grey = x.detach().permute(0, 2, 3, 1) * torch.tensor(recipe.std) + torch.tensor(recipe.mean)
    grey = grey * (255.0 / recipe.white)
    whole = grey.round()
    if not bool(((grey - whole).abs().amax() <= WHOLE) & (whole.amin() >= 0) & (whole.amax() <= 255)):
        return None
    return np.ascontiguousarray(whole.to(torch.uint8).numpy())


def key_of(image: Pixels) -> int:
    """Return the number by which a photo is known."""
    # Seven bytes: the key must fit into the int64 of the stored array.
    return int.from_bytes(hashlib.blake2b(image.tobytes(), digest_size=7).digest(), "little")
