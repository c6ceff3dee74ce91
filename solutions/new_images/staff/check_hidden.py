"""Checks that students do not see: fresh pictures for both networks, and what was measured beforehand. Never released.

`reference.toml` holds the curves that `reference.py` measured; a gain is what the borrowed network has more than the untrained one.
"""

import tomllib
from pathlib import Path

import numpy as np
import pytest

from grader.checks import Material, Question, backbone, draw_kind, load_checks, require, require_level

public = load_checks(Path(__file__).resolve().parents[1] / "check_public.py")

EACH = 3  # fresh pictures of each class of textures and cells
POINTS = np.array([0.05, 0.10, 0.20, 0.40])  # gains that the prediction is about
CLOSE = 0.03  # to a gain of that many points nobody can say what came: such a gain does not count
NEAR = 0.15  # kinds whose gains differ by less may stand in either order


def questions(material: Material) -> dict[str, list[Question]]:
    """Plan what each entry point is asked."""
    sets = [draw_kind(kind, (EACH,) * 3, material.rng) for kind in ("textures", "cells")]
    images = np.concatenate([photos.images for photos in sets])
    expected, curves = borrowed_features(images), measured(material)
    key = {"curves": curves, "gains": curves[:, 1, 1] - curves[:, 0, 1]}
    return {
        "fresh": [
            Question("features", (images, borrowed), {"expected": expected}) for borrowed in (True, False)
        ],
        "told": [Question("own_curves", (), key)],
        "ranked": [Question("ranking", (), key)],
        "bets": [Question("prediction", (), key)],
    }


def measured(material: Material) -> np.ndarray:
    """Return the reference's curves on the data card in use, float64 `[3, 2, 4]`: by kind, network and size."""
    table = tomllib.loads((Path(__file__).parent / "reference.toml").read_text(encoding="utf-8"))
    # Of drawn pets the classes have fewer photos than of real ones; a check file is not told the card's name.
    drawn = material.counts["drawn"] == 2
    pets = table["toy_pets"] if drawn else table["oxford_pets"]
    return np.array([pets, table["textures"], table["cells"]])


def borrowed_features(images: np.ndarray) -> np.ndarray:
    """Return what the network with ImageNet weights sees, float64 `[n, 1280]`."""
    import torch

    network = backbone()
    with torch.inference_mode():
        x = ((torch.tensor(images, dtype=torch.float32) - 127) / 128).permute(0, 3, 1, 2)
        return network.pooled(x.contiguous()).numpy().astype(np.float64)


def likeness(first: np.ndarray, second: np.ndarray) -> float:
    """Return the correlation of two sets of features over pictures, each feature less its mean; 0 where one is constant."""
    first, second = (
        values.astype(np.float64) - values.mean(axis=0, dtype=np.float64) for values in (first, second)
    )
    with np.errstate(all="ignore"):
        scale = float(np.linalg.norm(first)) * float(np.linalg.norm(second))
        value = float((first * second).sum()) / scale if scale > 0 else 0.0
    return value if np.isfinite(value) else 0.0


@pytest.mark.exercise("features", points=10, asks="fresh")
def test_both_networks_on_fresh_pictures(answers):
    """On fresh pictures the borrowed network sees what it should, and the untrained one something else."""
    borrowed, untrained = answers("fresh")
    require(
        likeness(borrowed.value, borrowed.key["expected"]),
        at_least=0.995,
        what="correlation with the features of the network as its makers fed it",
        hint="With borrowed=True: ImageNet weights, (pixel - 127) / 128, channels first, eval mode.",
    )
    require(
        abs(likeness(untrained.value, untrained.key["expected"])),
        at_most=0.6,
        what="correlation of the untrained network's features with the borrowed one's",
        hint="With borrowed=False ask the network whose weights are random.",
    )


@pytest.mark.exercise("own_curves", points=10, asks=("told", *public.KINDS))
def test_what_was_measured_holds_on_other_pictures(answers):
    """The curves of the borrowed network hold on pictures that it never met; those of the untrained one are as the reference measured them."""
    (told,) = answers("told")
    public.require_fractions(told)
    curves = told.value.astype(np.float64)
    met = np.array(
        [
            [np.divide(*public.right(answers, kind, size)) for size in public.SIZES.tolist()]
            for kind in public.KINDS
        ]
    )
    require(
        float(met.mean()),
        at_least=0.5,
        what="mean accuracy of `classify` on new pictures, over kinds and sizes",
        hint="Your curves are compared with what `classify` reaches: mend it first.",
    )
    gaps = np.abs((curves[:, 1] - met).mean(axis=1))
    require(
        float(gaps.mean()),
        at_most=0.16,
        what="mean distance of your curves of the borrowed network from what `classify` reaches on new pictures",
        hint="Measure on pictures that no head was trained on, with the heads' own number of training pictures.",
    )
    require(
        float(abs((curves[:, 0] - told.key["curves"][:, 0]).mean())),
        at_most=0.15,
        what="distance of your curves of the untrained network from the reference",
        hint="Row 0 is the untrained network, row 1 the borrowed one, each measured on test pictures.",
    )


@pytest.mark.exercise("kinds_ranked", points=5, asks="ranked")
def test_the_largest_gain_stands_first(answers):
    """Kinds whose gains with 5 pictures a class clearly differ stand in the order of their gains."""
    (answer,) = answers("ranked")
    public.require_a_place_each(answer)
    order, gains = answer.value.tolist(), answer.key["gains"]
    wrong = sum(
        gains[behind] - gains[before] >= NEAR
        for position, before in enumerate(order)
        for behind in order[position + 1 :]
    )
    require(
        int(wrong),
        at_most=0,
        what="pairs of kinds in the wrong order",
        hint="The gain is the borrowed network's accuracy less the untrained one's, with 5 training pictures of each class; average several draws.",
    )


@pytest.mark.exercise("brier", points=5, asks="bets")
def test_the_brier_score(answers, levels):
    """How near your probabilities came to what was measured."""
    (answer,) = answers("bets")
    public.require_probabilities(answer)
    gains = answer.key["gains"][:, None]
    counted = np.abs(gains - POINTS) >= CLOSE
    brier = float(((answer.value.astype(np.float64) - (gains > POINTS)) ** 2)[counted].mean())
    require_level(
        1 - brier,
        levels=levels["brier"],
        what="1 less the Brier score",
        hint="Bold and wrong costs most; 0.5 throughout means that you know nothing, and earns about half.",
    )
