"""Every command on an assignment of two notebooks, one after the other on one course: as a teacher and a student type them."""

from __future__ import annotations

import json
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from typer.testing import CliRunner, Result

from grader.assignment.course import Course
from grader.authoring.release import build_release
from grader.cli.app import app
from grader.sandbox.host import client
from tests.support.checked import write_variants
from tests.support.handed_in import zip_of
from tests.support.problem_set import NOTEBOOKS, PROBLEM_SET, problem_set_course, sources

pytestmark = [pytest.mark.slow, pytest.mark.sandbox]
FIRST, SECOND = NOTEBOOKS
LEVELS = "\n[levels]\nhalves = { zero_at = 0.2, full_at = 0.7 }\n\n[[exercises]]"
COUNTED = '''\
def test_halve(answers, levels):
    """Every number is halved."""
    (answer,) = answers("halves")
    right = np.abs(answer.value - answer.key["expected"]) < 1e-9
    require_count(int(right.sum()), of=len(right), levels=levels["halves"], what="halves", hint="Divide by two.")
'''
MUTANTS = {
    "tripled": ('loses = ["double"]\nfails = ["double"]', "double-code", "def double(numbers):\n    return numbers * 3\n"),
    "whole": ('loses = ["halve"]\nfails = ["halve"]', "halve-code", "def halve(numbers):\n    return numbers\n"),
}  # fmt: skip
ROSTER = """\
id,Surname,First name,Email address
ada-example,Example,Ada,ada@example.org
bo-example,Example,Bo,bo@example.org
"""
RECIPES = {"times": ("halve-code", "def halve(numbers):\n    return numbers * 0.5\n")}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Course]:
    """A course whose second exercise has a level, with mutants and a recipe for either notebook."""
    course = problem_set_course(tmp_path_factory.mktemp("course"))
    (course.folder / "roster.csv").write_text(ROSTER)
    source = course.source(PROBLEM_SET)
    toml = source / "assignment.toml"
    text = toml.read_text().replace("pass_points = 5", "pass_points = 8")
    toml.write_text(text.replace("\n[[exercises]]", LEVELS, 1))
    checks = source / "check_public.py"
    text = checks.read_text().replace("import require\n", "import require, require_count\n")
    checks.write_text(text[: text.index("def test_halve")] + COUNTED)
    write_variants(source / "staff" / "mutants", MUTANTS)
    write_variants(source / "staff" / "recipes", RECIPES)
    build_release(course.folder, PROBLEM_SET, course.folder / "release")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PAWGRADE_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("PAWGRADE_DATA", raising=False)
        yield course
    client.release_zygotes()


def run(course: Course, *words: str) -> Result:
    done = CliRunner().invoke(app, [*words, "--course", str(course.folder)])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


@pytest.fixture(scope="module")
def graded(course: Course, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Hand-ins collected from an archive and graded: one with both notebooks, one with the first alone."""
    texts = {name: nbformat.writes(notebook) for name, notebook in sources().items()}
    both, alone = (f"{name}_{number}_assignsubmission_file_" for name, number in (("Ada Example", 17), ("Bo Example", 18)))  # fmt: skip
    files = {f"{both}/{name}.ipynb": text for name, text in texts.items()}
    files[f"{alone}/{FIRST}.ipynb"] = texts[FIRST]
    archive = zip_of(tmp_path_factory.mktemp("download") / "all.zip", files)
    collected = run(course, "collect", str(archive), "--assignment", PROBLEM_SET, "--timezone", "UTC")
    assert collected.exit_code == 0, collected.output
    record = course.folder / "grades.json"
    assert (
        run(course, "grade", PROBLEM_SET, "--json", str(record)).exit_code == 1
    )  # one is below the pass mark
    grades: list[dict[str, Any]] = json.loads(record.read_text())
    return grades


def test_collect_puts_all_notebooks_of_a_hand_in_where_grade_finds_them(
    course: Course, graded: list[dict[str, Any]]
) -> None:
    submitted = course.folder / "submitted"

    assert {
        path.relative_to(submitted).as_posix() for path in submitted.rglob("*.ipynb")
    } == {f"ada-example/{PROBLEM_SET}/{name}.ipynb" for name in NOTEBOOKS} | {
        f"bo-example/{PROBLEM_SET}/{FIRST}.ipynb"
    }  # fmt: skip
    assert [(grade["student"], grade["points"]) for grade in graded] == [
        ("ada-example", 10),
        ("bo-example", 6),
    ]


@pytest.mark.parametrize(
    ("words", "written"),
    [
        (("csv",), {"": ["ada-example", ",10,", ",6,"]}),
        (("canvas", "--canvas-id", "5"), {"": ['"Example, Ada","","","","",10\n', '"Example, Bo","","","","",6\n']}),
        (("moodle",), {"": ['"ada@example.org",10,', '"bo@example.org",6,']}),
        (("gradescope",), {"/ada-example/results.json": ['"score": 10.0'], "/bo-example/results.json": ['"score": 6.0']}),
        (("junit",), {"": ['name="ada-example" tests="3" failures="0"', 'name="bo-example" tests="3" failures="1"']}),
    ],
)  # fmt: skip
def test_export_writes_the_points_of_both_together(
    course: Course,
    graded: list[dict[str, Any]],
    words: tuple[str, ...],
    written: dict[str, list[str]],
    tmp_path: Path,
) -> None:
    target = tmp_path / "marks"

    done = run(course, "export", PROBLEM_SET, "--output", str(target), "--format", *words)

    assert done.exit_code == 0, done.output
    texts = {name: Path(f"{target}{name}").read_text().replace("\r", "") for name in written}
    assert {name: [part for part in parts if part not in texts[name]] for name, parts in written.items()} == {
        name: [] for name in written
    }, texts


def test_the_pages_of_class_and_student_lead_to_the_page_of_the_first_notebook(
    course: Course, graded: list[dict[str, Any]]
) -> None:
    done = run(course, "feedback", PROBLEM_SET)

    assert done.exit_code == 0, done.output
    page = f"Problem%20Set%201/{FIRST.replace(' ', '%20')}.html"
    feedback = course.folder / course.layout.feedback
    assert f'href="ada-example/{page}"' in (feedback / "index.html").read_text()
    assert f'href="{page}"' in (feedback / "ada-example" / "index.html").read_text()


def test_calibrate_and_verify_run_all_notebooks_of_each_recipe_and_mutant(course: Course) -> None:
    record = course.folder / "findings.json"

    calibrated = run(course, "calibrate", PROBLEM_SET, "--seeds", "4")
    verified = run(course, "verify", PROBLEM_SET, "--jobs", "2", "--json", str(record))

    assert (calibrated.exit_code, "recipes: source, times;" in calibrated.output) == (0, True), (
        calibrated.output
    )
    assert verified.exit_code == 0, verified.output
    findings = json.loads(record.read_text())
    assert {"tripled", "whole"} <= {finding["subject"] for finding in findings}
    assert "the calibration is as young as the assignment" in {finding["what"] for finding in findings}


def test_check_runs_all_and_opens_a_page_with_the_cells_of_each(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebooks = sources()
    notebooks[SECOND].cells[1].source = "def halve(numbers):\n    return numbers / missing\n"
    for path in course.release(PROBLEM_SET).iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    for name, notebook in notebooks.items():
        nbformat.write(notebook, tmp_path / f"{name}.ipynb")

    opened: list[str] = []
    browser = webbrowser.GenericBrowser("none")
    monkeypatch.setattr(browser, "open", opened.append)
    monkeypatch.setattr(webbrowser, "get", lambda: browser)

    done = CliRunner().invoke(app, ["check", str(tmp_path / f"{SECOND}.ipynb"), "--html", "--open"])

    assert done.exit_code == 1, done.output
    assert "6 of the 10 points" in done.output
    pages = [(tmp_path / f"{name}.check.html").read_text() for name in NOTEBOOKS]
    assert [["factor" in page, "missing" in page] for page in pages] == [[True, False], [False, True]]
    assert all(f"wrote {tmp_path / name}.check.html" in done.output for name in NOTEBOOKS)
    assert opened == [(tmp_path / f"{SECOND}.check.html").as_uri()]
