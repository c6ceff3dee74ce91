"""Checks that students do not see: any layer, units at the edge, ties, odd angles. Never released."""

from pathlib import Path

import numpy as np
import pytest

from grader.checks import Material, Question, different, load_checks, require

public = load_checks(Path(__file__).resolve().parents[1] / "check_public.py")
reference = load_checks(Path(__file__).parent / "reference.py")

WITHIN = ("conv_dw", "conv_pwl", "bn3")  # modules of a block
BLOCKS = ("1.1", "2.1", "3.1", "3.2", "4.1", "5.1")
OVERWRITTEN = (
    "blocks.2.1.bn1.drop",
    "blocks.3.1.bn2.drop",
    "blocks.4.1.bn1.drop",
)  # an activation writes into it
INNER = ("blocks.1.1.conv_dw", "blocks.2.0.conv_dw", "blocks.2.1.conv_pwl", "blocks.3.0.bn2")
EDGE = ("blocks.2.1.conv_dw", "blocks.3.2.bn3", "blocks.4.1", "blocks.5.0.conv_dw")
CUT_OFF = (
    "blocks.3.1.bn1",
    "blocks.4.1.bn1",
    "blocks.4.2.bn2",
)  # ReLU6: many photos reach exactly 6, or exactly 0
LIMITS, APART = (0.0, 6.0), 0.02  # of ReLU6; what other values are to differ by
BOXES, FEWEST_TIES = 4, 3


def questions(material: Material) -> dict[str, list[Question]]:
    """Plan what each entry point is asked."""
    rng = material.rng
    images = public.some(material, public.IMAGES)
    odd = np.stack([images[0], np.zeros_like(images[0]), np.full_like(images[0], 255)])
    layers = [f"blocks.{block}.{rng.choice(WITHIN)}" for block in rng.choice(BLOCKS, 2, replace=False)]
    boxes = reference.shapes((*INNER, *EDGE))
    return {
        "any_layer": [_map_question(images, layers[0]), _map_question(odd[:1], layers[1])],
        "overwritten": [_map_question(odd, str(rng.choice(OVERWRITTEN)))],
        "inner": [_inner(boxes, layer, rng) for layer in INNER],
        "edge": [_edge(boxes, layer, rng) for layer in EDGE],
        "ties": [_ties(material)],
        "angles": [_grating_question(rng)],
    }


def _map_question(images: np.ndarray, layer: str) -> Question:
    return Question("activations", (images, layer), {"expected": reference.answers(images, layer)})


def _inner(boxes: dict, layer: str, rng: np.random.Generator) -> Question:
    (rows, columns), steps = boxes[layer]
    row, column = (
        int(rng.integers(rows // 4, 3 * rows // 4)),
        int(rng.integers(columns // 4, 3 * columns // 4)),
    )
    return Question(
        "receptive_field", (layer, row, column), {"box": np.array(reference.box(steps, row, column))}
    )


def _edge(boxes: dict, layer: str, rng: np.random.Generator) -> Question:
    (rows, columns), steps = boxes[layer]
    row, column = int(rng.choice([0, rows - 1])), int(rng.integers(columns))
    return Question(
        "receptive_field", (layer, row, column), {"box": np.array(reference.box(steps, row, column))}
    )


def _ties(material: Material) -> Question:
    """Ask about a channel that is cut off at its limits for several photos, and tells the others clearly apart."""
    images = public.some(material, material.counts["photos"])
    layer = str(material.rng.choice(CUT_OFF))
    maxima = reference.answers(images, layer).max(axis=(2, 3))
    ordered = np.sort(maxima, axis=0)
    steps = np.diff(ordered, axis=0)
    exact = (steps == 0) & np.isin(ordered[1:], LIMITS)
    ties = exact.sum(axis=0)
    # The smallest step that is no exact tie: rounding must exchange no two photos.
    least = np.where(
        (ties >= FEWEST_TIES) & (ties < len(steps)), np.where(exact, np.inf, steps).min(axis=0), 0
    )
    candidates = np.flatnonzero(least >= min(APART, least.max()))
    channel = int(material.rng.choice(candidates))
    key = {"expected": np.argsort(-maxima[:, channel], kind="stable")}
    return Question("strongest", (images, layer, channel, len(images)), key)


def _grating_question(rng: np.random.Generator) -> Question:
    """Ask for angles that are no whole numbers, below 0 and above 180, and a layer before its activation."""
    angles = np.concatenate([rng.uniform(-90, 0, 2), rng.uniform(180, 360, 2), rng.uniform(0, 180, 3)])
    layer = str(rng.choice(["conv_stem", "blocks.1.0.bn3", "blocks.1.1.conv_pwl"]))
    means = reference.answers(np.stack([public.grating(angle) for angle in angles]), layer).mean(axis=(2, 3))
    channel = int(rng.choice(np.argsort(-means.std(axis=0))[:8]))
    return Question(
        "grating_answers", (layer, channel, angles), {"expected": means[:, channel].astype(np.float64)}
    )


@pytest.mark.exercise("activations", points=10, asks="any_layer")
def test_any_layer_answers(answers):
    """Layers within a block answer too, to one image and to several."""
    public.require_maps(
        answers("any_layer"),
        "Find the module by its path (`get_submodule`), so that every layer can be asked, not only the stages.",
    )


@pytest.mark.exercise("activations", points=5, asks="overwritten")
def test_what_a_later_module_overwrites(answers):
    """The answer is what the layer said, though the next module writes into the same memory."""
    public.require_maps(
        answers("overwritten"),
        "An activation that works in place changes the tensor that you keep: keep a copy (`clone`), as the example does.",
    )


@pytest.mark.exercise("fields", points=8, asks="inner")
def test_boxes_within_the_picture(answers):
    """The boxes of units in the middle, in layers that the notebook does not name."""
    require(
        sum(different(answer.value, answer.key["box"]) > 0 for answer in answers("inner")),
        at_most=0,
        what="wrong boxes",
        hint="Padding is not the same on both sides where a stride of 2 meets an even number of pixels; and a unit"
        " whose gradient is 0 for one picture may be changed in another.",
    )


@pytest.mark.exercise("fields", points=6, asks="edge")
def test_boxes_at_the_edge(answers):
    """The boxes of units at the edge end where the picture ends."""
    require(
        sum(different(answer.value, answer.key["box"]) > 0 for answer in answers("edge")),
        at_most=0,
        what="wrong boxes",
        hint="What lies outside of the picture is padding, and cannot change: cut the box to rows and columns 0 to 223.",
    )


@pytest.mark.exercise("strongest", points=7, asks="ties")
def test_ties_keep_their_order(answers):
    """Photos that tie exactly come in the order in which they were given."""
    (answer,) = answers("ties")
    require(
        different(answer.value, answer.key["expected"]),
        at_most=0,
        what="photos at another place",
        hint="ReLU6 cuts values off at 0 and 6, so that photos tie. Sort so that the smaller position comes first: a"
        " stable sort of the negated values does.",
    )


@pytest.mark.exercise("gratings", points=8, asks="angles")
def test_gratings_of_any_angle(answers):
    """The angle may be any number, and the layer any layer."""
    (answer,) = answers("angles")
    require(
        public.apart(answer.value, answer.key["expected"]),
        at_most=public.NEAR,
        what="largest error, as a share of what the answers spread",
        hint="Give the angle to `grating` as it is, and keep negative answers: not every layer ends with an activation.",
    )
