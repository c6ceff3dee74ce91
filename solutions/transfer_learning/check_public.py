"""The checks of the transfer-learning lab. They are no secret: only the photos and numbers they are run on are.

In the notebook and in `pawgrade check` they ask about the validation photos; when a submission is graded, about
photos that nobody has seen. `questions` says what is asked, each check what is demanded of the answers.
"""

import numpy as np
import pytest

from grader.checks import (
    Material,
    Question,
    batched,
    gather,
    largest_gap,
    require,
    require_count,
    show,
    varied,
)

IMAGENET_MEAN, IMAGENET_DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
EPSILON = 1e-5  # what batch normalisation adds to the variance
READERS = 10  # how many times the photos are divided anew
FOLDS = 10  # parts, where photos are few
PENALTY = 1.0  # of the reader's weights: enough that more features than photos do no harm
ENOUGH = 3  # photos of a class from which on it is read
FEWEST_CLASSES = 8  # that must have as many; else cats and dogs are read
PICTURED = 20  # public cats, and as many dogs, in the picture of who is taken for whom


def questions(material: Material) -> dict[str, list[Question]]:
    """Plan what each entry point is asked."""
    rng, counts = material.rng, material.counts
    chosen = alike(~(np.array(material.groups) == "cat")[material.labels], counts["is_dog"], rng)
    images, dogs = material.images[chosen], ~(np.array(material.groups) == "cat")[material.labels[chosen]]
    key = {"dogs": dogs, "counted": even(dogs), "mirrors": even(dogs[: counts["mirror"]])}
    mirrored = np.ascontiguousarray(varied(images[: counts["mirror"]], rng)[:, :, ::-1])
    return {
        "normalise": _normalise_questions(rng),
        "batch_norm": _batch_norm_questions(rng),
        "features": feature_questions(material),
        "photos": _with_key(batched("is_dog", images, rng, mirrored=False, again=counts["again"]), key),
        "pictured": _pictured_questions(material),
        "mirror": batched("is_dog", mirrored, rng, mirrored=False, again=0),
        "quiz": [Question("quiz", ())],
    }


def _pictured_questions(material: Material) -> list[Question]:
    """Ask about public photos, as many cats as dogs, for the picture that the feedback shows."""
    dogs = ~(np.array(material.groups) == "cat")[material.shown_labels]
    each = min(PICTURED, int(dogs.sum()), int((~dogs).sum()))
    rows = np.concatenate([np.flatnonzero(dogs == value)[:each] for value in (False, True)])
    return (
        [Question("is_dog", (material.shown[rows],), {"dogs": dogs[rows]}, shown=True)] if len(rows) else []
    )


def _with_key(asked: list[Question], more: dict[str, np.ndarray]) -> list[Question]:
    return [Question(one.entry_point, one.arguments, {**one.key, **more}) for one in asked]


def alike(dogs: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Choose at most `count` photos in no order, nearly as many cats as dogs: guessing is right half of the time.

    How many there are of each is drawn, so that nobody who counts the answers knows when they fit.
    """
    each = min(count // 2, int(dogs.sum()), int((~dogs).sum()))
    less = [int(one) for one in rng.permutation([0, int(rng.integers(0, each // 8 + 1))])]
    rows = [
        rng.permutation(np.flatnonzero(dogs == value))[: each - fewer]
        for value, fewer in zip((False, True), less, strict=True)
    ]
    return rng.permutation(np.concatenate(rows))


def even(dogs: np.ndarray) -> np.ndarray:
    """Return bool `[n]`: the first photos of each kind, as many cats as dogs. They count, so that one answer to all is half right."""
    each = min(int(dogs.sum()), int((~dogs).sum()))
    return np.where(dogs, np.cumsum(dogs), np.cumsum(~dogs)) <= each


def _normalise_questions(rng: np.random.Generator) -> list[Question]:
    images = rng.integers(0, 256, (3, 6, 5, 3), np.uint8)
    images[0, 0, 0], images[0, 0, 1] = 0, 255
    customs = [(np.full(3, 0.5), np.full(3, 0.25)), (IMAGENET_MEAN, IMAGENET_DEVIATION)]
    return [
        Question(
            "normalise", (images, mean, deviation), {"images": images, "custom": np.array([mean, deviation])}
        )
        for mean, deviation in customs
    ]


def _batch_norm_questions(rng: np.random.Generator) -> list[Question]:
    scale = np.array([1.0, 3.0, 0.5, 2.0])[:, None, None]
    x = rng.normal(size=(5, 4, 3, 6)) * scale + np.array([0.0, 5.0, -2.0, 1.0])[:, None, None]
    mean, variance = rng.normal(size=4), rng.uniform(0.5, 4.0, 4)
    key = {"x": x, "mean": mean, "variance": variance}
    return [Question("batch_norm", (x, mean, variance, training), key) for training in (False, True)]


def feature_questions(material: Material) -> list[Question]:
    """Ask for features of some photos; the key says which class each has and who reads which."""
    rng, labels, most = material.rng, material.labels, material.counts["features"]
    counts = np.bincount(labels, minlength=len(material.classes))
    classes = rng.permutation(np.flatnonzero(counts >= ENOUGH))
    few = len(classes) < FEWEST_CLASSES
    if not few:
        classes = classes[: int(np.searchsorted(np.cumsum(counts[classes]), most, "right"))]
        chosen = rng.permutation(np.flatnonzero(np.isin(labels, classes)))
        targets = np.unique(labels[chosen], return_inverse=True)[1]
        fitted, counted = _halves(targets, rng), np.ones(len(chosen), bool)
    else:
        chosen = rng.permutation(len(labels))[:most]
        targets = (~(np.array(material.groups) == "cat")[labels[chosen]]).astype(np.int64)
        fitted, counted = _folds(targets, rng), np.zeros(len(chosen), bool)
        counted[alike(targets.astype(bool), len(targets), rng)] = True
    key = {"targets": targets, "fitted": fitted, "counted": counted, "few": np.array(few)}
    asked = batched("features", material.images[chosen], rng, mirrored=False, again=material.counts["again"])
    return _with_key(asked, key)


def _halves(targets: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return bool `[2 * READERS, n]`: halves of every class, and what is left of it."""
    rows = []
    for _ in range(READERS):
        half = np.zeros(len(targets), bool)
        for one in np.unique(targets):
            members = rng.permutation(np.flatnonzero(targets == one))
            half[members[: (len(members) + rng.integers(2)) // 2]] = True
        rows += [half, ~half]
    return np.array(rows)


def _folds(targets: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return bool `[FOLDS * READERS, n]`: all but one part of the photos."""
    rows = []
    for _ in range(READERS):
        part = np.zeros(len(targets), np.int64)
        for one in np.unique(targets):
            members = rng.permutation(np.flatnonzero(targets == one))
            part[members] = np.arange(len(members)) % FOLDS
        rows += [part != number for number in range(FOLDS)]
    return np.array(rows)


def read_by_others(features: np.ndarray, targets: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """Return int `[n]`: the class that linear readers see in each photo, all of them fitted on other photos.

    Args:
        features: float `[n, d]`.
        targets: int `[n]`, classes from 0.
        fitted: bool `[readers, n]`, the photos that each reader is fitted on; it reads the others.
    """
    wanted = np.eye(targets.max() + 1)[targets] * 2 - 1
    scores = np.zeros(wanted.shape)
    there = np.isfinite(features).all(axis=1)  # not those that ran out of time
    for half in fitted:
        known, others = half & there, ~half & there
        scores[others] += _ridge(features[known], wanted[known], features[others])
    return np.where(there, scores.argmax(axis=1), -1)


def _ridge(known: np.ndarray, wanted: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Fit a linear map with a penalty on its weights to standardised features, and apply it to others."""
    mean, deviation = known.mean(axis=0), known.std(axis=0)
    varies = deviation > 1e-6 * (1 + np.abs(mean))
    scale = deviation[varies] * np.sqrt(max(1, varies.sum()))
    known, others = ((rows[:, varies] - mean[varies]) / scale for rows in (known, others))
    offset = wanted.mean(axis=0)
    solved = np.linalg.solve(known @ known.T + PENALTY * np.eye(len(known)), wanted - offset)
    return others @ (known.T @ solved) + offset


@pytest.mark.exercise("normalise", points=7, asks="normalise")
def test_every_channel_has_its_own_mean_and_deviation(answers):
    """Pixels become (pixel / 255 - mean) / deviation, channel by channel, with the channels first."""
    worst, hint = 0.0, ""
    for answer in answers("normalise"):
        images, (mean, deviation) = answer.key["images"].astype(np.float64), answer.key["custom"]
        gap = largest_gap(answer.value, _normalised(images, mean, deviation))
        if gap > worst:
            worst, hint = gap, _normalise_hint(answer.value, images, mean, deviation)
    require(worst, at_most=1e-3, what="largest difference from (pixel / 255 - mean) / deviation", hint=hint)


def _normalised(pixels, mean, deviation):
    return ((pixels / 255 - mean) / deviation).transpose(0, 3, 1, 2)


def _normalise_hint(found, images, mean, deviation):
    others = {
        "The pixels are still 0 to 255: mean and deviation are meant for 0 to 1.": _normalised(
            255 * images, mean, deviation
        ),
        "The colour channels are in the order BGR: keep RGB.": _normalised(
            images[..., ::-1], mean, deviation
        ),
        "Mean and deviation meet the wrong channels: they are in the order red, green, blue.": _normalised(
            images, mean[::-1], deviation[::-1]
        ),
        "This divides by the variance: divide by the deviation itself.": _normalised(
            images, mean, deviation**2
        ),
        "`reshape` cuts the numbers into other rows; moving an axis takes `transpose` or `permute`.": (
            (images / 255 - mean) / deviation
        ).reshape(found.shape),
    }
    for hint, mistake in others.items():
        if largest_gap(found, mistake) <= 1e-3:
            return hint
    return "Convert to float first (a uint8 has no negative numbers), divide by 255, subtract the mean, divide by the deviation, then move the channels."


@pytest.mark.exercise("features", asks="features")
def test_the_same_number_of_features(answers):
    """Every photo gets the same number of features, whatever the batch."""
    widths = {answer.value.shape[1] for answer in answers("features")}
    require(
        len(widths),
        at_most=1,
        what="different numbers of features",
        hint="The number of features must not depend on how many photos are asked about.",
    )


@pytest.mark.exercise("features", asks="features", after="the_same_number_of_features")
def test_features_agree(answers):
    """A photo has the same features alone, in company, and when asked again."""
    require(
        gather(answers("features")).disagreement,
        at_most=1e-3,
        what="largest difference between two answers about one photo, as a share of what the answers differ by",
        hint="Is the backbone in eval mode, so that batch normalisation does not mix the photos? Is it loaded once, outside `features`?",
    )


@pytest.mark.exercise("features", asks="features", after="features_agree")
def test_features_differ_between_photos(answers):
    """Different photos have different features."""
    plain = gather(answers("features")).plain
    require(
        int((np.nanmax(plain, axis=0) > np.nanmin(plain, axis=0)).sum()),
        at_least=1,
        what="features that differ between photos",
        hint="The answer must come from the pixels of each photo.",
    )


@pytest.mark.exercise("features", points=20, asks="features", after="features_differ_between_photos")
def test_a_linear_reader_understands_them(answers, levels):
    """A linear reader that was fitted on some photos' features reads the other photos'."""
    require_read(
        answers("features"),
        levels,
        "Use the features that the trained backbone gives before its last layer, fed with pixels on its own scale.",
    )


def require_read(found, levels, hint, level="features"):
    """Demand that linear readers read the photos of a plan of `feature_questions`; `level`, or with few photos `<level>_few`, says how many."""
    key, plain = found[0].key, gather(found).plain
    targets, counted, few = key["targets"], key["counted"].astype(bool), bool(key["few"])
    right = read_by_others(plain, targets, key["fitted"].astype(bool)) == targets
    require_count(
        int(right[counted].sum()),
        of=int(counted.sum()),
        levels=levels[f"{level}_few" if few else level],
        what="cats and dogs read rightly" if few else f"photos of {targets.max() + 1} classes read rightly",
        hint=f"{hint} These are few photos: the number is rough." if few else hint,
    )


@pytest.mark.exercise("is_dog", asks=("photos", "mirror"))
def test_probabilities_lie_between_0_and_1(answers):
    """Every answer is a probability."""
    values = np.concatenate([answer.value for name in ("photos", "mirror") for answer in answers(name)])
    outside = int(((values < 0) | (values > 1)).sum())
    require(
        outside,
        at_most=0,
        what="answers below 0 or above 1",
        hint="The head gives a logit, a number of any sign; the sigmoid turns it into a probability.",
    )


@pytest.mark.exercise("is_dog", asks="photos")
def test_answers_agree(answers):
    """A photo gets the same probability alone, in company, and when asked again."""
    require(
        gather(answers("photos")).disagreement,
        at_most=1e-3,
        what="largest difference between two answers about one photo, as a share of what the answers differ by",
        hint="Does anything mix the photos of a batch (batch normalisation in training mode, a softmax over axis 0), or is something drawn at random (dropout)?",
    )


@pytest.mark.exercise(
    "is_dog",
    points=25,
    asks=("pictured", "photos"),
    after=("probabilities_lie_between_0_and_1", "answers_agree"),
)
def test_cats_and_dogs_are_told_apart(answers, levels):
    """At least 0.5 for a dog, less for a cat."""
    for public in answers("pictured"):
        _show_confusion(public.value >= 0.5, public.key["dogs"].astype(bool), "public validation photos")
    values, key = gather(answers("photos")).plain, answers("photos")[0].key
    counted = key["counted"].astype(bool)
    values, dogs = values[counted], key["dogs"].astype(bool)[counted]
    said = np.where(np.isnan(values), ~dogs, values >= 0.5)  # what did not come in time is wrong
    _show_confusion(said, dogs, "hidden photos")  # for staff
    right = int((said == dogs).sum())
    hint = "Compare with your validation accuracy: if that is as low, train the head longer or look at the features; if not, look at what `is_dog` does differently."
    if right <= len(dogs) * (1 - levels["is_dog"].zero_at):
        hint = "Nearly all answers are the wrong way round: 1 stands for a dog, 0 for a cat; lab.species() is True for cats."
    elif said.all() or not said.any():
        hint = "It gives the same answer to every photo: has the head been trained, and is the probability cut at 0.5 where it should be?"
    require_count(right, of=len(dogs), levels=levels["is_dog"], what="cat/dog accuracy", hint=hint)


def _show_confusion(said, dogs, photos):
    matrix = [[int((said[dogs == row] == column).sum()) for column in (False, True)] for row in (False, True)]
    where = {"measured on": f"{len(dogs)} {photos}"}
    show("confusion", "Cats and dogs: who was taken for whom", matrix=matrix, names=["cat", "dog"], **where)


@pytest.mark.exercise(
    "is_dog",
    points=5,
    asks=("photos", "mirror"),
    after=("probabilities_lie_between_0_and_1", "answers_agree"),
)
def test_a_mirrored_dog_is_a_dog(answers, levels):
    """A photo that is judged rightly is judged rightly in the mirror, too."""
    key = answers("photos")[0].key
    rows = np.flatnonzero(key["mirrors"].astype(bool))
    mirrored, here = gather(answers("mirror")).plain[rows], gather(answers("photos")).plain[rows]
    dogs = key["dogs"].astype(bool)[rows]
    there = np.isfinite(here) & np.isfinite(mirrored)
    require_count(
        int(((here >= 0.5) == dogs)[there & ((mirrored >= 0.5) == dogs)].sum()),
        of=len(dogs),
        levels=levels["mirror"],
        what="judged rightly both ways",
        hint="First make the answers right; then show the head mirrored training photos, or average a photo and its mirror.",
    )


@pytest.mark.exercise("batch_norm", points=3, asks="batch_norm")
def test_answering_uses_what_was_stored(answers):
    """In evaluation mode each channel is shifted and scaled by the stored mean and variance."""
    stored, _ = answers("batch_norm")
    x, mean, variance = (stored.key[name] for name in ("x", "mean", "variance"))
    hint = "Subtract `mean`, divide by sqrt(variance + 1e-5); mean[:, None, None] lines up with the channels of x."
    if largest_gap(stored.value, _batch_normed(x)) <= 1e-3:
        hint = "In evaluation mode nothing is computed from the batch: use the stored mean and variance."
    gap = largest_gap(stored.value, _shifted(x, mean, variance))
    require(gap, at_most=1e-3, what="largest error in evaluation mode", hint=hint)


@pytest.mark.exercise("batch_norm", points=3, asks="batch_norm")
def test_learning_uses_the_batch(answers):
    """In training mode each channel gets mean 0 and variance 1, over all photos and positions of the batch."""
    stored, batch = answers("batch_norm")
    x, mean, variance = (stored.key[name] for name in ("x", "mean", "variance"))
    hint = (
        "Take mean and variance over photos, rows and columns together: axis=(0, 2, 3), one number a channel."
    )
    if largest_gap(batch.value, _shifted(x, mean, variance)) <= 1e-3:
        hint = "In training mode the stored numbers are not used: compute mean and variance of the batch."
    require(
        largest_gap(batch.value, _batch_normed(x)),
        at_most=1e-3,
        what="largest error in training mode",
        hint=hint,
    )


def _shifted(x, mean, variance):
    return (x - mean[:, None, None]) / np.sqrt(variance[:, None, None] + EPSILON)


def _batch_normed(x):
    return _shifted(x, x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3)))


@pytest.mark.exercise("quiz", asks="quiz")
def test_every_question_has_an_answer(answers):
    """Each of the six numbers names one of the four answers."""
    (answer,) = answers("quiz")
    require(
        int(((answer.value < 1) | (answer.value > 4)).sum()),
        at_most=0,
        what="questions without an answer from 1 to 4",
        hint="Write the number of the answer that you choose, 1 to 4, in the order of the questions. Which are right you learn with your grade.",
    )
