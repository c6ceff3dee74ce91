"""An assignment that checks itself: what is right passes, and whatever is broken on purpose is named."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from grader.assignment.course import Course
from grader.authoring import verify_runs
from grader.authoring.findings import Finding
from grader.authoring.release import build_release
from grader.authoring.verify import Part, chosen_mutants, verify
from grader.cli.app import app
from grader.errors import SpecError
from grader.sandbox.host import client
from grader.settings import Settings
from tests.support.checked import MUTANTS, checked_course
from tests.support.tiny import SECRET

pytestmark = [pytest.mark.slow, pytest.mark.sandbox]
RUNS: tuple[Part, ...] = ("runs", "mutants")

Verify = Callable[..., dict[str, Finding]]


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return checked_course(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module", autouse=True)
def _zygotes() -> Any:
    yield
    client.release_zygotes()


@pytest.fixture
def course(pristine: Course, tmp_path: Path) -> Course:
    shutil.copytree(pristine.folder, tmp_path / "course")
    return Course(tmp_path / "course")


@pytest.fixture
def found(toy_cache: Path) -> Verify:
    def run(course: Course, **options: Any) -> dict[str, Finding]:
        settings = Settings(None, toy_cache, secret=SECRET.encode())
        findings = list(verify(course, "tiny", settings, card=None, tell=lambda _: None, **options))
        assert len({one.what for one in findings}) == len(findings)
        return {one.subject or one.what: one for one in findings}

    return run


def change(course: Course, name: str, old: str, new: str) -> None:
    path = course.source("tiny") / name
    text = path.read_text()
    assert old in text, text
    path.write_text(text.replace(old, new))
    build_release(course.folder, "tiny", course.folder / "assignments")


def wrong(findings: dict[str, Finding]) -> dict[str, str]:
    return {name: one.detail for name, one in findings.items() if not one.ok}


def test_a_course_that_is_right_passes_all_but_the_calibration_it_lacks(
    course: Course, found: Verify
) -> None:
    findings = found(course, parts=("release", "calibration", *RUNS))

    assert wrong(findings) == {
        "levels are calibrated": "no calibration on this data card; run `pawgrade calibrate`"
    }
    assert {"tripled", "by_order", "reversed_columns", "one_column", "never_dark"} <= set(findings)
    assert "5 demands" in findings["every demand is needed"].detail
    assert "memory_mb" in findings["time and memory within two thirds of the limits"].detail
    assert findings["the same seed gives the same scores"].detail.startswith("16 and 16 points")


BREAKS = {
    "a picture that cannot be drawn": (
        "check_public.py", 'show("confusion", "Who', 'show("photo_grid", "Who',
        {"pictures can be drawn": "picture photo_grid: its content cannot be drawn (KeyError: 'rows')"},
    ),
    "a bound that is loose": (
        "check_public.py", "at_most=1e-9", "at_most=1e9", {"tripled": "the check double was expected to fail and is PASSED"},
    ),
    "a demand that is dropped": (
        "staff/check_hidden.py", "require(float(np.abs(answer.value).max()), at_most=0.0", "require(0.0, at_most=0.0",
        {"never_dark": "the check night was expected to fail and is PASSED", "night": "no mutant fails night"},
    ),
    "a guard that is gone": (
        "check_public.py", 'require(gather(answers("photos")).disagreement', "require(0.0",
        {"by_order": "the check agree was expected to fail and is PASSED"},
    ),
    "a level that anything reaches": (
        "assignment.toml", "full_at = 0.9", "full_at = 0.21", {"one_column": "the check photos was expected to fail"},
    ),
    "a key that is wrong": (
        "check_public.py", '{"expected": 2 * numbers}', '{"expected": 2 * numbers[::-1]}',
        {"source, all checks: full marks": "double FAILED"},
    ),
    "a check that runs whatever failed before": (
        "check_public.py", 'points=2, asks="photos", after="agree"', 'points=2, asks="photos"',
        {"by_order": "the check photos was not skipped"},
    ),
    "a level that gives points for nothing": (
        "assignment.toml", "zero_at = 0.2", "zero_at = -50.0", {"no level gives points away": "of the points for photos: 50%, which even the worst mutant gets"},
    ),
    "a pass mark that nobody misses": (
        "assignment.toml", "pass_points = 9", "pass_points = 0",
        {"release, all checks: 0 points, no ERROR": "no points are enough to pass"},
    ),
    "limits that are too small on another card": (
        "assignment.toml", "[data.toy_pets]\n", "[data.oxford_pets.limits]\nwall_s = 0.01\n[data.toy_pets]\n",
        {"time and memory within two thirds of the limits": "wall_s 0.01 on oxford_pets"},
    ),
    "a mark that asks for other answers": (
        "check_public.py", 'points=6, asks="numbers"', 'points=6, asks="photos"',
        {"source, all checks: full marks": "answers('numbers'): the check's mark asks photos"},
    ),
    "a check that no student sees": (
        "staff/check_hidden.py", "\n\n@pytest.mark",
        '\n\n@pytest.mark.exercise("brightness", asks="dark", unreported=True)\ndef test_unseen(answers):\n    answers("dark")[0].key["none"]\n\n\n@pytest.mark',
        {"source, all checks: full marks": "KeyError: 'none'"},
    ),
    "levels of a check's own": (
        "check_public.py", 'levels=levels["bright"]', "levels=__import__('grader.assignment.spec').assignment.spec.Levels(zero_at=0.1, full_at=0.5)",
        {"the source measures what honest work does": "photos: bright photos is held against levels of its own"},
    ),
    "a check that asks nobody": (
        "check_public.py", "    require_count(", "    return\n    require_count(",
        {"source, all checks: full marks": "photos ERROR"},
    ),
}  # fmt: skip


# Checks that break: their tracebacks are for the author, whose own lines come first.
SLIPS = {"a mark that asks for other answers", "a check that no student sees", "a check that asks nobody"}


@pytest.mark.parametrize("name", BREAKS)
def test_what_is_broken_on_purpose_is_named(course: Course, found: Verify, name: str) -> None:
    file, old, new, expected = BREAKS[name]
    change(course, file, old, new)

    options: dict[str, Any] = {"parts": RUNS}
    if set(expected) <= set(MUTANTS):
        options = {"parts": ("mutants",), "only": list(expected)}
    elif all(
        subject.startswith(("source", "the source", "release", "time", "pictures")) for subject in expected
    ):
        options = {"parts": ("runs",)}
    findings = found(course, **options)
    problems = wrong(findings)

    for subject, words in expected.items():
        assert words in problems[subject], problems
    logs = [finding.log for finding in findings.values() if finding.log]
    assert bool(logs) == (name in SLIPS)
    assert [log for log in logs if "check_" not in log.splitlines()[0]] == []
    assert not any("your teachers have been told" in finding.detail for finding in findings.values())


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "check_public.py",
            '"brightness", asks',
            '"brigthness", asks',
            "test_agree: no exercise 'brigthness'",
        ),
        ("staff/check_hidden.py", "def test_night", "def test_agree", "2 checks are called test_agree"),
    ],
)
def test_what_cannot_be_graded_at_all_is_an_error(
    course: Course, found: Verify, file: str, old: str, new: str, said: str
) -> None:
    change(course, file, old, new)

    with pytest.raises(SpecError, match=said):
        found(course, parts=("runs",))


def test_two_labels_that_are_exchanged_are_named(course: Course, found: Verify) -> None:
    change(course, "check_public.py", "matrix=[[3, 1], [0, 4]]", "matrix=[[1, 5], [6, 0]]")

    problems = wrong(found(course, parts=("runs",)))

    assert problems == {
        "no two labels are exchanged": "beagle and pug: 11 taken for the other, 1 for themselves"
    }


def test_a_demand_that_no_mutant_fails_is_named(course: Course, found: Verify) -> None:
    (course.source("tiny") / "staff" / "mutants" / "never_dark.py").unlink()

    problems = wrong(found(course, parts=RUNS))

    assert problems.pop("night") == "no mutant fails night"
    (subject,) = problems
    assert subject.startswith("night at check_hidden.py:")


def test_without_mutants_every_check_is_named(course: Course, found: Verify) -> None:
    shutil.rmtree(course.source("tiny") / "staff" / "mutants")

    problems = wrong(found(course, parts=RUNS))

    assert problems.pop("double, agree, brightness, photos, night") == (
        "no mutant fails double, agree, brightness, photos, night"
    )
    assert {subject.partition(" ")[0] for subject in problems} == {
        "double",
        "agree",
        "brightness",
        "photos",
        "night",
    }


def test_a_header_that_is_wrong_is_named(course: Course, found: Verify) -> None:
    path = course.source("tiny") / "staff" / "mutants" / "tripled.py"
    path.write_text(path.read_text().replace('loses = ["double"]', 'loses = ["double", "brightness"]'))

    problems = wrong(found(course, parts=("mutants",), only=["tripled"]))

    assert problems == {"tripled": "expected to lose brightness, has all 10 points of it"}


def test_a_mutant_that_fails_for_a_slip_of_its_own_is_named(course: Course, found: Verify) -> None:
    path = course.source("tiny") / "staff" / "mutants" / "tripled.py"
    path.write_text(path.read_text().replace("numbers * 3", "numbres * 3"))

    problems = wrong(found(course, parts=("mutants",), only=["tripled"]))

    assert problems["tripled"].startswith("NameError in double: it may fail for a slip of its own")
    path.write_text(path.read_text().replace("# fails =", '# raises = ["NameError"]\n# fails ='))
    assert not wrong(found(course, parts=("mutants",), only=["tripled"]))


def test_a_limit_without_headroom_is_named(
    course: Course, found: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify_runs, "HEADROOM", 0.001)

    problems = wrong(found(course, parts=("runs",)))

    assert "Too little headroom: " in problems["time and memory within two thirds of the limits"]


def test_a_notebook_that_throws_dice_is_named(course: Course, found: Verify) -> None:
    dice = "numbers * 2 + np.random.default_rng().random() * 1e-10"
    change(course, "tiny.ipynb", "numbers * 2", dice.replace("np.", "__import__('numpy')."))
    change(course, "check_public.py", "at_most=1e-9, what", "at_most=1e-9, what")
    change(
        course,
        "assignment.toml",
        'title = "A tiny assignment"',
        'title = "A tiny assignment"\nrepeat_within = 0.0',
    )
    change(
        course,
        "check_public.py",
        "    right = np.abs(found.plain[:, 1] - expected) < 0.5\n",
        "    right = np.arange(100) < 90 + __import__('random').SystemRandom().randrange(10)\n",
    )

    repeated = [found(course, parts=("runs",))["the same seed gives the same scores"] for _ in range(2)]

    assert not all(one.ok for one in repeated)
    assert any("photos/bright" in one.detail for one in repeated)


def test_the_command_says_it_in_a_table_and_as_json(course: Course, toy_cache: Path) -> None:
    environment = {"PAWGRADE_CACHE": str(toy_cache), "PAWGRADE_SECRET": SECRET}
    path = course.folder / "found.json"
    arguments = [
        "verify",
        "tiny",
        "--course",
        str(course.folder),
        "--part",
        "mutants",
        "--only",
        "tripled",
        "--jobs",
        "2",
    ]

    done = CliRunner().invoke(app, [*arguments, "--json", str(path)], env=environment)

    assert done.exit_code == 0, done.output
    assert "mutant tripled" in done.output
    (row,) = json.loads(path.read_text())
    assert (row["kind"], row["subject"], row["ok"], row["data"]) == ("mutant", "tripled", True, "toy_pets")
    assert row["file"] == "solutions/tiny/staff/mutants/tripled.py"


def test_a_part_of_the_mutants_is_drawn_by_a_text_and_each_has_its_turn(course: Course) -> None:
    everything = chosen_mutants(course, ["tiny"], (), 1, "")
    draws = [chosen_mutants(course, ["tiny"], (), 2, f"commit {number}")["tiny"] for number in range(20)]

    names = sorted(path.stem for path in (course.source("tiny") / "staff" / "mutants").glob("*.py"))
    assert everything == {}
    assert {len(drawn) for drawn in draws} == {math.ceil(len(names) / 2)}
    assert draws[0] == chosen_mutants(course, ["tiny"], (), 2, "commit 0")["tiny"]
    assert all(list(drawn) == sorted(drawn) for drawn in draws)
    assert sorted({name for drawn in draws for name in drawn}) == names
    assert len(set(draws)) > 1


def test_a_part_of_the_mutants_that_are_named_is_drawn_from_these(course: Course) -> None:
    assert chosen_mutants(course, ["tiny"], ["tripled"], 5, "any") == {"tiny": ("tripled",)}
