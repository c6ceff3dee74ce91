"""What `lab.check` does on a student's own machine: ask the notebook's functions, judge the answers by the public checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from grader import files
from grader.assignment import spec
from grader.checks.questions import Answer, Question
from grader.datasets import views
from grader.errors import SpecError, SubmissionError
from grader.judging.answer_notes import Sources, explain_note
from grader.judging.answers import conform
from grader.judging.in_kernel import Unusable, call
from grader.records import Check, Status

SYMBOLS = {Status.PASSED: "✓", Status.FAILED: "✗", Status.SKIPPED: "–", Status.ERROR: "!"}
Asked = dict[str, list[Answer]]


def verdicts(
    exercise: str, view: views.View | None, asked: Asked, namespace: Mapping[str, Any]
) -> Iterator[str]:
    """Yield what is printed about an exercise.

    Args:
        exercise: its id.
        view: the photos in use; None: the assignment has no data card.
        asked: answers of earlier checks, by question set; new ones are added.
        namespace: the notebook's globals.
    """
    folder = _assignment_folder(exercise)
    assignment = spec.load_public(folder)
    titles = {entry.id: entry.title for entry in assignment.exercises}
    if exercise not in titles:
        raise SpecError(f"lab.check: no exercise {exercise!r}; there are {', '.join(titles)}.")
    checks = _public_checks(exercise, assignment, folder, view, asked, namespace)
    earned, worth = sum(check.points for check in checks), sum(check.max_points for check in checks)
    yield f"{titles[exercise]}: {earned:g} of {worth:g} points by the public checks"
    yield from map(_describe, checks)


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
    released = sorted((files.public_parts() / "assignments").glob("*"))
    # The assignment beside the notebook goes before a released one with the same exercise.
    for folder in (Path.cwd(), *released):
        if not (folder / "check_public.py").is_file() or not (folder / "assignment.toml").is_file():
            continue
        # Beside the notebook even without the exercise, so that `verdicts` can name those that there are.
        if folder == Path.cwd() or any(entry.id == exercise for entry in spec.load_public(folder).exercises):
            return folder
    raise SpecError(
        f"lab.check: found no check_public.py with exercise {exercise!r}.",
        "Keep the notebook in the folder of its assignment, beside assignment.toml and check_public.py.",
    )


def _public_checks(
    exercise: str,
    assignment: spec.Assignment,
    folder: Path,
    view: views.View | None,
    asked: Asked,
    namespace: Mapping[str, Any],
) -> tuple[Check, ...]:
    # The session imports pytest, which takes time: only when a check is asked for.
    from grader.checks.check_files import load_checks, needed_sets
    from grader.checks.session import Case, run_checks
    from grader.judging import plan as plans

    path = folder / "check_public.py"
    card = spec.NO_CARD if view is None else view.card
    material = plans.public_material(view, assignment.on(card).counts)
    needed = needed_sets(load_checks(path), exercise)
    plan = {
        name: questions
        for name, questions in plans.plan_questions([path], material, plans.PUBLIC_SEED).items()
        if name in needed
    }
    answers = {name: _ask(name, questions, assignment, asked, namespace) for name, questions in plan.items()}
    case = Case(assignment, card, tuple(material.classes), tuple(material.groups), answers, only=exercise)
    verdicts = run_checks(path, case)
    # Something is logged only for broken checks, which no student can mend.
    if verdicts.log:
        raise SpecError(
            f"the public checks of {exercise!r} are broken; please tell your teachers.", verdicts.log
        )
    return tuple(
        # Of the checks that come before, only those that stand in the way.
        check
        for check in verdicts.checks
        if check.exercise == exercise or check.status is not Status.PASSED
    )


def _ask(
    name: str,
    questions: Sequence[Question],
    assignment: spec.Assignment,
    asked: Asked,
    namespace: Mapping[str, Any],
) -> list[Answer] | SubmissionError:
    """Ask here and now; answers of an earlier check are used again when the smallest question gets the same one."""
    sentinel = min(range(len(questions)), key=lambda position: _size(questions[position]))
    try:
        answer = _answer(questions[sentinel], assignment, namespace)
        # The answer to one question stands for all. At home that suffices: a graded notebook is asked everything.
        earlier_answers = asked.get(name)
        if (
            earlier_answers
            and len(earlier_answers) == len(questions)
            and np.array_equal(earlier_answers[sentinel].value, answer.value)
        ):
            return earlier_answers
        asked[name] = [
            answer if position == sentinel else _answer(question, assignment, namespace)
            for position, question in enumerate(questions)
        ]
    except SubmissionError as exc:
        return exc
    return asked[name]


def _size(question: Question) -> int:
    return sum(argument.size for argument in question.arguments if isinstance(argument, np.ndarray))


def _answer(question: Question, assignment: spec.Assignment, namespace: Mapping[str, Any]) -> Answer:
    entry_point = assignment.entry_point(question.entry_point)
    sizes = spec.bind_sizes(entry_point.inputs, question.arguments)
    try:
        array = call(namespace.get(question.entry_point), question.arguments)
    except Unusable as exc:
        # Like the note that a graded kernel writes (`in_kernel.ask`), so that both are told in the same words.
        note = {"kind": exc.kind, "text": exc.text}
        raise explain_note(note, entry_point, sizes, Sources(), told=True) from exc
    return Answer(conform(array, entry_point.output, sizes, question.entry_point), question.key)
