"""What `lab.check` does on a student's own machine: ask the notebook's functions, judge the answers by the public checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grader import files
from grader.assignment import spec
from grader.checks.questions import Answer, Argument, Question
from grader.datasets import views
from grader.errors import SpecError, SubmissionError
from grader.judging.probe import Answers, Plan
from grader.lab import asking
from grader.lab.results import ExerciseResult, LabResult, Mistake
from grader.records import Check, Status


@dataclass(frozen=True)
class PublicLab:
    """The public checks of the assignment beside the notebook.

    Attributes:
        assignment: its description.
        path: its check file.
        card: id of the data card in use.
        classes: their names.
        groups: name of the group of each class, "" without one.
        plan: all public questions, by set.
    """

    assignment: spec.Assignment
    path: Path
    card: str
    classes: tuple[str, ...]
    groups: tuple[str, ...]
    plan: Plan

    @property
    def titles(self) -> dict[str, str]:
        """The exercises' titles, by id."""
        return {entry.id: entry.title for entry in self.assignment.exercises}


def public_lab(name: str | None, view: views.View | None) -> PublicLab:
    """Read the public checks and plan their questions.

    Args:
        name: of an exercise or a function that the assignment should have; None: whatever lies beside the notebook.
        view: the photos in use; None: the assignment has no data card.

    Raises:
        SpecError: there are no such checks.
    """
    from grader.judging import plan as plans

    folder = _assignment_folder(name)
    assignment, path = spec.load_public(folder), folder / "check_public.py"
    card = spec.NO_CARD if view is None else view.card
    material = plans.public_material(view, assignment.on(card).counts)
    plan = plans.plan_questions([path], material, plans.PUBLIC_SEED)
    return PublicLab(assignment, path, card, tuple(material.classes), tuple(material.groups), plan)


def results(
    exercise: str | None, view: views.View | None, earlier: asking.Asked, namespace: Mapping[str, Any]
) -> ExerciseResult | LabResult:
    """Ask the notebook's functions and judge what they answer.

    Args:
        exercise: id of an exercise; None: all of them.
        view: the photos in use; None: the assignment has no data card.
        earlier: answers of earlier checks, by question set; new ones are added.
        namespace: the notebook's globals.

    Raises:
        SpecError: there is no such exercise, or its checks are broken.
    """
    # The session imports pytest, which takes time: only when a check is asked for.
    from grader.checks.check_files import load_checks, needed_sets

    lab = public_lab(exercise, view)
    if exercise is not None:
        _require_exercise(exercise, lab.titles)
    module = load_checks(lab.path)
    needed = {each: needed_sets(module, each) for each in ([exercise] if exercise else lab.titles)}
    set_names = set().union(*needed.values())
    plan = {name: questions for name, questions in lab.plan.items() if name in set_names}
    answers = asking.ask(plan, lab.plan, lab.assignment, earlier, namespace)
    # Sets that no check of an exercise reads stay unasked.
    checks = _judged(lab, {name: answers.get(name, ()) for name in lab.plan}, exercise)
    if exercise is not None:
        return _result(exercise, lab, checks, answers, needed[exercise])
    return LabResult(
        tuple(
            _result(each, lab, [check for check in checks if check.exercise == each], answers, sets)
            for each, sets in needed.items()
        )
    )


def arguments(name: str, number: int, view: views.View | None) -> tuple[Argument, ...]:
    """Return what the public checks ask a function with.

    Args:
        name: of the function, or id of an exercise: then of the first function that its checks ask.
        number: which of the public questions about this function, from 0.
        view: the photos in use; None: the assignment has no data card.

    Raises:
        SpecError: nothing public is asked by that name or number.
    """
    from grader.checks.check_files import load_checks, needed_sets

    lab = public_lab(name, view)
    questions = [question for asked in lab.plan.values() for question in asked]
    functions = list(dict.fromkeys(question.entry_point for question in questions))
    asked = [question for question in questions if question.entry_point == name]
    if name not in functions and name in lab.titles:
        needed = needed_sets(load_checks(lab.path), name)
        asked = [question for key, group in lab.plan.items() if key in needed for question in group]
    if not asked:
        raise SpecError(f"lab.call: no public check asks {name!r}.", f"They ask {', '.join(functions)}.")
    if not 0 <= number < len(asked):
        raise SpecError(
            f"lab.call: {name} is asked {len(asked)} public questions, found number {number}.",
            f"They are numbered from 0 to {len(asked) - 1}.",
        )
    return asked[number].arguments


def _require_exercise(exercise: str, titles: Iterable[str]) -> None:
    if exercise not in titles:
        raise SpecError(f"lab.check: no exercise {exercise!r}; there are {', '.join(titles)}.")


def _result(
    exercise: str, lab: PublicLab, checks: Sequence[Check], answers: Answers, sets: set[str]
) -> ExerciseResult:
    mistakes = {
        mistake.photo.tobytes(): mistake
        for name in lab.plan
        if name in sets
        for question, answer in _pairs(lab.plan[name], answers[name])
        for mistake in mistaken(question, answer, lab.classes)
    }
    return ExerciseResult(exercise, lab.titles[exercise], tuple(checks), tuple(mistakes.values()))


def _pairs(
    questions: Sequence[Question], answers: Sequence[Answer] | SubmissionError
) -> Iterable[tuple[Question, Answer]]:
    return () if isinstance(answers, SubmissionError) else zip(questions, answers, strict=True)


def mistaken(question: Question, answer: Answer, classes: Sequence[str]) -> list[Mistake]:
    """Return the photos of a question that were named wrongly; [] where it asks for no scores of classes.

    Args:
        question: what was asked.
        answer: scores `[n, classes]`, with `labels` in its key, and `index` where labels are those of all photos.
        classes: their names.
    """
    photos = next(
        (
            argument
            for argument in question.arguments
            if isinstance(argument, np.ndarray) and argument.dtype == np.uint8 and argument.ndim == 4
        ),
        None,
    )
    scores, labels = np.asarray(answer.value), question.key.get("labels")
    if photos is None or labels is None or scores.shape != (len(photos), len(classes)):
        return []
    # Mirrored photos would be told as mistakes twice.
    flip = question.key.get("flip", np.zeros(len(photos), bool))
    if "index" in question.key:
        labels = labels[question.key["index"]]
    if len(labels) != len(photos):
        return []
    named = np.nan_to_num(scores.astype(np.float64), nan=-np.inf).argmax(1)
    return [
        Mistake(np.asarray(photos[row]), classes[int(labels[row])], classes[int(named[row])])
        for row in np.flatnonzero((named != labels) & ~np.asarray(flip, bool))
    ]


def _assignment_folder(name: str | None) -> Path:
    """Find `assignment.toml` and `check_public.py`: beside the notebook, else among the released assignments."""
    released = sorted((files.public_parts() / "assignments").glob("*"))
    # The assignment beside the notebook goes before a released one with the same exercise.
    for folder in (Path.cwd(), *released):
        if not (folder / "check_public.py").is_file() or not (folder / "assignment.toml").is_file():
            continue
        # Beside the notebook even without the exercise, so that `results` can name those that there are.
        if folder == Path.cwd() or name in _names(spec.load_public(folder)):
            return folder
    what = "assignment" if name is None else f"check_public.py with exercise {name!r}"
    raise SpecError(
        f"lab.check: found no {what}.",
        "Keep the notebook in the folder of its assignment, beside assignment.toml and check_public.py.",
    )


def _names(assignment: spec.Assignment) -> set[str]:
    exercises, functions = assignment.exercises, assignment.entry_points
    return {entry.id for entry in exercises} | {entry_point.name for entry_point in functions}


def _judged(lab: PublicLab, answers: Answers, exercise: str | None) -> tuple[Check, ...]:
    from grader.checks.session import Case, run_checks

    verdicts = run_checks(
        lab.path, Case(lab.assignment, lab.card, lab.classes, lab.groups, answers, only=exercise)
    )
    # Something is logged only for broken checks, which no student can mend.
    if verdicts.log:
        raise SpecError(
            f"the public checks of {exercise or lab.assignment.id!r} are broken; please tell your teachers.",
            verdicts.log,
        )
    return tuple(
        # Of the checks that come before, only those that stand in the way.
        check
        for check in verdicts.checks
        if exercise is None or check.exercise == exercise or check.status is not Status.PASSED
    )
