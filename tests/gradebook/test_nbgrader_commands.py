"""nbgrader's own commands work in the course, beside ours."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from grader.authoring.leaks import leaks
from grader.authoring.release import build_release
from grader.gradebook.conversion import gradebook_notebooks, record_source
from grader.gradebook.formgrader import write_autograded
from grader.gradebook.nbgrader import open_gradebook, record
from tests.support.notebooks import answered, toy_course, toy_grade

pytestmark = pytest.mark.slow


def nbgrader(course: Path, *arguments: str) -> str:
    """Run an nbgrader command in a course with no settings but the course's own; return what it printed."""
    home = course.parent / "home"
    places = {f"JUPYTER_{name}_DIR": str(home / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    clean = {key: value for key, value in os.environ.items() if not key.startswith("JUPYTER")}
    path = os.pathsep.join([str(Path(sys.executable).parent), clean["PATH"]])
    environment = {**clean, **places, "PATH": path, "HOME": str(home), "IPYTHONDIR": str(home / "ipython")}
    command = [sys.executable, "-m", "nbgrader", *arguments]
    done = subprocess.run(
        command,
        check=False,
        cwd=course,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course in which `nbgrader generate_assignment` ran."""
    course = toy_course(tmp_path_factory.mktemp("nbgrader") / "course")
    nbgrader(course, "generate_assignment", "toy")
    return course


@pytest.fixture
def course(generated: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(generated, tmp_path / "course"))


def cells(db_url: str) -> dict[str, list[dict[str, Any]]]:
    """What a gradebook knows of the toy assignment's cells, without its random row ids."""
    with open_gradebook(db_url) as gradebook:
        notebook = gradebook.find_notebook("toy", "toy")
        kinds = ("grade_cells", "solution_cells", "task_cells", "source_cells")
        found = {
            kind: sorted((cell.to_dict() for cell in getattr(notebook, kind)), key=str) for kind in kinds
        }
        found["kernelspec"] = [{"kernelspec": notebook.kernelspec}]
    return {
        kind: sorted(({k: v for k, v in cell.items() if k != "id"} for cell in rows), key=str)
        for kind, rows in found.items()
    }


def test_nbgraders_release_gives_nothing_away(generated: Path) -> None:
    release = generated / "assignments" / "toy"

    assert {path.name for path in release.iterdir()} == {"toy.ipynb", "assignment.toml", "check_public.py"}
    assert leaks(release, generated / "solutions" / "toy") == []


def test_nbgraders_release_has_the_same_cells_as_ours(generated: Path, tmp_path: Path) -> None:
    import nbformat

    ours = build_release(generated, "toy", tmp_path)

    theirs = nbformat.read(generated / "assignments" / "toy" / "toy.ipynb", as_version=4)
    mine = nbformat.read(ours / "toy.ipynb", as_version=4)
    assert [(cell.id, cell.source) for cell in mine.cells] == [
        (cell.id, cell.source) for cell in theirs.cells
    ]
    assert [cell.metadata.get("nbgrader") for cell in mine.cells] == [
        cell.metadata.get("nbgrader") for cell in theirs.cells
    ]


def test_we_record_the_same_cells_as_nbgrader(course: Path) -> None:
    record_source(course, "toy", f"sqlite:///{course}/ours.db")

    assert cells(f"sqlite:///{course}/ours.db") == cells(f"sqlite:///{course}/gradebook.db")


def test_nbgrader_generates_again_after_we_recorded_submissions(course: Path) -> None:
    db_url = f"sqlite:///{course}/gradebook.db"
    record_source(course, "toy", db_url)
    with open_gradebook(db_url) as gradebook:
        record(gradebook, toy_grade(), {"toy": answered(gradebook_notebooks(course, "toy")["toy"])})

    nbgrader(course, "generate_assignment", "toy", "--force")

    with open_gradebook(db_url) as gradebook:
        assert gradebook.find_submission("toy", "student01").score == 10.0


def test_nbgrader_finds_the_source_notebook_right(course: Path) -> None:
    said = nbgrader(course, "validate", "solutions/toy/toy.ipynb")

    assert "Success!" in said


def test_nbgrader_exports_the_points(course: Path) -> None:
    with open_gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        notebook = answered(gradebook_notebooks(course, "toy")["toy"])
        record(gradebook, toy_grade("student01", double=3.5), {"toy": notebook})
        record(gradebook, toy_grade("student02"), {"toy": notebook})

    nbgrader(course, "export", "--to", "grades.csv")

    with (course / "grades.csv").open() as file:
        points = {row["student_id"]: (row["score"], row["max_score"]) for row in csv.DictReader(file)}
    assert points == {"student01": ("7.5", "15.0"), "student02": ("10.0", "15.0")}


def test_nbgrader_writes_feedback_from_our_folders(course: Path) -> None:
    notebook = answered(gradebook_notebooks(course, "toy")["toy"])
    (course / "submitted" / "student01" / "toy").mkdir(parents=True)
    with open_gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        record(gradebook, toy_grade(double=3.5), {"toy": notebook})
    write_autograded(course, toy_grade(), {"toy": notebook}, None)

    nbgrader(course, "generate_feedback", "toy")

    page = (course / "feedback" / "student01" / "toy" / "toy.html").read_text()
    assert "Score: 7.5 / 15.0" in page


@pytest.mark.sandbox
def test_files_that_are_to_be_kept_reach_nbgraders_autograded_folder(course: Path) -> None:
    import nbformat

    from grader.sandbox.kernelspecs import kernel_spec

    spec = course.parent / "home" / "DATA" / "kernels" / "keeping"
    handed_in = course / "submitted" / "student01" / "toy"
    spec.mkdir(parents=True)
    handed_in.mkdir(parents=True)
    kernel = kernel_spec(preload=("json",), keep_files=["*.csv"])
    (spec / "kernel.json").write_text(json.dumps(kernel.to_dict()))
    notebook = answered(gradebook_notebooks(course, "toy")["toy"])
    writing = "for name in ('side_effect.csv', 'side_effect.txt'):\n    open(name, 'w').write('cats')"
    notebook.cells.insert(0, nbformat.v4.new_code_cell(writing))
    nbformat.write(notebook, handed_in / "toy.ipynb")

    nbgrader(course, "autograde", "toy", "--ExecutePreprocessor.kernel_name=keeping")

    autograded = course / "autograded" / "student01" / "toy"
    assert (autograded / "side_effect.csv").read_text() == "cats"
    assert not (autograded / "side_effect.txt").exists()
    assert nbformat.read(autograded / "toy.ipynb", as_version=4).cells[0].execution_count == 1
