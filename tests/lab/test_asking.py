"""Functions are asked at home by the rules of a graded kernel: budgets, refusals, and where in the notebook one raised."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from grader.assignment.spec import Assignment, EntryPoint, Exercise, Value
from grader.checks.questions import Answer, Question
from grader.errors import SubmissionError
from grader.judging.probe import Answers
from grader.lab.asking import OutOfTime, ask, history, within

DOUBLE = EntryPoint(
    name="double",
    budget_s=0.3,
    inputs=(Value(name="numbers", dtype="float64", shape=("n",)),),
    output=Value(dtype="float", shape=("n",)),
)
LAB = Assignment(
    id="tiny",
    title="Tiny",
    points=1,
    pass_points=1,
    exercises=(Exercise(id="double", title="Double", points=1),),
    entry_points=(DOUBLE,),
)


def questions(*sizes: int, partial: bool = False) -> list[Question]:
    return [Question("double", (np.ones(size),), partial=partial) for size in sizes]


def asked(function: Any, plan: list[Question], earlier: dict[str, list[Answer]] | None = None) -> Any:
    answers: Answers = ask(
        {"set": plan}, {"set": plan}, LAB, {} if earlier is None else earlier, {"double": function}
    )
    return answers["set"]


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    """A real IPython in this process; its history stays in memory."""
    config = Config({"HistoryManager": {"hist_file": ":memory:"}})
    yield InteractiveShell.instance(config=config)
    InteractiveShell.clear_instance()


def test_every_question_is_answered_in_its_place() -> None:
    answers = asked(lambda numbers: 2 * numbers, questions(3, 1, 2))

    assert [answer.value.tolist() for answer in answers] == [[2.0] * 3, [2.0], [2.0] * 2]


def test_a_function_that_is_over_its_budget_is_interrupted_and_told() -> None:
    begin = time.monotonic()

    error = asked(lambda numbers: time.sleep(20), questions(1))

    assert time.monotonic() - begin < 10
    assert isinstance(error, SubmissionError)
    assert "double: no answer within 0.3 s" in str(error)


def test_what_was_answered_in_time_counts_where_the_questions_say_so() -> None:
    def slow(numbers: Any) -> Any:
        time.sleep(0.4 if len(numbers) == 2 else 0)
        return 2 * numbers

    answers = asked(slow, questions(1, 2, partial=True))

    assert answers[0].value.tolist() == [2.0]
    assert np.isnan(answers[1].value).all()


def test_a_function_that_catches_everything_is_late_all_the_same() -> None:
    def stubborn(numbers: Any) -> Any:
        try:
            time.sleep(20)
        except:  # noqa: E722
            return 2 * numbers

    assert isinstance(asked(stubborn, questions(1)), SubmissionError)


def test_without_alarms_a_late_answer_is_refused_when_it_comes() -> None:
    late: list[str] = []

    def run() -> None:
        try:
            with within(0.01):
                time.sleep(0.05)
        except OutOfTime:
            late.append("late")

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()

    assert late == ["late"]


def test_an_alarm_that_was_not_needed_rings_no_more() -> None:
    with within(0.05):
        pass
    time.sleep(0.1)


def test_the_same_answer_to_the_smallest_question_stands_for_all() -> None:
    calls: list[int] = []

    def counting(numbers: Any) -> Any:
        calls.append(len(numbers))
        return 2.5 * numbers

    earlier: dict[str, list[Answer]] = {}
    first, again = (asked(counting, questions(3, 1), earlier) for _ in range(2))

    assert calls == [1, 3, 1]
    assert [answer.value.tolist() for answer in again] == [answer.value.tolist() for answer in first]


def test_whole_numbers_may_be_the_same_by_luck_so_all_is_asked_again() -> None:
    earlier: dict[str, list[Answer]] = {}

    asked(lambda numbers: 0 * numbers, questions(3, 1), earlier)
    again = asked(
        lambda numbers: np.arange(len(numbers)), questions(3, 1), earlier
    )  # of one number: 0, as before

    assert again[0].value.tolist() == [0, 1, 2]


def test_a_function_that_raises_is_told_with_its_lines_and_a_call_to_paste(shell: InteractiveShell) -> None:
    shell.run_cell("def third(numbers):\n    return numbers[2]", store_history=True)
    shell.run_cell("def double(numbers):\n    x = 1\n    return third(numbers) * 2", store_history=True)

    error = asked(shell.user_ns["double"], questions(3, 1))

    assert "double raised IndexError" in str(error.message)
    assert "cell 1, line 2: return numbers[2]; called in cell 2, line 3: return third(numbers) * 2" in str(
        error.message
    )
    assert str(error.hint).endswith('double(*lab.call("double", 1))')  # the smallest was asked first


def test_outside_of_ipython_there_are_no_cells() -> None:
    assert history().cells == ()
