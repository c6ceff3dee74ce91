"""Ask a notebook's functions here and now, each set of questions within its function's budget, as a graded kernel does."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from grader.assignment import spec
from grader.checks.questions import Answer, Array, Question
from grader.errors import SubmissionError
from grader.judging.answer_notes import Sources, explain_note, retraced
from grader.judging.answers import conform
from grader.judging.in_kernel import Unusable, call
from grader.judging.probe import Answers, Asking, Plan, number_of

Asked = dict[str, list[Answer]]
RING_AGAIN_S = 1.0  # a bare `except:` of the student's may have swallowed the first alarm


class OutOfTime(BaseException):
    """The function is over its budget; no `Exception`, so that few functions catch it."""


def ask(
    plan: Plan, numbered: Plan, assignment: spec.Assignment, earlier: Asked, namespace: Mapping[str, Any]
) -> Answers:
    """Ask all questions of a plan; the rules are those of `judging.probe.Asking`.

    Args:
        plan: what is asked.
        numbered: all public questions: a question's number among them stands in the call that repeats it.
        assignment: names contracts and budgets.
        earlier: answers of earlier checks, by question set; complete sets are added.
        namespace: the notebook's globals.
    """
    asking = Asking(plan, assignment, Path(), (), public=True)
    for name, questions in plan.items():
        if questions and questions[0].entry_point not in asking.broken:
            _ask_set(asking, name, numbered, earlier, namespace)
    return asking.answers()


def _ask_set(asking: Asking, name: str, numbered: Plan, earlier: Asked, namespace: Mapping[str, Any]) -> None:
    """Ask one set, the smallest question first: where its answer is that of an earlier check, the others are as well."""
    questions = asking.plan[name]
    left_s = asking.assignment.entry_point(questions[0].entry_point).budget_s
    # The answer to one question stands for all. At home that suffices: a graded notebook is asked everything.
    order = sorted(range(len(questions)), key=lambda position: _size(questions[position]))
    for position in order:
        if left_s <= 0:
            asking.spent.add(name)
            return
        begin = time.monotonic()
        try:
            with within(left_s):
                value = _answer(questions[position], asking.assignment, numbered, namespace)
        except OutOfTime:
            asking.spent.add(name)
            return
        except SubmissionError as exc:
            asking.refused[name] = exc
            if questions[position].shown:
                asking.broken[questions[position].entry_point] = exc
            return
        left_s -= time.monotonic() - begin
        asking.values[name, position] = value
        if position == order[0] and _is_as_before(earlier.get(name), position, value, questions):
            asking.values.update(
                {(name, number): answer.value for number, answer in enumerate(earlier[name])}
            )
            return
    earlier[name] = [
        Answer(asking.values[name, number], question.key) for number, question in enumerate(questions)
    ]


def _is_as_before(
    before: Sequence[Answer] | None, position: int, value: Array, questions: Sequence[Question]
) -> bool:
    # Whole numbers (labels, 0 or 1) are alike by luck: another function may give the same few. Fractions are not.
    return (
        before is not None
        and len(before) == len(questions)
        and np.array_equal(before[position].value, value)
        and not np.array_equal(value, np.round(value))
    )


def _size(question: Question) -> int:
    return sum(argument.size for argument in question.arguments if isinstance(argument, np.ndarray))


def _answer(
    question: Question, assignment: spec.Assignment, numbered: Plan, namespace: Mapping[str, Any]
) -> Array:
    entry_point = assignment.entry_point(question.entry_point)
    sizes = spec.bind_sizes(entry_point.inputs, question.arguments)
    try:
        array = call(namespace.get(question.entry_point), question.arguments)
    except Unusable as exc:
        # The note that a graded kernel writes, so that both are told in the same words.
        note, sources = exc.to_note(), history()
        words = explain_note(note, entry_point, sizes, sources, told=True)
        raise retraced(words, note, entry_point.name, number_of(numbered, question), sources) from exc
    return conform(array, entry_point.output, sizes, question.entry_point)


def history() -> Sources:
    """Return the cells that this session has run, numbered as Jupyter shows them; none outside of IPython."""
    try:
        cells = sys.modules["IPython"].get_ipython().history_manager.input_hist_raw
    except (KeyError, AttributeError):
        return Sources()
    return Sources(list(enumerate(cells))[1:], most_lines=sys.maxsize)


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Interrupt what runs here when its seconds are over.

    Where there are no alarms (on Windows, and beside the main thread) it runs to its end and is refused then.

    Args:
        seconds: on the clock, more than 0.

    Raises:
        OutOfTime: it took longer.
    """
    begin = time.monotonic()
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        if time.monotonic() - begin > seconds:
            raise OutOfTime
        return
    armed = True

    def ring(*_: object) -> None:
        if armed:
            raise OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, RING_AGAIN_S)
    try:
        yield
        # Whoever caught the alarm was late all the same.
        if time.monotonic() - begin > seconds:
            raise OutOfTime
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
