"""The Ladder shows an accuracy when it improved by more than the step; what it holds back is nowhere on the page."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.ladder import simulate
from grader import disclosure
from grader.assignment.course import Course
from grader.assignment.spec import Levels
from grader.checks.intervals import wilson_interval
from grader.checks.scoring import credit, with_manual
from grader.feedback import ladder, page
from grader.feedback.publish import write_pages
from grader.gradebook import attempts
from grader.messages import Message
from grader.records import Check, ExerciseGrade, Grade, Picture, Requirement, Status
from grader.settings import Settings
from tests.support import pages
from tests.support.notebooks import source_notebook, toy_course, toy_grade

LEVELS = {"breeds": Levels(zero_at=0.55, full_at=0.82)}
PHOTOS = 200
SITE = "check_public.py:154"


def check(correct: int, *, id_: str = "top_1", exercise: str = "breeds", points: float = 30) -> Check:
    """Return what `require_count` leaves: texts, points and the requirement."""
    low, high = wilson_interval(correct, PHOTOS)
    share = credit(correct, PHOTOS, zero_at=0.55, full_at=0.82)
    found = f"top-1 accuracy {correct / PHOTOS:.3f} ({correct} of {PHOTOS}; 95 % interval {low:.2f} to {high:.2f})"
    required = "at least 0.82 (164 of 200) for full points, more than 0.55 for any"
    demand = Requirement(SITE, "top-1 accuracy", share >= 1, correct / PHOTOS, "breeds", correct, PHOTOS)
    status, hint = (Status.PASSED, "") if share >= 1 else (Status.FAILED, "Train longer.")
    earned = points if share >= 1 else round(share * points, 2)
    return Check(
        id_,
        exercise,
        status,
        earned,
        points,
        Message.of(found),
        Message.of(required),
        Message.of(hint),
        "The breed",
        (demand,),
    )


def matrix(correct: int) -> Picture:
    content = {"matrix": [[correct, PHOTOS - correct], [0, 0]], "names": ["beagle", "pug"]}
    return Picture("confusion", f"Confusion of {correct}", content, "top_1")


def attempt(correct: int, name: str = "", **changes: Any) -> Grade:
    """Return an attempt with one accuracy on hidden photos and one exact check."""
    exact = Check(
        "split",
        "split",
        Status.PASSED,
        10,
        10,
        Message("all is well"),
        Message("all"),
        Message(""),
        "The split",
    )
    checks = changes.pop("checks", (exact, check(correct)))
    points = sum(one.points for one in checks)
    exercises = (
        ExerciseGrade("split", Status.PASSED, 10, 10, "A split"),
        ExerciseGrade("breeds", Status.FAILED, points - 10, 30, "Name the breed"),
    )
    values = {"attempt": name or f"a{correct}", "points": points, "max_points": 40.0, "status": Status.FAILED}
    values |= {"exercises": exercises, "checks": checks, "pictures": (matrix(correct),)}
    return dataclasses.replace(toy_grade(), **{**values, **changes})


def shown(*history: Grade, step: float = 0.02) -> Grade:
    return ladder.held_back(history[-1], history, LEVELS, step)


def text(grade: Grade) -> str:
    """Return the page as its student reads it."""
    html = page.render(with_manual(grade, None, 25), title="The lab", notebook=None, pass_points=25)
    return " ".join(re.sub(r"<[^>]*>", " ", re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)).split())


def test_the_first_accuracy_is_shown_rounded_to_the_step() -> None:
    found = shown(attempt(141)).checks[1]

    assert "top-1 accuracy about 0.7 (in steps of 0.02)" in str(found.measured)
    assert "141" not in str(found.measured)


def test_an_improvement_within_the_step_is_held_back() -> None:
    first, second = attempt(140), attempt(144)

    found = shown(first, second)

    assert "about 0.7 " in str(found.checks[1].measured)
    assert "shown since scored attempt 1" in str(found.checks[1].measured)
    assert [picture.title for picture in found.pictures] == ["Confusion of 140"]
    assert (found.points, found.exercises) == (shown(first).points, shown(first).exercises)


def test_an_improvement_by_more_than_the_step_is_shown() -> None:
    found = shown(attempt(140), attempt(145))

    assert "about 0.72 " in str(found.checks[1].measured)
    assert "since" not in str(found.checks[1].measured)
    assert [picture.title for picture in found.pictures] == ["Confusion of 145"]


def test_a_worse_accuracy_is_held_back_too() -> None:
    assert "about 0.7 " in str(shown(attempt(140), attempt(110)).checks[1].measured)


def test_the_page_of_a_version_that_is_held_back_says_nothing_of_its_score() -> None:
    """Between failed and passed, full and part points, and every number: the page is the first one's."""
    first, better, worse = attempt(161), attempt(164), attempt(120)
    names = re.compile(r"attempt [a-z0-9]+ |; shown since scored attempt 1")

    said = [names.sub("", text(one)) for one in (shown(first), shown(first, better), shown(first, worse))]

    assert said[0] == said[1] == said[2]
    assert better.checks[1].status is Status.PASSED
    assert not {"164", "161", "0.820", "0.805", "0.600"} & set(
        re.findall(r"[\d.]+", said[1].split("Needed")[0])
    )


@given(st.integers(0, PHOTOS), st.sampled_from([0.01, 0.02, 0.05, 0.08]))
def test_the_points_on_the_page_are_never_more_than_those_of_the_grade(correct: int, step: float) -> None:
    exact = attempt(correct)

    found = shown(exact, step=step)

    assert 10 <= found.points <= exact.points + 1e-9
    assert all(one.status is not Status.PASSED or one.points == one.max_points for one in found.checks)


@given(st.lists(st.integers(90, 190), min_size=2, max_size=8))
def test_attempts_that_were_held_back_leave_no_trace_in_later_ones(counts: list[int]) -> None:
    """Only the released history decides: without the attempts in between the page is the same."""
    history = [attempt(count, f"a{turn}") for turn, count in enumerate(counts)]
    released = [
        one
        for turn, one in enumerate(history)
        if ladder.releases(history[: turn + 1], 0.02)["top_1"].turn == turn + 1
    ]

    assert ladder.releases(history, 0.02)["top_1"].scores == ladder.releases(released, 0.02)["top_1"].scores
    assert shown(*history).points == shown(*released).points


def test_what_breaks_the_contract_is_told_at_once() -> None:
    broken = Check(
        "top_1",
        "breeds",
        Status.FAILED,
        0,
        30,
        Message("classify: no such function"),
        Message("a function"),
        Message("Define it."),
    )
    second = attempt(0, checks=(attempt(140).checks[0], broken), pictures=())

    found = shown(attempt(140), second)

    assert found.checks[1] == broken
    assert found.points == 10


def test_an_undecided_attempt_goes_by_the_same_rule() -> None:
    undecided = Check("night", "split", Status.ERROR, 0, 0, hint=Message("Undecided."))
    second = attempt(144, "undecided", checks=(undecided, check(144)), status=Status.ERROR)

    found = shown(attempt(140), second)

    assert "144" not in text(found)


def test_accuracies_that_were_never_noted_are_not_shown() -> None:
    old = dataclasses.replace(check(150), requirements=())
    picture = dataclasses.replace(matrix(150), check="")

    before = attempt(150, "before", checks=(attempt(150).checks[0], old), pictures=(picture,))

    found = shown(disclosure.of_old(before))  # as it is read

    assert "150" not in text(found)
    assert found.pictures == ()


def test_the_grade_itself_is_not_changed() -> None:
    history = (attempt(140), attempt(144))
    before = [one.to_record() for one in history]

    shown(*history)

    assert [one.to_record() for one in history] == before


def test_a_page_with_every_part_is_held_back_without_an_error() -> None:
    found = ladder.held_back(pages.grade(), [pages.grade()], {}, 0.02)

    assert "Accuracies on hidden photos are shown in steps of 0.02" in text(found)


def test_a_course_with_a_ladder_shows_the_version_handed_in_and_the_accuracy_shown_last(
    tmp_path: Path, toy_cache: Path
) -> None:
    course = Course(toy_course(tmp_path / "course"))
    notes = {"assignment": "v1", "split": "s"}
    for turn, correct in enumerate((140, 144, 142), start=1):
        kept = attempt(correct, f"a{turn}", provenance={**notes, "files": str(turn), "scored": str(turn)})
        attempts.write(
            course.folder, kept, submitted={"toy": b""}, executed={"toy": source_notebook()}, answers={}
        )
    attempts.set_current(course.folder, kept)
    settings = Settings(None, toy_cache, counts="best", ladder=0.02)

    (exact,) = write_pages(course, "toy", replace(settings, ladder=0.0))
    best = exact.read_text()
    (stepped,) = write_pages(course, "toy", settings)
    html = stepped.read_text()

    assert "attempt <code>a2</code>" in best
    assert "144 of 200" in best
    assert "attempt <code>a3</code>" in html  # which one is best is a score, too
    assert "top-1 accuracy about 0.7 (in steps of 0.02); shown since scored attempt 1" in html
    assert not re.search(r"14[0-9] of 200|0\.7[0-9]", html)


@pytest.mark.parametrize(("step", "most"), [(0.02, 0.850), (0.08, 0.815), (0.10, 0.81)])
def test_the_best_of_twenty_tries_reads_like_one_of_them(step: float, most: float) -> None:
    """At p = 0.80 on 200 photos: about 0.85 without the Ladder, near 0.80 with a step of three deviations."""
    correct = np.random.default_rng(0).binomial(200, 0.8, (200, 20))

    found = simulate(correct, 200, (step,))

    assert 0.845 < found["best"].shown.mean() < 0.857
    assert 0.79 < found[f"{step:g}"].shown.mean() < most
