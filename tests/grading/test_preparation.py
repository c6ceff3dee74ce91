"""Workers prepare themselves from names: what is handed to them is small, and each does so once."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from grader.assignment.course import Course
from grader.errors import SpecError
from grader.grading import preparation
from grader.grading.preparation import Order
from grader.records import Submission
from grader.settings import Settings
from tests.support.tiny import SECRET, tiny_course

LARGE = 8192  # bytes: a photo has 150,000


@pytest.fixture
def order(tmp_path: Path, toy_cache: Path) -> Order:
    secret = SECRET.encode()
    settings = Settings(None, toy_cache, secret=secret, sandbox="none")
    return Order(tiny_course(tmp_path / "course"), "tiny", settings, tmp_path / "desk", secret)


def test_nothing_large_is_handed_to_a_worker(order: Order) -> None:
    submission = Submission("student01", "tiny", order.course.folder / "submitted" / "student01" / "tiny")

    assert len(pickle.dumps((submission, order))) < LARGE


def test_a_worker_prepares_itself_once(order: Order) -> None:
    twice = pickle.loads(pickle.dumps(order))

    assert preparation.prepared(twice) is preparation.prepared(order)
    assert preparation.prepared(replace(order, secret=None)) is not preparation.prepared(order)


def test_without_a_secret_only_public_checks_are_prepared(order: Order) -> None:
    work = preparation.prepared(replace(order, secret=None))

    assert not work.context.hidden
    assert [path.name for path in work.context.files] == ["check_public.py"]


def test_a_course_without_the_assignment_is_refused(order: Order) -> None:
    lost = replace(order, course=Course(order.course.folder / "elsewhere"))

    with pytest.raises(SpecError, match="no assignment 'tiny'"):
        preparation.prepared(lost)
