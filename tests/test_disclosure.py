"""What of hidden questions may be said: no number finer than the points, no picture, no word that is not in a check file."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader import disclosure
from grader.checks.questions import Answer
from grader.checks.session import Verdicts
from grader.errors import SubmissionError
from grader.gradebook import attempts
from grader.messages import Message
from grader.records import Check, Grade, Picture, Requirement, Seconds, StaffNotes, Status
from tests.checks.test_session import check_text, one, run
from tests.support.notebooks import toy_grade

__all__ = ["run"]  # a fixture

Run = Callable[..., Verdicts]
LEVELLED = 'require_count({right}, of=100, levels=levels["breeds"], what="top-1", hint="Train for longer.")'


def told(run: Run, body: str, mark: str = '"breeds", points=30', **changes: object) -> Check:
    return one(run(check_text(body, mark), **{"hidden": True, **changes}))


# Steps


@given(st.floats(0, 0.999999), st.sampled_from([0, 1, 2, 5, 7.5, 10, 25, 30]))
def test_points_are_the_nearest_step_and_never_all_of_them(share: float, worth: float) -> None:
    found, size = disclosure.points(share, worth), worth / disclosure.steps(worth)

    assert found <= worth - size + 0.006
    assert abs(found - share * worth) <= (size / 2 if share < 1 - size / (worth or 1) / 2 else size) + 0.006
    assert disclosure.steps(worth) <= disclosure.STEPS


def test_nan_is_no_share_and_the_whole_is_the_whole() -> None:
    assert [disclosure.points(share, 30) for share in (math.nan, -1.0, 0.0, 1.0)] == [0, 0, 0, 30]


@given(st.integers(0, 100), st.integers(0, 100))
def test_equal_points_come_with_equal_words(one: int, other: int) -> None:
    shares = [min(1.0, max(0.0, (right / 100 - 0.5) / 0.3)) for right in (one, other)]
    words = [disclosure.band(share, 10, 0.5, 0.8) for share in shares]
    earned = [disclosure.points(share, 10) for share in shares]

    assert (words[0] == words[1]) == (earned[0] == earned[1])


# Verdicts


def test_an_accuracy_on_hidden_photos_is_said_no_finer_than_its_points(run: Run) -> None:
    found = [told(run, LEVELLED.format(right=right)) for right in (64, 65, 66)]

    assert {dataclasses.replace(one, requirements=(), exact=Message("")) for one in found} == {
        Check(
            "one",
            "breeds",
            Status.FAILED,
            15.0,
            30,
            Message(
                "{what} {value}",
                what=Message("top-1"),
                value=Message("about {value:.2g}", value=0.65),  # no digit more is stored
            ),
            Message("at least {full:.3g} for full points, more than {zero:.3g} for any", full=0.8, zero=0.5),
            Message("Train for longer."),
            "Do it.",
        )
    }
    assert "(64 of 100; 95 % interval" in str(found[0].exact)
    assert found[0].requirements[0].successes == 64


@pytest.mark.parametrize(
    ("right", "points", "words"), [(80, 30, "0.8 or more"), (79, 27, "about 0.77"), (51, 0, "less than 0.52")]
)
def test_full_stays_full_and_luck_at_the_edge_earns_nothing(
    run: Run, right: int, points: float, words: str
) -> None:
    found = told(run, LEVELLED.format(right=right))

    assert (found.points, str(found.measured)) == (points, f"top-1 {words}")
    assert (found.status is Status.PASSED) == (points == 30)


def test_of_other_demands_it_is_said_whether_they_were_met(run: Run) -> None:
    met = told(run, 'require(0.1234567, at_most=0.2, what="gap", hint="Close it.")')
    failed = told(run, 'require(0.7654321, at_most=0.2, what="gap", hint="Close the gap.")')

    assert (str(met.measured), str(failed.measured), str(failed.required)) == (
        "gap: as required",
        "gap: not as required",
        "at most 0.2",
    )
    assert (str(met.exact), str(failed.exact)) == ("gap: 0.123457", "gap: 0.765432")


def test_a_hint_that_no_check_file_holds_is_not_told(run: Run) -> None:
    body = 'n = {n}; require(n, at_most=2, what="gap", hint={hint})'
    composed, fixed = (
        'f"Exactly {n} photos are wrong."',
        '"Close the gap between the two. " + "Then again later."',
    )

    assert told(run, body.format(n=17, hint=composed)).hint == disclosure.OTHER_HINT
    assert (
        str(told(run, body.format(n=17, hint=fixed)).hint)
        == "Close the gap between the two. Then again later."
    )
    assert str(one(run(check_text(body.format(n=17, hint=composed)))).hint) == "Exactly 17 photos are wrong."


def test_a_checks_own_refusal_is_told_only_in_words_of_its_file(run: Run) -> None:
    numbered = 'raise SubmissionError(f"found {sum(range(9))} of them", "Look at your numbers again.")'
    given = SubmissionError("classify raised ValueError", "Mend it.")

    assert told(run, numbered).measured == disclosure.OTHER_ERROR
    assert str(told(run, numbered).exact) == "found 36 of them"
    mark = '"breeds", points=4, asks="broken"'
    assert told(run, 'answers("broken")', mark, answers={"broken": given}).measured == given.message


def test_parts_of_an_answer_are_counted_and_not_named(run: Run) -> None:
    body = 'require_parts({right}, of=6, what="right answers", hint="Read it again.")'

    found = [told(run, body.format(right=right), '"breeds", points=12') for right in (0, 3, 6)]

    assert [str(check.measured) for check in found] == [f"right answers: {right} of 6" for right in (0, 3, 6)]
    assert [check.points for check in found] == [0, 6, 12]


PICTURE = 'show("confusion", "Who", matrix=[[1]], names=["pug"]); require(1, at_least=1, hint="Go on.")'


@pytest.mark.parametrize(
    ("body", "public"),
    [
        (f'{PICTURE}; answers("photos")', True),
        (f'answers("photos"); {PICTURE}', False),
        (f'answers("public"); {PICTURE}', True),
        (f'answers("public"); answers("photos"); {PICTURE}', False),
    ],
)
def test_a_picture_is_for_staff_once_hidden_answers_were_taken(run: Run, body: str, public: bool) -> None:
    answers = {name: [Answer(np.zeros(1), {})] for name in ("photos", "public")}
    mark = '"breeds", points=4, asks=("photos", "public")'

    found = run(check_text(body, mark), hidden=True, shown=frozenset({"public"}), answers=answers)

    assert (len(found.pictures), len(found.staff_pictures)) == (public, not public)


# Times and grades


@pytest.mark.parametrize(
    ("probe", "said"), [(0.0, 0), (0.4, 60), (59.9, 60), (61, 600), (599, 600), (601, 6000)]
)
def test_times_of_asking_are_coarse(probe: float, said: float) -> None:
    found = disclosure.times(Seconds(3.3, 1.2, 33.0, probe, 0.7, 99.9))

    assert found == Seconds(0.0, 2.0, 50.0, said, 0.0, 52.0 + said)
    assert disclosure.times(found) == found


def exact_grade() -> Grade:
    demand = Requirement("check_public.py:9", "top-1", False, 0.643, "breeds", 135, 210)
    picture = Picture("confusion", "Who", {"matrix": [[1]], "names": ["pug"]})
    check = Check(
        "a",
        "double",
        Status.FAILED,
        3,
        6,
        Message("about 0.64"),
        Message("0.8"),
        Message(""),
        "",
        (demand,),
        Message("135 of 210"),
    )
    return dataclasses.replace(
        toy_grade(double=3.0),
        checks=(check,),
        staff=StaffNotes({"memory_mb": 1234.5}, ("206 of 210",), (demand,), "a traceback", (picture,)),
        seconds=Seconds(0, 1.234, 2.345, 3.456, 4.567, 9.87),
        provenance={"graded_at": "2026-01-15T12:34:56+00:00"},
    )


def test_what_is_told_of_a_grade_holds_nothing_exact() -> None:
    text = json.dumps(disclosure.told(exact_grade()).to_record())

    for word in ("135", "0.643", "confusion", "206", "1234.5", "traceback", "3.456", "34:56", "site"):
        assert word not in text


def test_staff_read_all_of_a_stored_grade_and_its_file_for_students_holds_nothing_exact(
    tmp_path: Path,
) -> None:
    grade = exact_grade()

    folder = attempts.write(tmp_path, grade, submitted={}, executed={}, answers={})

    assert attempts.read(tmp_path, "toy", "student01", "first") == grade
    assert "135" not in (folder / "grade.json").read_text()
    assert "135" in (folder / "staff.json").read_text()


def test_a_grade_stored_before_there_was_this_rule_is_read_and_its_words_are_for_staff(
    tmp_path: Path,
) -> None:
    old = dataclasses.replace(
        toy_grade(),
        checks=(Check("a", "double", Status.PASSED, 6, 6, Message("0.87 (183 of 210)"), Message("0.8")),),
        pictures=(Picture("confusion", "Who", {}),),
    )
    folder = attempts.write(tmp_path, old, submitted={}, executed={}, answers={})
    record = old.to_record()
    del record["staff_pictures"], record["checks"][0]["exact"]
    (folder / "grade.json").write_text(json.dumps(record))
    (folder / "staff.json").unlink()

    found = attempts.read(tmp_path, "toy", "student01", "first")

    assert found is not None
    assert (found.points, found.checks[0].measured, found.pictures) == (10, disclosure.OLD, ())
    assert str(found.checks[0].exact) == "0.87 (183 of 210)"
    assert len(found.staff.pictures) == 1
