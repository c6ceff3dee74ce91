"""What the notebooks import: photos, a network, pictures, and the public checks. No staff code stands behind it.

```python
from grader import lab
lab.setup(data_dir=data_dir, scratch_dir=scratch_dir, seed=seed, device=device, language=language)
train = lab.photos("train")          # .images uint8 [n, 224, 224, 3], .labels int64 [n], .names
lab.check("breeds")                  # what was measured, what is required, what to try next
```
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from grader import backbones, cards, determinism, pets, settings, spec
from grader.artifacts import conform, explain_note
from grader.errors import SpecError, SubmissionError
from grader.probe_cell import Unusable, call
from grader.questions import Answer, Material, Question
from grader.records import Check, Status

__all__ = [
    "available",
    "backbone",
    "breeds",
    "card",
    "cat_photo",
    "check",
    "imagenet_classes",
    "photos",
    "setup",
    "show",
    "species",
]

PUBLIC_SEED = 2026  # public checks draw the same numbers for everyone
GRADED_DATA, GRADED_VARIABLE = "/pawgrade/data", "PAWGRADE_LEASE"  # how a notebook that is graded can be told
SYMBOLS = {Status.PASSED: "✓", Status.FAILED: "✗", Status.SKIPPED: "–", Status.ERROR: "!"}


@dataclass
class _Lab:
    """What `setup` found."""

    view: pets.View | None = None
    device: str = "cpu"
    scratch_dir: Path = Path()
    asked: dict[str, list[Answer]] = field(default_factory=dict)


_lab = _Lab()


def setup(
    data_dir: str | None = None,
    scratch_dir: str = ".",
    *,
    seed: int = 0,
    device: str = "cpu",
    language: str = "en",
) -> None:
    """Find the photos, seed every source of randomness, choose the device; on a GPU, ask torch to be repeatable.

    Args:
        data_dir: folder with the public splits, as the grader prepares it. None: real photos if `PAWGRADE_DATA`
            names them, otherwise toy pets, drawn once and kept in a cache.
        scratch_dir: where the notebook may write.
        seed: for `random`, numpy and torch.
        device: `cpu` or `cuda`.
        language: language of the notebook's messages; `en`.

    Raises:
        GraderError: there are no photos there; the message says what to do.
    """
    import torch

    del language  # one language so far; the parameter is part of the contract
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - students use the global generator too
    torch.manual_seed(seed)
    if device != "cpu":
        determinism.apply()
    _lab.view = pets.read_view(Path(data_dir)) if data_dir else _own_view()
    _lab.device, _lab.scratch_dir = device, Path(scratch_dir)
    _lab.asked.clear()


def _own_view() -> pets.View:
    chosen = settings.load(None, os.environ)
    found = cards.load_card(pets.choose(("oxford_pets", "cats_and_dogs", "toy_pets"), chosen.data_folder))
    folder = pets.find(found, chosen.data_folder, chosen.cache)
    split = folder.name if chosen.data_folder is None else "real"
    return pets.read_view(
        pets.public_view(found, folder, found.label_spaces[0], chosen.cache / f"view-{found.id}-{split}")
    )


def _view() -> pets.View:
    if _lab.view is None:
        setup()
    if _lab.view is None:
        raise SpecError("lab.setup did not find photos.")
    return _lab.view


def photos(split: str) -> pets.Photos:
    """Return the photos of `"train"` or `"validation"`: images uint8 `[n, 224, 224, 3]`, labels int64 `[n]`, names."""
    return _view().photos(split)


def breeds() -> tuple[str, ...]:
    """Return the breeds' names; a label is a position in them."""
    return _view().breeds


def species() -> tuple[bool, ...]:
    """Return for each breed whether it is a cat."""
    return _view().species


def card() -> str:
    """Return title, licence and citation of the photos in use."""
    return _view().credit


def backbone(name: str = "efficientnet_lite0") -> backbones.Backbone:
    """Return a network with ImageNet weights, in eval mode, on the device in use.

    Args:
        name: `efficientnet_lite0` and `efficientnet_lite1` are always there; the weights of `vgg16`, `vgg19`, `resnet18`,
            `resnet50`, `mobilenet_v2` and `mobilenet_v3_large` are downloaded once and kept.

    Raises:
        GraderError: there is no such network, or its weights are not to be had; the message says what to do.
    """
    return backbones.backbone(name, _lab.device)


def available(name: str) -> bool:
    """Return whether `backbone(name)` works at once, without a download."""
    return backbones.is_available(name)


def imagenet_classes() -> tuple[str, ...]:
    """Return the names of the 1000 ImageNet classes."""
    return backbones.imagenet_classes()


def cat_photo() -> npt.NDArray[np.uint8]:
    """Return a photo of a cat (Chelsea, by Stefan van der Walt, CC0) as uint8 `[224, 224, 3]`."""
    return pets.cat_photo()


def show(images: Sequence[npt.NDArray[Any]], titles: Sequence[str] | None = None, columns: int = 6) -> None:
    """Draw photos in a grid with matplotlib.

    Args:
        images: uint8 or float in [0, 1], each `[h, w, 3]`.
        titles: one an image.
        columns: photos in a row.
    """
    from matplotlib import pyplot

    rows = -(-len(images) // columns)
    figure, axes = pyplot.subplots(rows, columns, figsize=(1.7 * columns, 1.95 * rows), dpi=72, squeeze=False)
    for place, axis in enumerate(axes.flat):
        axis.axis("off")
        if place < len(images):
            axis.imshow(images[place])
            if titles is not None:
                axis.set_title(titles[place], fontsize=8)
    figure.tight_layout()
    pyplot.show()


def check(exercise: str) -> None:
    """Run the public checks of an exercise on what the notebook defines now, and print the verdicts.

    It asks about the validation photos and about numbers of its own. The grade is decided on photos that nobody has
    seen. A wrong answer prints a hint; it raises nothing. While a notebook is graded nothing is asked here: the same
    checks and more follow when it has run.
    """
    caller = sys._getframe(1).f_globals
    folder = _assignment_folder(exercise)
    assignment = spec.load_public(folder)
    titles = {one.id: one.title for one in assignment.exercises}
    if exercise not in titles:
        raise SpecError(f"lab.check: no exercise {exercise!r}; there are {', '.join(titles)}.")
    if caller.get("data_dir") == GRADED_DATA or GRADED_VARIABLE in os.environ:
        print(f"{titles[exercise]}: judged when the notebook has run")  # noqa: T201
        return
    checks = _public_checks(exercise, assignment, folder, caller)
    earned, worth = sum(one.points for one in checks), sum(one.max_points for one in checks)
    print(f"{titles[exercise]}: {earned:g} of {worth:g} points by the public checks")  # noqa: T201
    for one in checks:
        print(_describe(one))  # noqa: T201


def _describe(check: Check) -> str:
    lines = [f"{SYMBOLS[check.status]} {check.title}"]
    if check.measured:
        lines.append(f"    measured: {check.measured}")
    if check.required and check.status is not Status.PASSED:
        lines.append(f"    required: {check.required}")
    if check.hint:
        lines.append(f"    hint: {check.hint}")
    return "\n".join(lines)


def _assignment_folder(exercise: str) -> Path:
    """Find `assignment.toml` and `check_public.py`: beside the notebook, else among the released assignments."""
    here = Path(__file__).resolve().parent
    released = [
        folder
        for root in (here / "course", here.parent)
        for folder in sorted((root / "assignments").glob("*"))
    ]
    for folder in (Path.cwd(), *released):
        if not (folder / "check_public.py").is_file() or not (folder / "assignment.toml").is_file():
            continue
        if folder == Path.cwd() or any(one.id == exercise for one in spec.load_public(folder).exercises):
            return folder
    raise SpecError(
        f"lab.check: found no check_public.py with exercise {exercise!r}.",
        "Keep the notebook in the folder of its assignment, beside assignment.toml and check_public.py.",
    )


def _public_checks(
    exercise: str, assignment: spec.Assignment, folder: Path, namespace: Mapping[str, Any]
) -> tuple[Check, ...]:
    from grader.marks import load_checks, needed_sets
    from grader.pytest_plugin import Case, run_checks

    path = folder / "check_public.py"
    module = load_checks(path)
    validation = photos("validation")
    images, rng = np.asarray(validation.images), np.random.default_rng(PUBLIC_SEED)
    counts = assignment.on(_view().card).counts
    labels = validation.labels
    material = Material(images, labels, breeds(), species(), rng, images, counts, shown_labels=labels)
    plan = {
        name: asked
        for name, asked in module.questions(material).items()
        if name in needed_sets(module, exercise)
    }
    answers = {name: _ask(name, questions, assignment, namespace) for name, questions in plan.items()}
    case = Case(assignment, _view().card, breeds(), species(), answers, only=exercise)
    verdicts = run_checks(path, case)
    if verdicts.log:
        raise SpecError(
            f"the public checks of {exercise!r} are broken; please tell your teachers.", verdicts.log
        )
    return tuple(
        one for one in verdicts.checks if one.exercise == exercise or one.status is not Status.PASSED
    )


def _ask(
    name: str, questions: Sequence[Question], assignment: spec.Assignment, namespace: Mapping[str, Any]
) -> list[Answer] | SubmissionError:
    """Ask here and now; answers of an earlier check are used again when the smallest question gets the same one."""
    sentinel = min(range(len(questions)), key=lambda place: _size(questions[place]))
    try:
        answer = _answer(questions[sentinel], assignment, namespace)
        known = _lab.asked.get(name)
        if known and len(known) == len(questions) and np.array_equal(known[sentinel].value, answer.value):
            return known
        _lab.asked[name] = [
            answer if place == sentinel else _answer(question, assignment, namespace)
            for place, question in enumerate(questions)
        ]
    except SubmissionError as exc:
        return exc
    return _lab.asked[name]


def _size(question: Question) -> int:
    return sum(argument.size for argument in question.arguments if isinstance(argument, np.ndarray))


def _answer(question: Question, assignment: spec.Assignment, namespace: Mapping[str, Any]) -> Answer:
    entry_point = assignment.entry_point(question.entry_point)
    sizes = spec.bind_sizes(entry_point.inputs, question.arguments)
    try:
        array = call(namespace.get(question.entry_point), question.arguments)
    except Unusable as exc:
        note = {"kind": exc.kind, "text": exc.text}
        raise explain_note(note, entry_point.output, sizes, question.entry_point) from exc
    return Answer(conform(array, entry_point.output, sizes, question.entry_point), question.key)
