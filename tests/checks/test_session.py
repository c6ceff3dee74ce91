"""What a check says becomes a verdict; what cannot be decided becomes an ERROR and never points."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.assignment.spec import Assignment, Levels
from grader.checks import session
from grader.checks.questions import Answer
from grader.checks.session import (
    Case,
    Verdicts,
    run_checks,
)
from grader.errors import SubmissionError
from grader.messages import Message
from grader.records import Check, Requirement, Status

HEADER = """\
import numpy as np
import pytest
from grader.errors import SubmissionError
from grader.checks import require, require_count, require_parts, show

"""
ASSIGNMENT = Assignment.model_validate(
    {
        "id": "toy",
        "title": "Toy",
        "points": 10,
        "pass_points": 5,
        "exercises": [{"id": "breeds", "title": "Breeds", "points": 10}],
        "data": {"toy_pets": {"levels": {"breeds": {"zero_at": 0.5, "full_at": 0.8}}}},
    }
)
Run = Callable[..., Verdicts]


def case(**changes: Any) -> Case:
    photos = [Answer(np.array([1.0, 2.0]), {"labels": np.array([1, 2])})]
    answers = {"photos": photos, "broken": SubmissionError("classify raised ValueError", "Mend it.")}
    return Case(
        **{
            "assignment": ASSIGNMENT,
            "card": "toy_pets",
            "classes": ("Abyssinian", "Bengal"),
            "groups": ("cat", "cat"),
            "answers": answers,
            **changes,
        }
    )


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def checks(text: str, **changes: Any) -> Verdicts:
        path = tmp_path / "check_public.py"
        path.write_text(HEADER + text)
        return run_checks(path, case(**changes))

    return checks


def one(verdicts: Verdicts) -> Check:
    (check,) = verdicts.checks
    return check


def check_text(body: str, mark: str = '"breeds", points=4', name: str = "test_one") -> str:
    return f'@pytest.mark.exercise({mark})\ndef {name}(answers, levels):\n    """Do it."""\n    {body}\n\n'


# Verdicts


def test_a_check_whose_demands_are_met_passes_with_all_points(run: Run) -> None:
    found = run(check_text('require(0.9, at_least=0.8, what="accuracy", hint="Train longer.")'))

    demand = Requirement("check_public.py:9", "accuracy", True, 0.9)
    assert one(found) == Check(
        "one",
        "breeds",
        Status.PASSED,
        4,
        4,
        Message("{what}: {value:.6g}", what=Message("accuracy"), value=0.9),
        Message("at least {least:.6g}", least=0.8),
        Message(""),
        "Do it.",
        (demand,),
    )
    assert found.log == ""


def test_a_check_whose_demand_is_not_met_fails_with_its_hint(run: Run) -> None:
    check = one(run(check_text('require(0.7, at_least=0.8, what="accuracy", hint="Train longer.")')))

    assert (check.status, check.points, check.max_points) == (Status.FAILED, 0, 4)
    assert (str(check.measured), str(check.required), str(check.hint)) == (
        "accuracy: 0.7",
        "at least 0.8",
        "Train longer.",
    )


@pytest.mark.parametrize(
    "bound", ["at_least=0", "at_most=0", "at_least=-1e9, at_most=1e9", "at_least=float('-inf')"]
)
def test_nan_meets_no_demand(run: Run, bound: str) -> None:
    check = one(run(check_text(f'require(float("nan"), {bound}, hint="Look for NaN.")')))

    assert (check.status, check.points) == (Status.FAILED, 0)


def test_a_demand_without_a_bound_is_staffs_mistake(run: Run) -> None:
    found = run(check_text('require(1.0, hint="?")'))

    assert one(found).status is Status.ERROR
    assert "give at_least, at_most or both" in found.log


def test_part_of_the_way_earns_part_of_the_points(run: Run) -> None:
    body = 'require_count(65, of=100, levels=levels["breeds"], what="top-1", hint="More.")'
    check = one(run(check_text(body)))

    assert (check.status, check.points) == (Status.FAILED, 2.0)
    assert str(check.measured) == "top-1 0.650 (65 of 100; 95 % interval 0.55 to 0.74)"
    assert str(check.required) == "at least 0.8 (80 of 100) for full points, more than 0.5 for any"


def test_part_of_the_way_never_rounds_up_to_all_points(run: Run) -> None:
    body = 'require_count(79999, of=100000, levels=levels["breeds"], what="top-1", hint="More.")'
    check = one(run(check_text(body)))

    assert (check.status, check.points) == (Status.FAILED, 3.99)


def test_a_failed_check_without_points_has_none_below_zero(run: Run) -> None:
    check = one(run(check_text('require(0, at_least=1, hint="?")', '"breeds"')))

    assert (check.status, check.points, check.max_points) == (Status.FAILED, 0, 0)


def test_secret_levels_replace_public_ones(run: Run) -> None:
    body = 'require_count(85, of=100, levels=levels["breeds"], what="top-1", hint="More.")'
    secret = {"breeds": Levels(zero_at=0.5, full_at=0.9)}

    assert one(run(check_text(body))).status is Status.PASSED
    assert one(run(check_text(body), levels=secret)).status is Status.FAILED


def test_answers_that_the_mark_does_not_ask_for_are_staffs_mistake(run: Run) -> None:
    found = run(check_text('answers("broken")', '"breeds", points=4, asks="photos"'))

    assert one(found).status is Status.ERROR
    assert "answers('broken'): the check's mark asks photos" in found.log


def test_a_missing_answer_fails_the_check_with_what_the_student_can_do(run: Run) -> None:
    check = one(run(check_text('answers("broken")', '"breeds", points=4, asks="broken"')))

    assert (check.status, check.points) == (Status.FAILED, 0)
    assert (str(check.measured), str(check.hint)) == ("classify raised ValueError", "Mend it.")
    assert str(check.required) == "an answer of the type and shape that assignment.toml names"


@pytest.mark.parametrize(
    "body",
    [
        "raise ValueError('PRIVATE')",
        "assert 1 == 2, 'PRIVATE'",
        "answers('PRIVATE')",
        "PRIVATE",
        "pytest.fail('PRIVATE')",
        "pytest.skip('PRIVATE')",
        "pytest.xfail('PRIVATE')",
        "pytest.importorskip('PRIVATE')",
        "raise SystemExit('PRIVATE')",
        "raise BaseException('PRIVATE')",
        "require(1, at_least=0, hint=''); raise ValueError('PRIVATE')",
        "require(1, at_least=0, hint=''); assert False, 'PRIVATE'",
        "require('PRIVATE', at_least=0, hint='')",
        "require(np.array([1, 2]), at_least='PRIVATE', hint='')",
        "require_count(9, of=3, levels=levels['breeds'], what='PRIVATE', hint='')",
        "require_count(0, of=0, levels=levels['breeds'], what='PRIVATE', hint='')",
    ],
)
def test_whatever_else_a_check_does_is_an_error_for_staff_and_earns_nothing(run: Run, body: str) -> None:
    found = run(check_text(body))

    check = one(found)
    assert (check.status, check.points, check.max_points) == (Status.ERROR, 0, 4)
    assert "teachers have been told" in str(check.hint)
    assert "PRIVATE" not in str(check.hint)
    assert "check_public.py" in found.log
    assert "PRIVATE" in found.log


def test_a_check_that_demands_nothing_is_an_error(run: Run) -> None:
    found = run(check_text("pass"))

    assert one(found).status is Status.ERROR
    assert "without a single require" in found.log


def test_an_unknown_fixture_is_an_error_with_a_clean_sheet(run: Run) -> None:
    first = check_text('require(1, at_least=0, what="first", hint="")')
    second = '@pytest.mark.exercise("breeds", points=2)\ndef test_two(nothing):\n    """Two."""\n'
    found = run(first + second)

    assert [check.status for check in found.checks] == [Status.PASSED, Status.ERROR]
    assert str(found.checks[1].measured) == str(found.checks[1].required) == ""


@pytest.mark.parametrize("mark", ["skip(reason='x')", "skipif(True, reason='x')", "xfail(run=False)"])
def test_a_check_that_was_switched_off_is_an_error(run: Run, mark: str) -> None:
    found = run(f"@pytest.mark.{mark}\n" + check_text('require(1, at_least=0, hint="")'))

    assert (one(found).status, one(found).points) == (Status.ERROR, 0)


def test_a_check_that_ends_the_session_leaves_the_rest_without_verdicts_and_a_log(run: Run) -> None:
    good = check_text('require(1, at_least=0, hint="")', name="test_two")
    found = run(check_text("raise KeyboardInterrupt") + good)

    assert all(check.status is Status.ERROR for check in found.checks)
    assert "INTERRUPTED" in found.log


def test_one_broken_check_does_not_cost_the_others(run: Run) -> None:
    found = run(
        check_text("raise ValueError")
        + check_text('require(1, at_least=0, what="two", hint="")', name="test_two")
    )

    assert [(check.id, check.status) for check in found.checks] == [
        ("one", Status.ERROR),
        ("two", Status.PASSED),
    ]
    assert str(found.checks[1].measured) == "two: 1"


@pytest.mark.parametrize(
    "text", ["def test_one(:\n", "raise ValueError('at import')\n", "import nowhere_found\n"]
)
def test_a_file_that_cannot_be_read_gives_no_verdicts_and_a_log(run: Run, text: str) -> None:
    found = run(text)

    assert found.checks == ()
    assert "check_public.py" in found.log


def test_pictures_are_kept_in_order(run: Run) -> None:
    body = 'show("confusion", "Who", matrix=[[1]]); require(1, at_least=0, hint="")'

    (picture,) = run(check_text(body)).pictures

    assert (picture.kind, picture.title, picture.content) == ("confusion", "Who", {"matrix": [[1]]})


# Prerequisites

GUARD = check_text('require({}, at_most=1, what="guard", hint="Guard.")', '"breeds"', "test_guard")
AFTER = check_text('require(1, at_least=0, hint="")', '"top3", points=4, after="guard"', "test_after")


def test_a_check_runs_when_what_it_comes_after_passed(run: Run) -> None:
    assert [check.status for check in run(GUARD.format(0) + AFTER).checks] == [Status.PASSED, Status.PASSED]


@pytest.mark.parametrize("measured", ["2", "float('nan')", "undefined"])
def test_a_check_is_skipped_when_what_it_comes_after_did_not_pass(run: Run, measured: str) -> None:
    check = run(GUARD.format(measured) + AFTER).checks[1]

    assert (check.status, check.points, check.max_points) == (Status.SKIPPED, 0, 4)
    assert "Do it." in str(check.hint)  # the title of the guard


def test_skipping_goes_on_from_check_to_check(run: Run) -> None:
    last = check_text('require(1, at_least=0, hint="")', '"x", points=1, after=["after"]', "test_last")

    found = run(GUARD.format(2) + AFTER + last)

    assert [check.status for check in found.checks] == [Status.FAILED, Status.SKIPPED, Status.SKIPPED]


def test_a_misspelt_prerequisite_is_an_error_and_not_an_endless_skip(run: Run) -> None:
    found = run(GUARD.format(0) + AFTER.replace('after="guard"', 'after="gaurd"'))

    assert found.checks[1].status is Status.ERROR
    assert "'gaurd'" in found.log


def test_one_exercise_alone_is_judged_together_with_what_it_comes_after(run: Run) -> None:
    other = check_text("raise ValueError", '"other", points=1', "test_other")

    passed = run(GUARD.format(0) + AFTER + other, only="top3")
    skipped = run(GUARD.format(2) + AFTER + other, only="top3")

    assert [(check.id, check.status) for check in passed.checks] == [("after", Status.PASSED)]
    assert [(check.id, check.status) for check in skipped.checks] == [("after", Status.SKIPPED)]
    assert passed.log == ""


# Isolation

GOOD = check_text('require(1, at_least=0, hint="")')


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PYTEST_ADDOPTS", "-k nothing_matches --exitfirst"),
        ("PYTEST_ADDOPTS", "--no-such-option"),
        ("PYTEST_PLUGINS", "no_such_plugin"),
        ("PYTEST_DISABLE_PLUGIN_AUTOLOAD", ""),
    ],
)
def test_pytest_variables_around_change_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    assert one(run(GOOD)).status is Status.PASSED
    assert os.environ[name] == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("conftest.py", "raise RuntimeError('conftest was loaded')"),
        ("pytest.ini", "[pytest]\naddopts = --no-such-option\n"),
        ("pyproject.toml", "[tool.pytest.ini_options]\naddopts = ['-k', 'nothing']\n"),
        ("setup.cfg", "[tool:pytest]\npython_functions = nothing_*\n"),
        ("tox.ini", "[pytest]\npython_files = nothing.py\n"),
    ],
)
def test_pytest_files_around_change_nothing(run: Run, tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)

    assert one(run(GOOD)).status is Status.PASSED


def test_the_current_folder_changes_nothing_and_nothing_is_left_in_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    (here / "conftest.py").write_text("raise RuntimeError")
    monkeypatch.chdir(here)

    assert one(run(GOOD)).status is Status.PASSED
    assert {path.name for path in here.iterdir()} == {"conftest.py"}
    assert {path.name for path in tmp_path.iterdir()} == {"here", "check_public.py"}


def test_a_warning_in_a_check_is_no_failure(run: Run) -> None:
    body = "import warnings; warnings.simplefilter('default'); warnings.warn('mind'); require(1, at_least=0, hint='')"

    with pytest.warns(UserWarning, match="mind"):
        assert one(run(check_text(body))).status is Status.PASSED


def test_files_of_the_same_name_do_not_meet(tmp_path: Path) -> None:
    found = []
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = folder / "check_public.py"
        path.write_text(HEADER + check_text(f'require({number}, at_least=0, what="it", hint="")'))
        found.append(str(one(run_checks(path, case())).measured))

    assert found == ["it: 1", "it: 2"]


def test_a_check_that_was_edited_is_read_again(run: Run) -> None:
    found = [
        str(one(run(check_text(f'require({n}, at_least=0, what="it", hint="")'))).measured) for n in "123"
    ]

    assert found == ["it: 1", "it: 2", "it: 3"]


def test_running_checks_prints_nothing(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    run(GOOD + check_text("raise ValueError", name="test_two"))

    assert capfd.readouterr() == ("", "")


def test_running_checks_leaves_the_path_of_modules_as_it_was(run: Run) -> None:
    before = list(sys.path)

    run(GOOD)

    assert sys.path == before


def test_the_words_of_the_checks_are_there() -> None:
    assert {"Case", "Verdicts", "require", "require_count", "run_checks", "show"} <= set(vars(session))
