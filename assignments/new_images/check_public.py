"""The checks of the challenge. They are no secret: only the pictures and numbers they are run on are.

In the notebook and in `pawgrade check` they ask about public pictures and pictures drawn from a public seed; when a submission is
graded, about others. `questions` says what is asked, each check what is demanded of the answers.
"""

import numpy as np
import pytest

from grader.checks import (
    Material,
    Question,
    batched,
    disagreement,
    draw_kind,
    largest_gap,
    of_groups,
    require,
    require_count,
)

KINDS = ("pets", "textures", "cells")
SIZES = np.array([2, 5, 10, 20])
FEWER = 3  # pictures that may be missing, so that nobody who counts answers knows when they fit
# Clouds of numbers: a head of 2 examples a class is right six times in ten, one of 20 nine times.
COLUMNS, APART = 200, 3.6
# What the borrowed network answers to a picture that grows lighter from left to right: its eight largest features.
LARGEST = [2, 29, 54, 71, 468, 516, 755, 1273]
RAMP = np.array([3.879, 4.204, 3.616, 3.424, 3.938, 3.731, 4.178, 3.507])


def ramp() -> np.ndarray:
    """Return a picture without a secret: uint8 `[1, 112, 112, 3]`."""
    row = np.linspace(0, 255, 112).round().astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(row[None, None, :, None], (1, 112, 112, 3)))


def questions(material: Material) -> dict[str, list[Question]]:
    """Plan what each entry point is asked."""
    rng, again = material.rng, material.counts["again"]
    plain = draw_kind("cells", (-(-again // 3),) * 3, rng).images[:again]  # no more than are asked about
    return {
        "crops": crop_questions(rng),
        "ramp": [Question("features", (ramp(), True), shown=True)],
        "company": [
            Question("features", arguments)
            for arguments in ((plain, True), (plain[:1], True), (plain, False), (plain[:1], False))
        ],
        "curves": curve_questions(rng),
        **{kind: kind_questions(kind, material) for kind in KINDS},
        "own": [Question("own_curves", ())],
        "rank": [Question("ranking", ())],
        "odds": [Question("prediction", ())],
    }


def crop_questions(rng: np.random.Generator) -> list[Question]:
    """Ask for crops of a picture each of whose pixels is another number: what a crop shows says where it was cut."""
    height, width = (int(size) for size in rng.integers(60, 90, 2) * 2)
    picture = rng.permutation(height * width).reshape(height, width)
    first, second = (int(seed) for seed in rng.choice(10**6, 2, replace=False))
    asked = [(True, first), (True, first), (True, second), (False, first)]
    return [
        Question(
            "cut_crops",
            (picture, training, 24, 32, seed),
            {"picture": picture, "training": np.array(training)},
        )
        for training, seed in asked
    ]


def curve_questions(rng: np.random.Generator) -> list[Question]:
    """Ask for learning curves of clouds of numbers, whose classes are no secret to a linear head, nor plain to two pictures.

    The labels of the test clouds are moved on by 1 and by 2, too: each answer is right under exactly one of the three.
    """
    seed = int(rng.integers(10**6))
    # All middles are equally far from each other, so that every secret asks as much.
    middles = APART * np.linalg.qr(rng.normal(size=(COLUMNS, 3)))[0].T
    train_labels = rng.permutation(np.repeat(np.arange(3), 30))
    test_labels = rng.permutation(np.repeat(np.arange(3), 100))
    train, test = (
        middles[labels] + rng.normal(size=(len(labels), COLUMNS)) for labels in (train_labels, test_labels)
    )
    spread, offset = 10.0 ** rng.uniform(-1, 1, COLUMNS), rng.normal(size=COLUMNS) * 5
    return [
        Question(
            "learning_curve",
            (
                scale * (train * spread + offset),
                train_labels,
                scale * (test * spread + offset),
                (test_labels + moved) % 3,
                SIZES,
                seed,
            ),
            {"tests": np.array(len(test_labels))},
        )
        for scale, moved in ((1.0, 0), (1.0, 1), (1.0, 2), (1e-9, 0))
    ]


def pictures_of(kind: str, material: Material) -> tuple[np.ndarray, np.ndarray]:
    """Return pictures of a kind, in no order, and their labels."""
    rng, most = material.rng, material.counts["pictures"]
    if kind == "pets":
        chosen = of_groups(material.images, material.labels, material.groups, most, rng)
        rows = len(chosen.labels) - int(rng.integers(0, FEWER + 1))
        return chosen.images[:rows], chosen.labels[:rows]
    counts = (most - rng.integers(0, FEWER + 1, 3)).tolist()
    chosen = draw_kind(kind, counts, rng)
    return chosen.images, chosen.labels


def kind_questions(kind: str, material: Material) -> list[Question]:
    """Ask for the classes of pictures of one kind, in unequal batches."""
    images, labels = pictures_of(kind, material)
    return [
        Question("classify", (*asked.arguments, KINDS.index(kind)), {"labels": labels[asked.key["index"]]})
        for asked in batched("classify", images, material.rng, mirrored=False, again=0)
    ]


def right(answers, kind: str, size: int) -> tuple[int, int]:
    """Count the pictures of a kind that the head for so many training pictures names, and all of them."""
    column = SIZES.tolist().index(size)
    named = [answer.value[:, column] == answer.key["labels"] for answer in answers(kind)]
    return int(np.concatenate(named).sum()), sum(map(len, named))


def windows(crops: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Return int64 `[count, 3]`: row and column of the corner of each crop, and whether it shows what lies there."""
    rows, columns = np.empty(picture.size, np.int64), np.empty(picture.size, np.int64)
    rows[picture], columns[picture] = np.indices(picture.shape)
    placed = []
    for crop in crops:
        corner = int(crop[0, 0])
        if not 0 <= corner < picture.size:
            placed.append((-1, -1, 0))
            continue
        row, column = int(rows[corner]), int(columns[corner])
        window = picture[row : row + crop.shape[0], column : column + crop.shape[1]]
        placed.append((row, column, int(np.array_equal(window, crop))))
    return np.array(placed)


@pytest.mark.exercise("clean_crops", points=4, asks="crops")
def test_crops_are_squares_of_the_picture(answers):
    """Each crop shows a square of the picture, unchanged, and the seed decides which."""
    first, again, second, _ = answers("crops")
    cut = np.array([windows(answer.value, answer.key["picture"]) for answer in (first, second)])
    require(
        int((cut[..., 2] == 0).sum()),
        at_most=0,
        what="crops that are no square of the picture",
        hint="picture[top : top + side, left : left + side] is one; all of it must lie inside the picture.",
    )
    require(
        int((first.value != again.value).sum()),
        at_most=0,
        what="pixels that differ when the same seed is used again",
        hint="Draw from a generator made from the seed: np.random.default_rng(seed).",
    )
    require(
        min(len(np.unique(corners[:, :2], axis=0)) for corners in cut),
        at_least=16,
        what="different places among 24 crops",
        hint="Draw row and column anew for each crop.",
    )
    require(
        int((first.value != second.value).sum()),
        at_least=1,
        what="pixels that differ with another seed",
        hint="Let the seed decide where crops are cut.",
    )


@pytest.mark.exercise("clean_crops", points=8, asks="crops")
def test_training_crops_come_from_the_left_half(answers):
    """Training crops lie in the left half of the picture, test crops in the right half, wholly."""
    outside = 0
    for answer in answers("crops"):
        picture, side = answer.key["picture"], answer.value.shape[1]
        row_column = windows(answer.value, picture)
        middle, left = picture.shape[1] // 2, row_column[:, 1]
        inside = (left + side <= middle) if bool(answer.key["training"]) else (left >= middle)
        outside += int((~(inside & (row_column[:, 2] == 1))).sum())
    require(
        outside,
        at_most=0,
        what="crops that show something of the wrong half",
        hint="The last column that a training crop may begin at is the middle less the side; a test crop begins at the middle or behind it.",
    )


@pytest.mark.exercise("features", points=6, asks="ramp")
def test_the_borrowed_network_is_fed_what_it_learnt_with(answers):
    """The borrowed network sees in a picture what it saw with its own normalisation."""
    (answer,) = answers("ramp")
    require(
        largest_gap(answer.value[0, LARGEST], RAMP),
        at_most=0.02,
        what="largest difference from features that were measured",
        hint="Feed it (pixel - 127) / 128, channels first, and take `pooled` of the frozen network with ImageNet weights.",
    )


@pytest.mark.exercise(
    "features", points=4, asks="company", after="the_borrowed_network_is_fed_what_it_learnt_with"
)
def test_features_are_the_same_alone_and_in_company(answers):
    """Both networks see something in pictures, the same alone and among others."""
    for crowd, alone in zip(*(answers("company")[start::2] for start in (0, 1)), strict=True):
        values = crowd.value.astype(np.float64)
        require(
            int((values.std(axis=0) > 1e-9 * np.abs(values).max()).sum()),
            at_least=100,
            what="features that differ between pictures",
            hint="Both networks answer 1280 numbers, most of which differ from picture to picture.",
        )
        require(
            disagreement(values, alone.value.astype(np.float64), np.array([0])),
            at_most=1e-2,
            what="difference between a picture alone and among others, as a share of what features differ by",
            hint="Keep both networks in eval mode, and scale pictures by fixed numbers.",
        )


@pytest.mark.exercise("learning_curve", points=10, asks="curves")
def test_it_measures_on_test_pictures_alone(answers):
    """With the test labels moved on by one and by two, the three accuracies add up to 1: each answer is right once."""
    curves = np.array([answer.value for answer in answers("curves")], np.float64)
    require(
        float(max(-curves.min(), curves.max() - 1, 0.0)),
        at_most=1e-9,
        what="distance of an accuracy from the range 0 to 1",
        hint="An accuracy is a fraction, not a percentage.",
    )
    require(
        float(np.abs(curves[:3].sum(axis=0) - 1).max()),
        at_most=1e-6,
        what="largest distance of the sum of the three accuracies from 1",
        hint="Train on the training pictures, measure on the test pictures: the head must not see test labels, and training labels must not be measured.",
    )


@pytest.mark.exercise("learning_curve", points=8, asks="curves", after="it_measures_on_test_pictures_alone")
def test_the_curve_rises_as_a_linear_head_learns(answers):
    """The curve begins low, and ends where a linear head ends; features that are 10^9 times as small give the same one."""
    plain, _, _, small = answers("curves")
    require(
        float(plain.value[-1]),
        at_least=0.78,
        what="accuracy with 20 training pictures of each class",
        hint="Give each row its own label; take `size` pictures of each class, and bring each feature to one scale.",
    )
    require(
        float(plain.value[-1] - plain.value[0]),
        at_least=0.08,
        what="what the curve gains from 2 to 20 pictures of each class",
        hint="For size 2 train on 2 pictures of each class, chosen by the seed, and on no more.",
    )
    require(
        largest_gap(plain.value, small.value),
        at_most=0.05,
        what="largest change of the curve when all features are 10^9 times as small",
        hint="Subtract the mean and divide by the spread of the training features: the untrained network's numbers are tiny.",
    )


@pytest.mark.exercise("new_kinds", points=8, asks=KINDS)
def test_all_kinds_with_20_of_each_class(answers, levels):
    """Trained on 20 pictures of each class, the head names the class of new ones, over all three kinds."""
    counted = [right(answers, kind, 20) for kind in KINDS]
    require_count(
        sum(count for count, _ in counted),
        of=sum(total for _, total in counted),
        levels=levels["all_kinds"],
        what="accuracy over the three kinds",
        hint="Compare with your own curves of the borrowed network; is `kind` used, and is the last column the head of 20 pictures?",
    )


@pytest.mark.exercise("new_kinds", points=4, asks="textures")
def test_textures(answers, levels):
    """Brick, grass and gravel, in crops from a part of the photos that was never shown."""
    count, total = right(answers, "textures", 20)
    require_count(
        count,
        of=total,
        levels=levels["textures"],
        what="accuracy on textures",
        hint="Kind 1 is the textures: are its heads trained on them, with labels in the order brick, grass, gravel?",
    )


@pytest.mark.exercise("new_kinds", points=4, asks="cells")
def test_cells(answers, levels):
    """Round, spindle-shaped and uneven nuclei, newly drawn."""
    count, total = right(answers, "cells", 20)
    require_count(
        count,
        of=total,
        levels=levels["cells"],
        what="accuracy on drawn cells",
        hint="Kind 2 is the cells: are its heads trained on them, with labels in the order round, spindle, uneven?",
    )


@pytest.mark.exercise("new_kinds", points=4, asks=KINDS)
def test_all_kinds_with_5_of_each_class(answers, levels):
    """Trained on 5 pictures of each class, the head is far from guessing already."""
    counted = [right(answers, kind, 5) for kind in KINDS]
    require_count(
        sum(count for count, _ in counted),
        of=sum(total for _, total in counted),
        levels=levels["few"],
        what="accuracy over the three kinds, with 5 training pictures of each class",
        hint="The second column is the head of 5 pictures a class, trained on the borrowed network's features.",
    )


@pytest.mark.exercise("own_curves", asks="own")
def test_accuracies_are_fractions(answers):
    """All 24 accuracies lie between 0 and 1."""
    (answer,) = answers("own")
    require_fractions(answer)


def require_fractions(answer):
    """Demand accuracies from 0 to 1."""
    require(
        int(((answer.value < 0) | (answer.value > 1)).sum()),
        at_most=0,
        what="numbers below 0 or above 1",
        hint="Return fractions, not percentages.",
    )


@pytest.mark.exercise("kinds_ranked", asks="rank")
def test_every_kind_has_one_place(answers):
    """Each of the kinds 0, 1 and 2 stands in the ranking once."""
    (answer,) = answers("rank")
    require_a_place_each(answer)


def require_a_place_each(answer):
    """Demand each of the three kinds once."""
    require(
        len({0, 1, 2} - set(answer.value.tolist())),
        at_most=0,
        what="kinds without a place",
        hint="Return the numbers of the kinds, 0 pets, 1 textures, 2 cells, the largest gain first.",
    )


@pytest.mark.exercise("brier", asks="odds")
def test_probabilities_fall_from_5_points_to_40(answers):
    """Probabilities lie in 0 to 1, and a larger gain is never more likely than a smaller one."""
    (answer,) = answers("odds")
    require_probabilities(answer)


def require_probabilities(answer):
    """Demand numbers from 0 to 1, no row of which rises."""
    values = answer.value.astype(np.float64)
    outside = int(((values < 0) | (values > 1)).sum())
    require(outside, at_most=0, what="numbers below 0 or above 1", hint="A probability lies between 0 and 1.")
    require(
        int((np.diff(values, axis=1) > 0).sum()),
        at_most=0,
        what="larger gains that are said to be more likely",
        hint="Whoever gains more than 20 points has gained more than 10: no row may rise.",
    )
