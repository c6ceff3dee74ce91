"""Checks that students do not see: corner cases, the key of the quiz, and two pictures. Never released."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from grader.checks import (
    Material,
    Question,
    batched,
    disagreement,
    gather,
    largest_gap,
    load_checks,
    require,
    require_count,
    require_parts,
    show,
    varied,
)

public = load_checks(Path(__file__).resolve().parents[1] / "check_public.py")

CROWD = 65  # one more than two batches of 32
ODD, SHOWN = 4, 6  # pictures without a pet; public photos whose answers the feedback shows
LAYERS = ("stem", "stage2", "stage4", "last")
MAPS = 8
KEY = np.array([2, 4, 3, 1, 2, 3])


def questions(material: Material) -> dict[str, list[Question]]:
    """Plan what each entry point is asked."""
    rng, dogs = material.rng, ~(np.array(material.groups) == "cat")[material.labels]
    dim = material.images[:1] // 8
    dark, bright, noise = (
        np.zeros_like(dim),
        np.full_like(dim, 255),
        rng.integers(0, 256, dim.shape, np.uint8),
    )
    odd = np.concatenate([dark, bright, dim, noise])
    shown = material.shown[np.linspace(0, len(material.shown) - 1, SHOWN).astype(int)]
    rows = public.alike(dogs, CROWD - len(odd) - len(shown), rng)
    crowd = np.concatenate([odd, shown, varied(material.images[rows], rng)])
    again = np.arange(CROWD - len(crowd)) % len(crowd)  # an odd number: at least one of them
    crowd = np.concatenate([crowd, crowd[again]])  # the same pixels, so that the answers must agree
    key = {"dogs": dogs[rows], "again": again}
    return {
        "odd_features": [Question("features", (odd,)), Question("features", (odd[3:],))],
        "dusk": public.feature_questions(replace(material, images=varied(material.images, rng) // 2)),
        "album": [Question("is_dog", (shown,), {"shown": shown, **_maps(shown[0])}, shown=True)],
        "crowd": [
            Question("is_dog", (crowd,), key),
            Question("is_dog", (crowd[:1],)),
            Question("is_dog", (crowd[ODD - 1 : ODD],)),
        ],
        "flat": [_flat_question(rng)],
        "one_photo": [_one_photo_question(rng)],
        "answers": [Question("quiz", ())],
        "visitors": _visitors(material),
    }


def _visitors(material: Material) -> list[Question]:
    """Ask about photos of the second holdout, where the card has one."""
    dogs = ~(np.array(material.groups) == "cat")[material.second_labels]
    rows = public.alike(dogs, material.counts["is_dog"], material.rng)
    asked = batched("is_dog", material.second_images[rows], material.rng, mirrored=False, again=0)
    return [Question(one.entry_point, one.arguments, {**one.key, "dogs": dogs[rows]}) for one in asked]


def _flat_question(rng: np.random.Generator) -> Question:
    images = np.zeros((1, 3, 9, 3), np.uint8)
    images[:, 1], images[:, 2] = 255, rng.integers(0, 256, 3)
    mean, deviation = rng.uniform(0.2, 0.8, 3), rng.uniform(0.1, 0.9, 3)
    expected = ((images / 255 - mean) / deviation).transpose(0, 3, 1, 2)
    return Question("normalise", (images, mean, deviation), {"expected": expected})


def _one_photo_question(rng: np.random.Generator) -> Question:
    x = rng.normal(2.0, 5.0, (1, 3, 7, 4))
    x[:, 1] = 4.0  # a channel that says the same everywhere
    centred = x - x.mean(axis=(0, 2, 3), keepdims=True)
    expected = centred / np.sqrt(x.var(axis=(0, 2, 3), keepdims=True) + 1e-5)
    return Question("batch_norm", (x, rng.normal(size=3), rng.uniform(1, 2, 3), True), {"expected": expected})


def _maps(photo: np.ndarray) -> dict[str, np.ndarray]:
    """Compute the strongest feature maps of some layers, as grey images: once for a class, not for each student."""
    from PIL import Image

    from grader.checks import SIDE_PX, backbone

    network, found = backbone("efficientnet_lite0"), {}
    photo = np.asarray(Image.fromarray(photo).resize((SIDE_PX, SIDE_PX)))
    for layer in LAYERS:
        maps = network.feature_maps(photo[None], layer)[0].numpy()
        strongest = maps[np.argsort(-maps.std(axis=(1, 2)))[:MAPS]]
        lowest, highest = (edge(strongest, axis=(1, 2), keepdims=True) for edge in (np.min, np.max))
        found[f"layer_{layer}"] = (255 * (strongest - lowest) / (highest - lowest)).round().astype(np.uint8)
    return found


@pytest.mark.exercise("normalise", points=3, asks="flat")
def test_black_white_and_odd_sizes(answers):
    """It works for black, for white and for pictures that are not square."""
    (answer,) = answers("flat")
    require(
        largest_gap(answer.value, answer.key["expected"]),
        at_most=1e-3,
        what="largest error",
        hint="Use the mean and the deviation that are given, for pictures of any height and width.",
    )


@pytest.mark.exercise("features", asks="odd_features")
def test_features_of_odd_pictures(answers):
    """Black, white, dim and noisy pictures have features too, alone and in company."""
    together, alone = answers("odd_features")
    require(
        int(alone.value.shape[1] != together.value.shape[1]),
        at_most=0,
        what="answers with another number of features",
        hint="The number of features must not depend on how many photos are asked about.",
    )
    require(
        disagreement(
            together.value.astype(np.float64),
            alone.value.astype(np.float64),
            np.array([len(together.value) - 1]),
        ),
        at_most=1e-3,
        what="difference between a picture alone and in company, as a share of what features differ by",
        hint="Scale each photo by fixed numbers, not by its batch's mean and spread, and keep the backbone in eval mode.",
    )


@pytest.mark.exercise("features", points=5, asks="dusk", after="features_of_odd_pictures")
def test_features_at_dusk(answers, levels):
    """Photos at half their brightness are read, too."""
    found = answers("dusk")
    require(
        len({answer.value.shape[1] for answer in found}),
        at_most=1,
        what="different numbers of features",
        hint="The number of features must not depend on how many photos are asked about.",
    )
    public.require_read(
        found, levels, "Features of a trained backbone change little when the light does.", level="dusk"
    )


@pytest.mark.exercise("is_dog", points=5, asks=("album", "crowd"))
def test_a_crowd_and_one_alone(answers, levels):
    """65 pictures get 65 probabilities, whatever they show, and the photos among them are told apart."""
    (album,) = answers("album")
    _show_pictures(album)
    crowd, *alone = answers("crowd")
    outside = int(((crowd.value < 0) | (crowd.value > 1)).sum())
    require(
        outside,
        at_most=0,
        what="answers below 0 or above 1",
        hint="The sigmoid turns the head's number into a probability.",
    )
    first, noise = (float(answer.value[0]) for answer in alone)
    again = crowd.key["again"]
    gaps = [
        crowd.value[0] - first,
        crowd.value[ODD - 1] - noise,
        *(crowd.value[-len(again) :] - crowd.value[again]),
    ]
    # Of photos alone: answers to odd pictures could be moved apart on purpose, to make room for differences.
    photos = crowd.value[ODD + SHOWN :][: len(crowd.key["dogs"])]
    spread = float(np.abs(photos - np.median(photos)).mean())
    require(
        float(np.abs(gaps).max()) / max(spread, 1e-12),
        at_most=1e-3,
        what="difference between answers about one picture, alone or among 65, as a share of what answers differ by",
        hint="Work in batches of 32, keep the rest as well, and let nothing mix the photos.",
    )
    dogs = crowd.key["dogs"].astype(bool)
    said, counted = crowd.value[ODD + SHOWN :][: len(dogs)] >= 0.5, public.even(dogs)
    said, dogs = said[counted], dogs[counted]
    require_count(
        int((said == dogs).sum()),
        of=len(dogs),
        levels=levels["crowd"],
        what="cat/dog accuracy among 65 pictures",
        hint="Keep the order of the photos, and return one probability for each of more than 32.",
    )


def _show_pictures(album):
    shown = album.key["shown"]
    values = album.value
    rows = []
    for name, chosen in (("a cat", values < 0.5), ("a dog", values >= 0.5)):
        said = ", ".join(f"{value:.2f}" for value in values[chosen])
        if chosen.any():
            rows.append({"caption": f"you say {name}: is_dog = {said}", "images": list(shown[chosen])})
    show("photo_grid", "What you say to public photos", rows=rows)
    layers = [
        {
            "name": f"{layer} of efficientnet_lite0",
            "maps": [one.tolist() for one in album.key[f"layer_{layer}"]],
        }
        for layer in LAYERS
    ]
    show(
        "feature_maps",
        "What the layers of the borrowed network answer to one photo",
        photo=shown[0],
        layers=layers,
    )


@pytest.mark.exercise("is_dog", asks="visitors", unreported=True)
def test_visitors(answers, levels):
    """Cats and dogs of the second holdout: no points, in no report."""
    values, dogs = gather(answers("visitors")).plain, answers("visitors")[0].key["dogs"].astype(bool)
    said = np.where(np.isnan(values), ~dogs, values >= 0.5)
    require_count(
        int((said == dogs).sum()),
        of=len(dogs),
        levels=levels["is_dog"],
        what="cat/dog accuracy",
        hint="For staff: compare with the holdout.",
    )


@pytest.mark.exercise("batch_norm", points=2, asks="one_photo")
def test_a_batch_of_one_photo(answers):
    """A batch of one photo works, and a channel that is the same everywhere becomes 0."""
    (answer,) = answers("one_photo")
    require(
        largest_gap(answer.value, answer.key["expected"]),
        at_most=1e-3,
        what="largest error",
        hint="Add 1e-5 to the variance before the root, so that nothing is divided by zero; take the variance with division by n (np.var does).",
    )


@pytest.mark.exercise("quiz", points=12, asks="answers")
def test_the_answers_are_right(answers):
    """The answers to the six questions; which of them are right is not told."""
    (answer,) = answers("answers")
    require_parts(
        int((answer.value == KEY).sum()),
        of=len(KEY),
        what="right answers",
        hint="Every question has its place in the notebook: where transfer begins, the four normalisations, small batches, dropout, the two halves of freezing, and the axes of your `batch_norm`.",
    )
