"""What a weak classifier wins by looking at all hidden photos together, before and after questions come one at a time.

    [PAWGRADE_DATA=...] .venv/bin/python -m benchmarks.transduction [--card toy_pets] [--secrets 5]

The classifier has one training photo a class. Alone it takes the nearest class of each photo. With all photos in view, and as many
of each class, it deals the classes out so that the numbers fit (the best assignment). One batch at a time, and with
numbers that are drawn, it can do so only with what it has seen so far, and must guess that the classes are equally
many. Printed are top-1 accuracy and points of 50 (top-1 30, top-3 not counted: the rest as top-1).
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from grader import settings
from grader.assignment import spec
from grader.checks import scoring
from grader.datasets import holdout, views
from grader.datasets.views import find_data
from grader.grading.asked_photos import divide
from grader.networks import backbones

ROOT = Path(__file__).resolve().parent.parent
BATCH = 20
Floats = npt.NDArray[np.floating]


def dealt(scores: Floats, rows: int) -> npt.NDArray[np.int64]:
    """Return the best assignment in which no class has more photos than its even share of `rows`, rounded up."""
    share = -(-rows // scores.shape[1])
    _, columns = linear_sum_assignment(-np.repeat(scores, share, axis=1))
    return np.asarray(columns // share, np.int64)


def online(scores: Floats) -> npt.NDArray[np.int64]:
    """Deal out what was seen so far, and answer the newest batch."""
    found = np.zeros(len(scores), np.int64)
    for start in range(0, len(scores), BATCH):
        stop = min(start + BATCH, len(scores))
        found[start:stop] = dealt(scores[:stop], stop)[start:]
    return found


def main() -> None:
    """Print a row a way."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--card", default="toy_pets")
    parser.add_argument("--secrets", type=int, default=5)
    chosen = parser.parse_args()
    source = ROOT / "solutions" / "oxford_pets"
    found = settings.load(None, os.environ)
    levels = spec.load_public(source).on(chosen.card).levels["breeds"]
    _, _, _, view = find_data(chosen.card, "breeds35", found)
    train, network = views.read_view(view).photos("train"), backbones.backbone("efficientnet_lite0")
    first = [int(np.flatnonzero(train.labels == one)[0]) for one in range(35)]
    known = _features(network, np.asarray(train.images[first]))
    rows: dict[str, list[float]] = {}
    for secret in range(chosen.secrets):
        for name, least in (("equal", 1.0), ("drawn", holdout.LEAST_SHARE)):
            holdout.LEAST_SHARE = least
            photos = holdout.holdout(divide(source, chosen.card, found), str(secret).encode(), "benchmark")
            scores = _features(network, np.asarray(photos.images)) @ known.T
            ways = {"one by one": scores.argmax(axis=1), "online": online(scores)}
            ways["all at once"] = dealt(scores, len(scores))
            for way, said in ways.items():
                rows.setdefault(f"{name} numbers, {way}", []).append(float((said == photos.labels).mean()))
    for name, values in rows.items():
        top1 = float(np.mean(values))
        points = 30 * scoring.credit(round(top1 * 1000), 1000, zero_at=levels.zero_at, full_at=levels.full_at)
        print(f"{name:28} top-1 {top1:.3f} ({min(values):.3f} to {max(values):.3f})   {points:.1f} of 30")


def _features(network: backbones.Backbone, images: npt.NDArray[np.uint8]) -> Floats:
    """Return unit vectors, a photo's and its mirror's added up."""
    both = [network.features(np.ascontiguousarray(view)).numpy() for view in (images, images[:, :, ::-1])]
    total = np.asarray(both[0] + both[1], np.float64)
    total -= total.mean(axis=0)
    return np.asarray(total / np.linalg.norm(total, axis=1, keepdims=True))


if __name__ == "__main__":
    main()
