"""The second holdout: asked about like the first, kept for staff, shown in no report."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from grader.assignment.course import Course
from grader.assignment.spec import Assignment, load_hidden
from grader.checks.questions import Answer, Material
from grader.checks.session import Case, run_checks
from grader.cli.app import app
from grader.datasets import cards
from grader.gradebook import versions
from grader.grading.preparation import prepare
from grader.records import Grade, Status
from grader.settings import Settings
from tests.support import breeds
from tests.support.notebooks import REPOSITORY
from tests.support.tiny import ASSIGNMENT, SECRET, hand_in, solved, tiny_course

PRIVATE = "share of the visitors"
CHECK = f'''

from grader.checks import require_count, show
from grader.checks.questions import Question, batched, gather
from grader.assignment.spec import Levels

tiny_questions = questions


def questions(material):
    asked = batched("classify", material.second_images, material.rng, mirrored=False, again=0)
    expected = material.second_images.mean(axis=(1, 2, 3))
    key = {{"expected": expected, "labels": material.second_labels}}
    return {{
        **tiny_questions(material),
        "visitors": [Question(one.entry_point, one.arguments, {{**one.key, **key}}) for one in asked],
    }}


@pytest.mark.exercise("brightness", asks="visitors", unreported=True)
def test_visitors(answers):
    """What no report says."""
    found, key = gather(answers("visitors")).plain, answers("visitors")[0].key
    show("confusion", "{PRIVATE}", matrix=[[1]], names=["pug"])
    right = int((np.abs(found[:, 1] - key["expected"]) < 0.5).sum())
    require_count(right, of=len(key["labels"]), levels=Levels(zero_at=0.5, full_at=0.9), what="{PRIVATE}", hint="{PRIVATE}")
'''


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toy_cache: Path) -> Course:
    monkeypatch.setenv("PAWGRADE_CACHE", str(toy_cache))
    monkeypatch.setenv("PAWGRADE_SECRET", SECRET)
    monkeypatch.delenv("PAWGRADE_DATA", raising=False)
    made = tiny_course(tmp_path / "course")
    hidden = made.source("tiny") / "staff" / "check_hidden.py"
    hidden.write_text(hidden.read_text() + CHECK)
    return made


def card_with_a_second_holdout(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the toy card set one drawing of each breed aside for the second holdout."""
    folder.mkdir()
    text = (REPOSITORY / "datasets" / "toy_pets.toml").read_text()
    (folder / "toy_pets.toml").write_text(text.replace("second_holdout = 0", "second_holdout = 1"))
    monkeypatch.setattr(cards, "cards_folder", lambda: folder)
    assert cards.load_card("toy_pets").splits.tiers[0].second_holdout == 1


def grade(course: Course) -> tuple[Grade, str]:
    """Grade the class; return what is stored of student01 and everything that was said, shown and written for others."""
    path = course.folder / "grades.json"
    said = ""
    for words in (["grade", "tiny", "--json", str(path)], ["feedback", "tiny"]):
        done = CliRunner().invoke(app, [*words, "--course", str(course.folder)])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        said += done.output
    for folder in ("feedback", "autograded"):
        said += "".join(file.read_text() for file in (course.folder / folder).rglob("tiny.*"))
    said += path.read_text() + (course.folder / "gradebook.db").read_bytes().decode("latin1")
    kept = versions.counting(course.folder, "tiny", "student01")
    assert kept is not None
    return kept, said


@pytest.mark.slow
def test_an_accuracy_on_the_second_holdout_is_stored_and_in_no_report(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card_with_a_second_holdout(tmp_path / "cards", monkeypatch)
    hand_in(course, "student01", solved())

    kept, said = grade(course)

    assert (kept.points, kept.status, kept.staff.log) == (16, Status.PASSED, "")
    assert [(one.what, one.successes, one.trials) for one in kept.staff.second] == [(PRIVATE, 35, 35)]
    assert PRIVATE not in said
    assert "visitors" not in said
    assert "second" not in json.loads((course.folder / "grades.json").read_text())[0]
    assert Grade.from_record(json.loads(json.dumps(kept.to_record()))) == kept


@pytest.mark.slow
def test_where_a_card_has_no_second_holdout_nothing_is_asked_and_the_grade_is_the_same(
    course: Course,
) -> None:
    hand_in(course, "student01", solved())

    kept, _ = grade(course)

    assert (kept.points, kept.status, kept.staff.log, kept.staff.second) == (16, Status.PASSED, "", ())


@pytest.mark.slow
def test_answers_to_the_second_holdout_alone_cost_no_point(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toy_cache: Path
) -> None:
    card_with_a_second_holdout(tmp_path / "cards", monkeypatch)
    (tmp_path / "desk").mkdir()
    settings = Settings(None, toy_cache)
    work = prepare(course, "tiny", settings, card=None, secret=SECRET.encode(), desk=tmp_path / "desk")
    images = np.concatenate([question.arguments[0] for question in work.context.plan["visitors"]])
    refuse = f"""\
import numpy as np
SECOND = {set(images.sum(axis=(1, 2, 3), dtype=np.int64).tolist())}
def classify(images):
    if SECOND & set(images.sum(axis=(1, 2, 3), dtype=np.int64).tolist()):
        raise RuntimeError("not these")
    return images.reshape(len(images), -1).mean(axis=1)[:, None] * np.arange(35.0)"""
    hand_in(course, "student01", solved(classify_code=refuse))

    kept, _ = grade(course)

    assert (kept.points, kept.status, kept.staff.second) == (16, Status.PASSED, ())


# The mark


def verdicts(
    tmp_path: Path, body: str, points: str = ""
) -> tuple[tuple[object, ...], tuple[object, ...], str]:
    import tomllib

    path = tmp_path / "check_hidden.py"
    path.write_text(
        "import pytest\nfrom grader.checks.session import require\n\n"
        f'@pytest.mark.exercise("double", asks="visitors", unreported=True{points})\n'
        f'def test_visitors(answers):\n    """Visitors."""\n    {body}\n'
    )
    case = Case(
        Assignment.model_validate(tomllib.loads(ASSIGNMENT)),
        "toy_pets",
        ("pug",),
        ("dog",),
        {"visitors": [Answer(np.zeros(1), {})]},
    )
    found = run_checks(path, case)
    return found.checks, found.second, found.log


def test_what_is_not_met_is_kept_like_what_is(tmp_path: Path) -> None:
    checks, second, log = verdicts(tmp_path, 'require(0.4, at_least=0.8, what="share", hint="-")')

    assert (checks, log) == ((), "")
    assert [(getattr(one, "met", None), getattr(one, "value", None)) for one in second] == [(False, 0.4)]


def test_a_broken_check_is_told_to_staff_and_costs_nobody_a_point(tmp_path: Path) -> None:
    checks, second, log = verdicts(tmp_path, "1 / 0")

    assert (checks, second) == ((), ())
    assert "ZeroDivisionError" in log


def test_a_check_that_no_report_shows_is_worth_no_points(tmp_path: Path) -> None:
    checks, _, log = verdicts(tmp_path, 'require(1, at_least=0, what="x", hint="-")', ", points=2")

    assert checks == ()
    assert "cannot be worth points" in log


@pytest.mark.parametrize("assignment", ["oxford_pets", "transfer_learning"])
def test_the_labs_ask_about_a_second_holdout_after_everything_else(assignment: str) -> None:
    """Sets are asked in the order of their names: no graded answer may be late because of it."""
    from grader.checks.check_files import load_checks

    folder = REPOSITORY / "solutions" / assignment
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(35), 2)
    images = rng.integers(0, 256, (70, 224, 224, 3), np.uint8)
    counts = {"features": 10, "is_dog": 10, "mirror": 4, "again": 4}
    material = Material(
        images, labels, breeds.breeds(), breeds.groups(), rng, images[:8], counts, images[:12], labels[:12]
    )

    asked = {
        name: {question.entry_point for question in questions}
        for file in ("check_public.py", "staff/check_hidden.py")
        for name, questions in load_checks(folder / file).questions(material).items()
    }

    (entry_point,) = asked["visitors"]
    assert max(name for name, entry_points in asked.items() if entry_point in entry_points) == "visitors"
    assert load_hidden(folder).holdout.second_at_most > 0
