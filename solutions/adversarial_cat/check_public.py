"""The checks of the adversarial cat. They are no secret: only the noise, the classes and the photos they are run on are.

What an image is worth is decided on its whole-numbered pixels, after saving it as PNG and reading it again, by the
network that the notebook uses, run here. In the notebook and in `pawgrade check` the photos are the validation photos;
when a submission is graded, photos that nobody has seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from grader.checks import (
    Answer,
    Material,
    Question,
    from_png,
    largest_change,
    probabilities,
    require,
    require_count,
    require_level,
    roughness,
    show,
    to_png,
    top,
    total_variation,
)

Pixels = npt.NDArray[np.uint8]

ANIMALS, DOGS, CATS = range(398), range(151, 269), range(281, 286)  # ImageNet classes
NAMED = (281, 284, 340)  # tabby, Siamese and zebra: the notebook makes them, so nobody is asked for them
PX = 224
BATCH = 8  # photos shown to the network at once when photos of dogs are looked for
CROP_PX = (180, PX)  # sides of the cat's crops
LESS = 20  # the weight between 0 and the whole one is so small a part of it
AS_ROUGH = 0.95  # of the noise: rougher than that no image counts as, however it was roughened
LIKELY = 5  # a cat is turned into one of the dogs it looks most like: some others resist honest attacks
MOVES = ((3, 0), (-3, 0), (0, 3), (0, -3))  # rows and columns by which an ideal image is rolled
SHIFTS_PX = (-8, -6, -3, 0, 3, 6, 8)  # to the side, for the picture
EXACT = 1e-5  # what float32 sums may be off
PUBLIC = 0  # seed of the images whose total variation the feedback shows


def questions(material: Material) -> dict[str, list[Question]]:
    """Plan what each entry point is asked."""
    rng, counts = material.rng, material.counts
    wanted = {name: counts[f"{name}_photos"] for name in ("attack", "half")}
    photos, known = _subjects(material, sum(wanted.values()))
    # Each set has photos of its own, as far as there are any: an answer to the one is none to the other.
    subjects = {"attack": photos[: wanted["attack"]], "half": photos[-wanted["half"] :]}
    public = known or material.images is material.shown
    asked = {
        name: [
            _attack_question(photo, target, counts[f"{name}_epsilon"], public=public)
            for photo, target in zip(subjects[name], _targets(subjects[name], rng), strict=True)
        ]
        for name in wanted
    }
    shown = [] if public else _shown_dogs(material)  # feedback may show public photos only
    asked["pictured"] = [
        _attack_question(photo, target, counts["attack_epsilon"], public=True)
        for photo, target in zip(shown, _targets(shown, rng), strict=True)
    ]
    drawn = _variation_questions(np.random.default_rng(PUBLIC), shown=True)
    return {
        "variation": _variation_questions(rng),
        "drawn": drawn,
        "ideal": _ideal_questions(material),
        **asked,
    }


def _shown_dogs(material: Material) -> list[Pixels]:
    order = material.rng.permutation(len(material.shown))
    return _first_dogs(material.shown, order, material.counts["shown_photos"])


def _variation_questions(rng: np.random.Generator, *, shown: bool = False) -> list[Question]:
    rough = rng.random((30, 47, 3))
    across = np.repeat(rng.random((20, 1, 3)), 26, axis=1) + 0.02 * rng.random((20, 26, 3))
    down = across.transpose(1, 0, 2)
    return [_variation_question(image / image.max(), shown=shown) for image in (rough, across, down)]


def _variation_question(image: npt.NDArray[np.float64], *, shown: bool) -> Question:
    return Question(
        "total_variation",
        (np.ascontiguousarray(image),),
        {"image": image, "expected": np.array(total_variation(image))},
        shown=shown,
    )


def _ideal_questions(material: Material) -> list[Question]:
    rng, counts = material.rng, material.counts
    pool = np.setdiff1d(ANIMALS, NAMED)
    found = []
    weights = (0, counts["tv_weight"], counts["tv_weight"] // LESS)
    for place, number in enumerate(rng.choice(pool, counts["ideal_classes"], replace=False)):
        noise = rng.random((PX, PX, 3), dtype=np.float32)
        for weight in weights[
            : 2 if place else 3
        ]:  # a weight between them for the first class alone: it takes seconds
            key = {"noise": noise, "class": np.array(number), "weight": np.array(weight)}
            found.append(Question("ideal_image", (noise, int(number), float(weight)), key, shown=True))
    return found


def _attack_question(photo: Pixels, target: int, epsilon: int, *, public: bool) -> Question:
    key = {
        "photo": photo,
        "target": np.array(target),
        "epsilon": np.array(epsilon),
    }
    # What somebody makes of a photo that everybody has may be shown: it is answered before there is any other.
    return Question("adversarial_image", (photo, int(target), int(epsilon)), key, shown=public)


def _subjects(material: Material, count: int) -> tuple[list[Pixels], bool]:
    """Find photos that the network takes for dogs; where there are none (drawn pets), crops of the CC0 cat.

    Returns:
        At most `count` photos, and whether everybody knows them: the cat's photo is free.
    """
    rows = np.flatnonzero(~(np.array(material.groups) == "cat")[material.labels])
    order = material.rng.permutation(rows)
    if len(_dogs(material.images, order[:BATCH])) < BATCH / 2:  # a drawing may happen to be taken for a dog
        return _cat_crops(count, material.rng), True
    return _first_dogs(material.images, order, count), False


def _first_dogs(images: Pixels, order: npt.NDArray[np.int64], count: int) -> list[Pixels]:
    found = list[Pixels]()
    for start in range(0, len(order), BATCH):
        if len(found) < count:
            found += _dogs(images, order[start : start + BATCH])
    return found[:count]


def _dogs(images: Pixels, rows: npt.NDArray[np.int64]) -> list[Pixels]:
    """Return those of the images in some rows that the network takes for dogs."""
    batch = images[rows]
    said = probabilities(batch).argmax(axis=1)
    return [np.array(photo) for photo, number in zip(batch, said, strict=True) if number in DOGS]


def _cat_crops(count: int, rng: np.random.Generator) -> list[Pixels]:
    from PIL import Image

    from grader.checks import cat_photo

    cat, found = cat_photo(), list[Pixels]()
    for _ in range(20 * count):
        side = int(rng.integers(*CROP_PX))
        top_, left = rng.integers(0, PX - side + 1, 2)
        crop = Image.fromarray(cat[top_ : top_ + side, left : left + side])
        photo = np.asarray(crop.resize((PX, PX), Image.Resampling.BICUBIC))
        photo = np.ascontiguousarray(photo[:, ::-1] if rng.random() < 0.5 else photo)
        if probabilities(photo[None]).argmax() in CATS:
            found.append(photo)
        if len(found) == count:
            return found
    raise RuntimeError("the network does not take the cat for a cat: are its weights right?")


def _targets(photos: Sequence[Pixels], rng: np.random.Generator) -> list[int]:
    """Draw for each photo a class to turn it into: of a cat for a dog, of a likely dog for a cat."""
    found = []
    for photo in photos:
        p = probabilities(photo[None])[0]
        dogs = np.array(DOGS)
        likely = dogs[np.argsort(-p[dogs])[:LIKELY]]
        found.append(int(rng.choice(np.array(CATS) if p.argmax() in DOGS else likely)))
    return found


@pytest.mark.exercise("variation", points=6, asks=("drawn", "variation"))
def test_neighbours_differ_by(answers):
    """The mean difference of neighbours, in both directions, halved."""
    _show_variation(answers("drawn"))
    found = answers("variation")
    worst = max(found, key=lambda one: abs(float(one.value) - float(one.key["expected"])))
    require(
        abs(float(worst.value) - float(worst.key["expected"])),
        at_most=EXACT,
        what="largest error of the total variation",
        hint=_variation_advice(found),
    )


def _show_variation(found: Sequence[Answer]) -> None:
    names = ("noise", "alike across", "alike down")
    rows = [
        {"name": name, "found": float(one.value), "required": float(one.key["expected"])}
        for name, one in zip(names, found, strict=True)
    ]
    show("variation", "Your total variation beside the required one", rows=rows, tolerance=EXACT)


def _variation_advice(found: Sequence[Answer]) -> str:
    """Name the mistake that explains every answer, if there is one."""

    def explains(formula) -> bool:
        return all(abs(formula(one.key["image"]) - float(one.value)) <= EXACT for one in found)

    mistakes = [
        (lambda x: _mean(x, 1), "You count neighbours beside each other only: add those above each other."),
        (lambda x: _mean(x, 0), "You count neighbours above each other only: add those beside each other."),
        (lambda x: _mean(x, 1) / 2, "Half of one direction only: add the other direction before halving."),
        (lambda x: _mean(x, 0) / 2, "Half of one direction only: add the other direction before halving."),
        (lambda x: 2 * total_variation(x), "Twice too much: the sum of both directions is halved."),
        (lambda x: 255 * total_variation(x), "255 times too much: the image is in 0 to 1 already."),
        (lambda x: (_mean(x, 0, 2) + _mean(x, 1, 2)) / 2, "Take absolute differences, not squares."),
    ]
    for formula, hint in mistakes:
        if explains(formula):
            return hint
    return "Take the absolute differences of neighbours, their mean in each direction, and half the sum of both means."


def _mean(image: npt.NDArray[np.float64], axis: int, power: int = 1) -> float:
    return float((np.abs(np.diff(image, axis=axis)) ** power).mean())


@dataclass(frozen=True)
class _Ideal:
    """One class's ideal images without and with the term, as they are when read from a file."""

    number: int
    images: tuple[Pixels, Pixels]
    noise: npt.NDArray[np.float32]
    between: Pixels | None = None

    def p(self, way: int) -> float:
        return float(probabilities(self.images[way][None])[0, self.number])

    def p_moved(self, way: int) -> list[float]:
        """Probabilities after a roll each way and in the mirror."""
        image = self.images[way]
        views = [*(np.roll(image, move, (0, 1)) for move in MOVES), image[:, ::-1]]
        return [float(p) for p in probabilities(np.stack(views))[:, self.number]]

    def likeness(self, way: int) -> float:
        """How much of the noise is still to be seen: the correlation of image and noise."""
        image = self.images[way].ravel().astype(np.float64)
        return float(np.corrcoef(image, self.noise.ravel())[0, 1]) if image.std() > 0 else 0.0

    def plain(self) -> float:
        """Return the variation per contrast without the term, but no more than noise with a little of it gone has."""
        return min(
            roughness(self.images[0]), AS_ROUGH * roughness(np.rint(255 * self.noise).astype(np.uint8))
        )

    def ratio(self) -> float:
        """Variation per contrast with the term, as a share of that without; NaN when it cannot be told."""
        plain, smooth = self.plain(), roughness(self.images[1])
        return smooth / plain if np.isfinite([roughness(self.images[0]), smooth]).all() else float("nan")

    def growth(self) -> float:
        """Return what the whole weight takes away beyond a small one, as a share of the variation without the term."""
        if self.between is None:
            return 1.0
        return (roughness(self.between) - roughness(self.images[1])) / self.plain()


def _ideals(found: Sequence[Answer]) -> list[_Ideal]:
    by_class: dict[int, list[Answer]] = {}
    for one in found:
        by_class.setdefault(int(one.key["class"]), []).append(one)
    return [
        _Ideal(
            number,
            (_saved(plain), _saved(smooth)),
            plain.key["noise"],
            _saved(between[0]) if between else None,
        )
        for number, (plain, smooth, *between) in by_class.items()
    ]


def _saved(answer: Answer) -> Pixels:
    """Return an image as it is after saving it as PNG and reading it again."""
    return from_png(to_png(np.asarray(answer.value, np.uint8)))


def _show_ideals(found: Sequence[_Ideal], at_most: float) -> None:
    rows = []
    for one in found[:2]:
        moved = [
            probabilities(np.stack([np.roll(image, shift, 1) for shift in SHIFTS_PX]))[:, one.number].tolist()
            for image in one.images
        ]
        row = {
            "name": top(np.eye(1000, dtype=np.float32)[one.number], 1)[0][0],
            "plain": one.images[0],
            "smooth": one.images[1],
            "p_plain": one.p(0),
            "p_smooth": one.p(1),
            "variation_plain": total_variation(one.images[0] / 255),
            "variation_smooth": total_variation(one.images[1] / 255),
            "ratio": one.ratio(),
            "at_most": at_most,
            "shift_px": list(SHIFTS_PX),
            "shift_plain": moved[0],
            "shift_smooth": moved[1],
        }
        if np.isfinite(one.ratio()):
            rows.append(row)
    if rows:
        show("ideal_images", "Your ideal images without and with the variation term", rows=rows)


@pytest.mark.exercise("ideal", asks="ideal")
def test_it_starts_from_the_noise(answers, levels):
    """The noise that you are given is where the image starts, and something of it is left."""
    found = _ideals(answers("ideal"))
    _show_ideals(found, 1 - levels["smooth"].full_at)
    hint = (
        "Start from the argument `noise`, not from grey or from noise of your own, whatever `tv_weight` is."
    )
    if any(image.std() == 0 for one in found for image in one.images):
        hint = "The image has one colour everywhere: start from `noise`, and return the image that the steps led to."
    elif any(image.max() <= 1 for one in found for image in one.images):
        hint = "The pixels lie between 0 and 1: multiply by 255 and round before changing to uint8."
    # Many steps with the term wash the noise away, and honestly; less of it only where the image is that smooth.
    washed = [1 - one.ratio() >= levels["washed"].full_at for one in found]
    require(
        min(
            one.likeness(way)
            for one, gone in zip(found, washed, strict=True)
            for way in ((0,) if gone else (0, 1))
        ),
        at_least=levels["noise"].full_at,
        what="smallest correlation between an image and its noise",
        hint=hint,
    )


@pytest.mark.exercise("ideal", points=15, asks="ideal", after="it_starts_from_the_noise")
def test_the_network_is_sure(answers, levels):
    """The network is sure of the class, without and with the variation term."""
    found = _ideals(answers("ideal"))
    worst = min(min(one.p(0), one.p(1)) for one in found)
    hint = "More steps, or larger ones: print the class probability every ten steps. Measure the rounded image, not the floats."
    if all((one.images[0] == np.rint(255 * one.noise)).all() for one in found):
        hint = "The noise came back as it was: did the optimiser get the image, and did you call backward() and step()?"
    elif worst < levels["ideal"].zero_at <= min(one.p(0) for one in found):
        hint = "Without the term it works, with it it does not: the term may win at first; take more steps, and do not blur afterwards."
    require_level(
        worst, levels=levels["ideal"], what="lowest probability of a class that was asked for", hint=hint
    )


@pytest.mark.exercise("ideal", points=15, asks="ideal", after="the_network_is_sure")
def test_the_term_smooths_it(answers, levels):
    """With the variation term an image varies less between neighbours, for as much contrast."""
    found = _ideals(answers("ideal"))
    hint = "Add tv_weight * total_variation(image) to the loss in every step, and take enough steps. Less contrast wins nothing: the variation is divided by the image's standard deviation."
    if any((one.images[0] == one.images[1]).all() for one in found):
        hint = "Both weights gave the same image: is the argument `tv_weight` used?"
    require(
        min(one.growth() for one in found),
        at_least=levels["grows"].full_at,
        what="share of the variation that the whole weight takes away beyond a small one",
        hint="The more weight the term has, the less may the image vary: multiply the variation in the loss by the argument `tv_weight`, whatever it is. What is done to the finished image does not grow with it.",
    )
    require_level(
        1 - float(np.mean([one.ratio() for one in found])),  # which class is drawn decides much of it
        levels=levels["smooth"],
        what="share of the variation per contrast that the term takes away, on average of the images",
        hint=hint,
    )


@pytest.mark.exercise("ideal", points=10, asks="ideal", after="it_starts_from_the_noise")
def test_a_small_shift_changes_little(answers, levels):
    """Moved by three pixels, or in the mirror, it is still an ideal image."""
    found = _ideals(answers("ideal"))
    require_level(
        min(p for one in found for way in (0, 1) for p in one.p_moved(way)),
        levels=levels["robust"],
        what="lowest probability after a move by 3 pixels or in the mirror",
        hint="Show the network a randomly rolled, sometimes mirrored copy in every step (jitter), so that no single pixel's place matters; that takes more steps.",
    )


@dataclass(frozen=True)
class _Attack:
    """One attacked photo, as it is when read from a file, and what the network says of it."""

    photo: Pixels
    changed: Pixels
    target: int
    epsilon: int

    @property
    def largest(self) -> int:
        return largest_change(self.photo, self.changed)

    @property
    def within(self) -> bool:
        return self.largest <= self.epsilon

    @property
    def p(self) -> npt.NDArray[np.float32]:
        return probabilities(self.changed[None])[0]

    @property
    def wins(self) -> bool:
        return self.within and int(self.p.argmax()) == self.target


def _attacks(found: Sequence[Answer]) -> list[_Attack]:
    return [
        _Attack(
            one.key["photo"],
            _saved(one),
            int(one.key["target"]),
            int(one.key["epsilon"]),
        )
        for one in found
    ]


def _advice(found: Sequence[_Attack]) -> str:
    """Say what to try next, from the photos that did not succeed."""
    lost = [one for one in found if not one.wins]
    over = [one for one in lost if not one.within]
    if len(found) > 1 and all((one.changed == found[0].changed).all() for one in found):
        return "The same picture came back for every photo: start from the argument `photo`."
    if over:
        return _budget_advice(over)
    if lost and all(one.largest == 0 for one in lost):
        return "The photo came back unchanged: a step is rate * gradient.sign(), taken from the photo in grey levels."
    if lost and all(one.largest < one.epsilon for one in lost):
        return "No pixel uses the whole budget of grey levels, where it did not succeed: use all of it."
    if lost and all(one.p[one.target] < 0.01 and one.p[_clean(one)] < 0.5 for one in lost):
        return "The answer moved away from the truth, but not to the target: go downhill on the loss of `class_index`, with a minus before the step."
    return "More and smaller steps: project back to the budget after each, and stop when the rounded image is taken for the target."


def _budget_advice(over: Sequence[_Attack]) -> str:
    worst = max(over, key=lambda one: one.largest)
    begin = "On some photos a pixel changed by more than `epsilon` grey levels. "
    if all(one.changed.max() <= 1 for one in over):
        return begin + "The pixels of your image lie between 0 and 1: clip to [0, 255] in grey levels."
    if all(np.abs(one.photo.astype(int) - one.changed.astype(int)).mean() > 4 * one.epsilon for one in over):
        return (
            begin
            + "It is another picture, not the photo with a small change: clip photo + change, not the change alone; a real picture of the target does not count."
        )
    if worst.largest == worst.epsilon + 1:
        return (
            begin
            + "One too many: round to whole numbers (np.rint) before astype(np.uint8), which cuts off, and project to exactly epsilon."
        )
    return (
        begin
        + "Project after every step: np.clip(image, photo - epsilon, photo + epsilon), with the argument `epsilon` in grey levels of 0 to 255, before any normalisation."
    )


def _clean(attack: _Attack) -> int:
    return int(probabilities(attack.photo[None])[0].argmax())


def _show_attacks(found: Sequence[_Attack]) -> None:
    from grader.checks import is_available

    rows = []
    for one in found[:2]:
        row = {
            "photo": one.photo,
            "adversarial": one.changed,
            "before": top(probabilities(one.photo[None])[0]),
            "after": top(one.p),
            "target": top(np.eye(1000, dtype=np.float32)[one.target], 1)[0][0],
            "epsilon": one.epsilon,
            "largest": one.largest,
        }
        if is_available("efficientnet_lite1"):
            row["second"] = top(probabilities(one.changed[None], "efficientnet_lite1")[0])
        rows.append(row)
    if rows:
        show("attacks", "Photo, your image, and what changed", rows=rows)


@pytest.mark.exercise("attack", points=20, asks=("pictured", "attack"))
def test_the_network_says_the_target(answers, levels):
    """Within the budget, the network says the class that was asked for."""
    pictured = _attacks(answers("pictured"))
    _show_attacks(pictured)
    found = _attacks(answers("attack"))
    if not pictured:
        _show_attacks(found)  # what everybody has is judged; were it hidden, the picture would be for staff
    require_count(
        sum(one.wins for one in found),
        of=len(found),
        levels=levels["attack"],
        what="photos taken for the target, within the budget:",
        hint=_advice(found),
    )


@pytest.mark.exercise("attack", points=10, asks="attack")
def test_it_is_sure_of_it(answers, levels):
    """The network is sure of the target; a photo outside the budget counts as probability 0."""
    found = _attacks(answers("attack"))
    require_level(
        float(np.mean([one.p[one.target] if one.within else 0.0 for one in found])),
        levels=levels["sure"],
        what="mean probability of the target",
        hint=_advice(found),
    )


@pytest.mark.exercise("half", points=10, asks="half")
def test_less_is_enough(answers, levels):
    """Half the budget is enough, if the steps are small and many."""
    found = _attacks(answers("half"))
    require_count(
        sum(one.wins for one in found),
        of=len(found),
        levels=levels["half"],
        what="photos taken for the target, within half the budget:",
        hint=_advice(found),
    )
