"""Measure the curves that `check_hidden.py` compares with, and print them for `reference.toml`.

    python solutions/new_images/staff/reference.py PHOTOS_OF_OXFORD_PETS

Public training pictures, 20 draws of the heads' training sets, 60 new pictures of each class; a ridge head on scaled features.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from grader import settings
from grader.checks import backbone
from grader.datasets import cards, kinds, sources, views
from grader.datasets.photos import Photos

SIZES, DRAWS, NEW = (2, 5, 10, 20), 20, 60


def untrained_network():
    network = backbone()
    torch.manual_seed(0)
    for module in network.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    return network


def features(network, images: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        x = ((torch.tensor(images, dtype=torch.float32) - 127) / 128).permute(0, 3, 1, 2)
        return np.concatenate([network.pooled(rows.contiguous()).numpy() for rows in x.split(32)]).astype(
            np.float64
        )


def named(train: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> np.ndarray:
    centre, spread = train.mean(axis=0), train.std(axis=0)
    spread = np.where(spread > 1e-6 * spread.max(), spread, np.inf)
    x, asked = (train - centre) / spread, (asked - centre) / spread
    products = x @ x.T
    ridge = 0.1 * np.trace(products) / len(x) * np.eye(len(x))
    return (asked @ (x.T @ np.linalg.solve(products + ridge, np.eye(labels.max() + 1)[labels]))).argmax(
        axis=1
    )


def curves(train: Photos, new: Photos) -> list[list[float]]:
    rows = []
    for network in (untrained_network(), backbone()):
        seen, asked = features(network, train.images), features(network, new.images)
        accuracies = np.zeros((DRAWS, len(SIZES)))
        for draw in range(DRAWS):
            rng = np.random.default_rng(draw)
            order = [
                rng.permutation(np.flatnonzero(train.labels == label))
                for label in range(train.labels.max() + 1)
            ]
            for column, size in enumerate(SIZES):
                some = np.concatenate([rows_[:size] for rows_ in order])
                accuracies[draw, column] = (named(seen[some], train.labels[some], asked) == new.labels).mean()
        rows.append(accuracies.mean(axis=0).round(3).tolist())
    return rows


def pets(card_id: str, folder: Path | None) -> tuple[Photos, Photos]:
    card = cards.load_card(card_id, None)
    folder = sources.find(card, folder, settings.load(None, os.environ).cache)
    with tempfile.TemporaryDirectory() as scratch:
        view = views.read_view(views.public_view(card, folder, card.default_space, Path(scratch) / "view"))
        sets = [view.photos(split) for split in ("train", "validation")]
        both = [
            kinds.of_groups(photos.images, photos.labels, view.groups, count, kinds.public_rng("pets", split))
            for photos, split, count in zip(sets, ("train", "test"), (20, NEW), strict=True)
        ]
    return both[0], both[1]


def main() -> None:
    for kind in kinds.DRAWN:
        train = kinds.draw_kind(kind, (20,) * 3, kinds.public_rng(kind, "train"), "train")
        print(
            f"{kind} = {curves(train, kinds.draw_kind(kind, (NEW,) * 3, np.random.default_rng(99)))}",
            flush=True,
        )
    print(f"toy_pets = {curves(*pets('toy_pets', None))}", flush=True)
    print(f"oxford_pets = {curves(*pets('oxford_pets', Path(sys.argv[1])))}", flush=True)


if __name__ == "__main__":
    main()
