"""The checks of the 35-breed lab. They are no secret: only the photos and numbers they are run on are.

In the notebook and in `pawgrade check` they ask about the validation photos; when a submission is graded, about
photos that nobody has seen. `questions` says what is asked, each check what is demanded of the answers.
"""

import numpy as np
import pytest

from grader.checks import (
    Material,
    Question,
    batched,
    confusion,
    correct_top_k,
    different,
    gather,
    largest_gap,
    predictions,
    require,
    require_count,
    show,
)

PICTURED = 2  # public photos of each breed, in the picture of who is taken for whom


def questions(material: Material) -> dict[str, list[Question]]:
    """Plan what each entry point is asked."""
    rng = material.rng
    return {
        "split": _split_questions(rng),
        "normalise": _normalise_questions(material, rng),
        "top_k": _top_k_questions(rng),
        "confusion": _confusion_questions(rng),
        "pictured": _pictured_questions(material),
        "photos": [
            Question(question.entry_point, question.arguments, {**question.key, "labels": material.labels})
            for question in batched("classify", material.images, rng)
        ],
    }


def _split_questions(rng: np.random.Generator) -> list[Question]:
    labels = rng.permutation(np.repeat(np.arange(35), rng.integers(6, 20, 35)))
    key = {"labels": labels, "per_class": np.array(3)}
    return [
        Question("validation_split", (labels, 3, int(seed)), key) for seed in (7, 7, rng.integers(100, 999))
    ]


def _normalise_questions(material: Material, rng: np.random.Generator) -> list[Question]:
    picture = rng.integers(0, 256, material.images.shape[1:], np.uint8)
    ramp = np.broadcast_to(np.arange(len(picture), dtype=np.uint8)[:, None, None], picture.shape)
    edge = np.broadcast_to(np.array([0, 127, 255], np.uint8), picture.shape)
    images = np.ascontiguousarray(np.stack([ramp, edge, picture]))
    # No photo is in it: it is asked before any hidden one comes, so that what it tells is nothing of theirs.
    return [Question("preprocess", (images,), {"images": images}, shown=True)]


def _pictured_questions(material: Material) -> list[Question]:
    """Ask about public photos, as many of each breed, for the picture that the feedback shows."""
    labels = material.shown_labels
    rows = [row for one in np.unique(labels) for row in np.flatnonzero(labels == one)[:PICTURED]]
    return (
        [Question("classify", (material.shown[rows],), {"labels": labels[rows]}, shown=True)] if rows else []
    )


def _top_k_questions(rng: np.random.Generator) -> list[Question]:
    scores, labels = rng.normal(size=(60, 35)), rng.integers(0, 35, 60)
    scores[np.arange(60), labels] += 2.0
    return [
        Question(
            "top_k_accuracy",
            (scores, labels, k),
            {"expected": np.array(correct_top_k(scores, labels, k) / 60)},
        )
        for k in (1, 3, 5)
    ]


def _confusion_questions(rng: np.random.Generator) -> list[Question]:
    labels = rng.integers(0, 6, 80)
    predicted = np.where(rng.random(80) < 0.6, labels, rng.integers(0, 6, 80))
    return [
        Question("confusion_matrix", (labels, predicted, 6), {"expected": confusion(labels, predicted, 6)})
    ]


@pytest.mark.exercise("split", points=6, asks="split")
def test_the_same_number_of_every_breed(answers):
    """Every breed has exactly `per_class` photos in the validation split, and the seed decides which."""
    first, again, other = answers("split")
    labels, wanted = first.key["labels"], int(first.key["per_class"])
    counts = np.bincount(labels[first.value], minlength=35)
    wrong = int((counts != wanted).sum())
    require(
        wrong,
        at_most=0,
        what="breeds with another number of validation photos",
        hint=f"Choose {wanted} photos within each class, one class after the other.",
    )
    require(
        different(first.value, again.value),
        at_most=0,
        what="photos that move when the same seed is used again",
        hint="Draw from a generator made from the seed: np.random.default_rng(seed).",
    )
    require(
        different(first.value, other.value),
        at_least=1,
        what="photos that move with another seed",
        hint="Let the seed decide which photos of a class are chosen.",
    )


@pytest.mark.exercise("normalise", points=10, asks="normalise")
def test_pixels_as_the_network_saw_them(answers):
    """Pixels are (x - 127) / 128, with the channels first."""
    (answer,) = answers("normalise")
    expected = (answer.key["images"].astype(np.float64) - 127) / 128
    gap = largest_gap(answer.value, expected.transpose(0, 3, 1, 2))
    swapped = largest_gap(answer.value, expected.transpose(0, 3, 1, 2)[:, ::-1])
    hint = "This network wants (x - 127) / 128 of pixels 0..255, not the ImageNet mean and deviation."
    if swapped < 1e-2 <= gap:
        hint = "The colour channels are in the order BGR: keep RGB."
    require(gap, at_most=1e-2, what="largest difference from (x - 127) / 128", hint=hint)


@pytest.mark.exercise("top_k", points=7, asks="top_k")
def test_the_share_of_true_classes_among_the_first_k(answers):
    """The share of photos whose true breed is among the k highest scores."""
    gap = max(largest_gap(answer.value, answer.key["expected"]) for answer in answers("top_k"))
    require(
        gap,
        at_most=1e-6,
        what="largest error of the accuracy for k = 1, 3, 5",
        hint="Sort each row, take the k columns with the highest scores, look for the label in them; return a fraction, not percent.",
    )


@pytest.mark.exercise("confusion", points=7, asks="confusion")
def test_counts_by_true_and_predicted_class(answers):
    """Rows are the true classes, columns the predicted ones."""
    (answer,) = answers("confusion")
    expected = answer.key["expected"]
    hint = "Add one to matrix[label, prediction] for every photo; np.add.at counts repeated pairs, `+=` does not."
    if (answer.value == expected.T).all() and not (expected == expected.T).all():
        hint = "Rows and columns are exchanged: the true class chooses the row."
    require(
        different(answer.value, expected),
        at_most=0,
        what="places with a wrong count",
        hint=hint,
    )


@pytest.mark.exercise("breeds", asks="photos")
def test_answers_agree(answers):
    """A photo gets the same scores alone, in company, and when asked again."""
    disagreement = gather(answers("photos")).disagreement
    require(
        disagreement,
        at_most=1e-3,
        what="largest difference between two answers about one photo, as a share of what the scores differ by",
        hint="Is the network in eval mode (dropout, batch norm)? Does anything, such as a softmax over axis 0, mix the photos of a batch?",
    )


@pytest.mark.exercise("breeds", points=30, asks=("pictured", "photos"), after="answers_agree")
def test_top_1(answers, levels, classes):
    """Your network names the breed."""
    for public in answers("pictured"):
        _show_confusion(public.value, public.key["labels"], classes, "public validation photos")
    scores, labels = gather(answers("photos")).plain, answers("photos")[0].key["labels"]
    _show_confusion(scores, labels, classes, "hidden photos")  # for staff
    require_count(
        correct_top_k(scores, labels, 1),
        of=len(labels),
        levels=levels["breeds"],
        what="top-1 accuracy",
        hint="Compare with your validation accuracy: if that is as low, train the head longer or on more photos; if not, look at what `classify` does differently.",
    )


def _show_confusion(scores, labels, classes, photos):
    matrix = confusion(labels, predictions(scores), len(classes)).tolist()
    where = {"measured on": f"{len(labels)} {photos}"}
    show("confusion", "Who was taken for whom", matrix=matrix, names=list(classes), **where)


@pytest.mark.exercise("top3", points=10, asks="photos", after="answers_agree")
def test_top_3(answers, levels):
    """The true breed is among the three highest scores."""
    scores, labels = gather(answers("photos")).plain, answers("photos")[0].key["labels"]
    require_count(
        correct_top_k(scores, labels, 3),
        of=len(labels),
        levels=levels["top3"],
        what="top-3 accuracy",
        hint="`classify` must return a score for every breed, not only for the winner.",
    )


@pytest.mark.exercise("species", points=5, asks="photos", after="answers_agree")
def test_cats_are_not_dogs(answers, levels, groups):
    """The breed you name is at least of the right species."""
    scores, labels = gather(answers("photos")).plain, answers("photos")[0].key["labels"]
    is_cat = np.array(groups) == "cat"
    correct = int((is_cat[predictions(scores)] == is_cat[labels]).sum())
    require_count(
        correct,
        of=len(labels),
        levels=levels["species"],
        what="cat/dog accuracy",
        hint="A network that sees breeds sees the species too: check the order of the columns against lab.breeds().",
    )


@pytest.mark.exercise("mirror", points=5, asks="photos", after="answers_agree")
def test_a_mirrored_pet_is_the_same_pet(answers, levels):
    """A photo that is named rightly is named rightly in the mirror, too."""
    found, labels = gather(answers("photos")), answers("photos")[0].key["labels"]
    right, mirrored = predictions(found.plain) == labels, predictions(found.mirrored) == labels
    # Few photos named rightly are no evidence: the share is taken of at least as many as earn credit for accuracy.
    base = max(int((right | mirrored).sum()), int(levels["breeds"].zero_at * len(labels)), 1)
    require_count(
        int((right & mirrored).sum()),
        of=base,
        levels=levels["mirror"],
        what="named rightly both ways, of those named rightly one way",
        hint="Show the network mirrored training photos, or average the scores of a photo and its mirror.",
    )
