"""Compute features of photos once and store them for kernels that calibrate; `feature_store` reads them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from grader import files
from grader.networks.feature_store import key_of

Pixels = npt.NDArray[np.uint8]


def remember(folder: Path, images: Iterable[Pixels], name: str = "efficientnet_lite0") -> int:
    """Compute and store the features of photos that are not stored yet.

    Args:
        folder: where they are kept.
        images: stacks of photos, uint8 `[n, 224, 224, 3]`.
        name: a backbone, `grader.networks.backbones.NAMES`.

    Returns:
        How many were computed.
    """
    from grader.networks import backbones

    folder.mkdir(parents=True, exist_ok=True)
    keys_path, values_path = folder / f"{name}-keys.npy", folder / f"{name}-values.npy"
    keys = np.load(keys_path) if keys_path.is_file() else np.empty(0, np.int64)
    stored_keys, new_photos = set(keys.tolist()), dict[int, Pixels]()
    for stack in images:
        for image in stack:
            key = key_of(np.asarray(image))
            if key not in stored_keys and key not in new_photos:
                # A copy: a view would keep its whole stack in memory.
                new_photos[key] = np.array(image)
    if not new_photos:
        return 0
    network = backbones.backbone(name).freeze()
    values = network.features(np.stack(list(new_photos.values()))).numpy()
    # A .npy file cannot be extended: both are written anew.
    old = np.load(values_path) if values_path.is_file() else np.empty((0, values.shape[1]), np.float32)
    # Values first: a reader in between finds rows without keys, never keys without rows.
    for path, array in (
        (values_path, np.concatenate([old, values])),
        (keys_path, np.concatenate([keys, np.array(list(new_photos), np.int64)])),
    ):
        with files.replacing(path) as draft:
            np.save(draft, array, allow_pickle=False)
    return len(new_photos)
