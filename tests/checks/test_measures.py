"""What a check demanded, one row a measure: the rows themselves are tested with what shows them, in `tests/lab`."""

from __future__ import annotations

from grader.checks.measures import Measure, measures, share_bounds
from grader.messages import Message, joined
from grader.records import Check, Status

ACCURACY = Message("{what} {value:.2f}", what=Message.of("top-1 accuracy"), value=0.5)


def check(measured: list[Message], required: list[str]) -> Check:
    bounds = joined([Message.of(text) for text in required])
    return Check("x", "y", Status.FAILED, 0, 1, joined(measured), bounds)


def test_the_name_of_a_measure_is_taken_apart_from_its_value() -> None:
    assert measures(check([ACCURACY], ["at least 0.8"])) == [
        Measure("top-1 accuracy 0.50", "at least 0.8", "top-1 accuracy", "0.50")
    ]


def test_what_is_said_after_a_measure_belongs_to_its_value() -> None:
    later = Message("{words}; shown since scored attempt {number}", words=ACCURACY, number=1)

    assert measures(check([later], ["x"]))[0].value == "0.50; shown since scored attempt 1"


def test_a_sentence_has_no_name() -> None:
    assert measures(check([Message.of("classify raised KeyError")], ["x"]))[0].name == ""


def test_bounds_are_shared_only_where_nobody_can_tell_whose_they_are() -> None:
    assert share_bounds(measures(check([ACCURACY] * 3, ["a", "b"])))
    assert not share_bounds(measures(check([ACCURACY] * 2, ["a", "b"])))
