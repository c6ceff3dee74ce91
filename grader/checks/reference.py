"""The reference networks of the checks: probabilities of saved images, remembered within a process.

Checks that plan with the network's opinion are asked to plan once an exercise; the same images are computed once.
"""

from __future__ import annotations

import functools
import hashlib
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from grader.networks.backbones import Backbone

Pixels = npt.NDArray[np.uint8]
KEPT = 4096  # images whose 1000 probabilities are remembered: 16 MB

_threads: list[int] = []
_known: dict[tuple[str, bytes], npt.NDArray[np.float32]] = {}


def probabilities(images: Pixels, name: str = "efficientnet_lite0") -> npt.NDArray[np.float32]:
    """Return a backbone's probabilities of the 1000 ImageNet classes.

    Args:
        images: uint8 `[n, 224, 224, 3]`.
        name: a backbone, `grader.networks.backbones.NAMES`.

    Returns:
        float32 `[n, 1000]`.
    """
    # By content: the same pixels in another array are the same image.
    keys = [(name, hashlib.sha256(image.tobytes()).digest()) for image in images]
    positions = {key: position for position, key in enumerate(keys) if key not in _known}
    # A copy, so that a call with more images than are kept is answered all the same.
    remembered = dict(_known)
    if positions:
        computed = _network(name).logits(images[list(positions.values())]).softmax(dim=1).numpy()
        remembered.update(zip(positions, computed, strict=True))
        # What would exceed the bound is not kept, and is computed again the next time.
        if len(remembered) <= KEPT:
            _known.update(remembered)
    return np.stack([remembered[key] for key in keys]) if keys else np.empty((0, 1000), np.float32)


def top(probabilities_: npt.NDArray[np.float32], count: int = 5) -> list[list[object]]:
    """Return the most probable classes as [name, probability], the first one first.

    Args:
        probabilities_: float32 `[1000]`.
        count: how many.
    """
    from grader.networks.backbones import imagenet_classes

    names = imagenet_classes()
    best = np.argsort(-probabilities_, kind="stable")[:count]
    return [[names[position], float(probabilities_[position])] for position in best]


def backbone(name: str = "efficientnet_lite0") -> Backbone:
    """Return a network with its published weights, as `lab.backbone` gives it to notebooks."""
    from grader.networks import backbones

    return backbones.backbone(name)


def is_available(name: str) -> bool:
    """Say whether a network's weights are at hand, without fetching any."""
    from grader.networks import backbones

    return backbones.is_available(name)


def load_before_forks(name: str = "efficientnet_lite0") -> None:
    """Load a backbone without starting a thread; forks call `use_all_threads` before they compute."""
    from grader.networks import backbones

    if not _threads:
        # A fork takes no threads along: it would wait for those of a pool that its parent had started.
        _threads.append(backbones.use_threads(1))
    _network(name)


def use_all_threads() -> None:
    """Compute with as many threads as before `load_before_forks`; nothing where that was not called."""
    if _threads:
        from grader.networks import backbones

        backbones.use_threads(_threads[0])


@functools.cache
def _network(name: str) -> Backbone:
    from grader.networks import backbones

    return backbones.backbone(name).freeze()
