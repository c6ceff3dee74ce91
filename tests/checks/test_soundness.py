"""A course that is empty, or an assignment that cannot be graded, is an error that names file and key."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from grader.assignment.course import Course, packaged_course
from grader.assignment.spec import load_assignment
from grader.checks.check_files import load_checks
from grader.checks.questions import Question
from grader.checks.soundness import marked, require_asked, require_cells, require_sound
from grader.cli.app import app
from grader.errors import SpecError
from tests.support.notebooks import PUBLIC_CHECKS, source_notebook, toy_course
from tests.support.tiny import tiny_course

NOBODY = 65_534


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return toy_course(tmp_path / "course") / "solutions" / "toy"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return tiny_course(tmp_path_factory.mktemp("course"))


def sound(source: Path) -> None:
    require_sound(source, load_assignment(source))


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def run(*words: str, course: Path) -> str:
    """Run a command and return the message of the SpecError that ends it."""
    said = CliRunner().invoke(app, [*words, "--course", str(course)])
    assert isinstance(said.exception, SpecError), said.output
    assert said.exception.exit_code == 2
    return str(said.exception.message)


def test_assignments_of_ours_are_sound() -> None:
    course = packaged_course()
    for name in course.assignments():
        assignment = load_assignment(course.source(name))
        require_sound(course.source(name), assignment)
        path = course.release(name) / f"{name}.ipynb"
        require_cells(path.parent, {path.stem: nbformat.read(path, as_version=4)}, assignment)


def test_an_assignment_whose_checks_fit_is_sound(source: Path) -> None:
    sound(source)


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("check_public.py", '"double", points=6', '"double"', "'double' is worth 6 points, its checks are worth 0"),
        ("check_public.py", '"square", points=3', '"square", points=4', "worth 4 points, its checks are worth 5"),
        ("check_public.py", '"double", points=6', '"dubble", points=6', "no exercise 'dubble' in assignment.toml"),
        ("check_public.py", '"double", points=6', '"dubble", points=6', "'double' has no check in check_public.py"),
        ("check_public.py", '@pytest.mark.exercise("double", points=6)\n', "", "test_double has no @pytest.mark"),
        ("check_public.py", "def test_double", "def check_double", "exercise 'double' has no check"),
        ("check_public.py", "points=6", "points=6, unreported=True", "cannot be worth points"),
        ("check_public.py", "points=6", "points=float('nan')", "expected points of 0 or more"),
        ("check_public.py", "points=6", "points=6, after='square'", "comes after 'square', and no check above it"),
        ("check_public.py", "points=6", "points=6, after='hidden'", "comes after 'hidden', and no check above it"),
        ("check_public.py", "import pytest", "import pytest_", "check_public.py cannot be imported: ModuleNotFound"),
        ("check_public.py", "    return {}", "    return {", "check_public.py cannot be imported: SyntaxError"),
        ("check_public.py", "def questions", "def asked", "no function questions"),
        ("staff/check_hidden.py", "def test_hidden", "def test_square", "2 checks are called test_square"),
        ("staff/check_hidden.py", "    return {}", "    return {}\n1 / 0", "check_hidden.py cannot be imported: Zero"),
        ("assignment.toml", "points = 15", "points = 16", "points is 16, but the exercises add up to 15"),
        ("assignment.toml", "points = 15", "points = 0", "points: Input should be greater than 0"),
        ("assignment.toml", "points = 15", "points = inf", "points: Input should be a finite number"),
        ("assignment.toml", "pass_points = 8", "pass_points = 15.5", "pass_points .15.5. is more than points"),
        ("assignment.toml", 'id = "square"', 'id = "double"', "exercise ids must differ"),
        ("assignment.toml", 'id = "reflection"', 'id = "double"', "exercise ids must differ"),
        ("assignment.toml", 'id = "toy"', 'id = "moon"', "id is 'moon', but the folder is 'toy'"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_before_anything_is_released(
    source: Path, file: str, old: str, new: str, said: str
) -> None:
    change(source / file, old, new)

    with pytest.raises(SpecError, match=said):
        sound(source)
    run("release", course=source.parent.parent)

    assert not (source.parent.parent / "assignments").exists()


def test_an_assignment_without_exercises_is_refused(source: Path) -> None:
    text = (source / "assignment.toml").read_text()
    (source / "assignment.toml").write_text(f"exercises = []\n{text.partition('[[')[0]}\n[data.toy_pets]\n")

    with pytest.raises(SpecError, match="exercises: Tuple should have at least 1 item"):
        sound(source)


def test_an_assignment_without_check_files_is_refused(source: Path) -> None:
    (source / "check_public.py").unlink()
    (source / "staff" / "check_hidden.py").unlink()

    with pytest.raises(SpecError, match="no check_public.py"):
        sound(source)


def test_everything_that_is_wrong_is_said_at_once(source: Path) -> None:
    (source / "check_public.py").write_text(PUBLIC_CHECKS.replace("points=6", "").replace("points=3", ""))

    with pytest.raises(SpecError, match=r"'double' is worth 6 points.*; .*'square' is worth 4 points"):
        sound(source)


def test_checks_with_parameters_and_in_classes_count_as_often_as_they_run(source: Path) -> None:
    text = PUBLIC_CHECKS.replace(
        '@pytest.mark.exercise("double", points=6)\ndef test_double():\n    pass',
        '@pytest.mark.parametrize("n", [1, 2])\n@pytest.mark.exercise("double", points=2)\ndef test_double(n):\n    pass'
        '\n\n\nclass TestMore:\n    @pytest.mark.exercise("double", points=2)\n    def test_more(self):\n        pass',
    )
    (source / "check_public.py").write_text(text)

    sound(source)

    found = list(marked(load_checks(source / "check_public.py")))
    assert [(one.name, one.times) for one in found] == [("double", 2), ("more", 1), ("square", 1)]


def test_a_set_that_nobody_plans_and_a_function_that_nobody_defines_are_refused(source: Path) -> None:
    path = source / "check_public.py"
    assignment = load_assignment(source)
    change(path, "points=6", "points=6, asks='numbers'")

    with pytest.raises(SpecError, match="test_double asks for 'numbers'; the questions planned are none"):
        require_asked([path], {}, assignment)
    with pytest.raises(SpecError, match="no entry point 'dubble'"):
        require_asked([path], {"numbers": [Question("dubble", ())]}, assignment)


@pytest.mark.parametrize(
    ("cell", "metadata", "said"),
    [
        (4, {"grade_id": "other"}, "no graded cell for the exercise double"),
        (4, {"points": 5}, "the cell double is worth 5 points, assignment.toml says 6"),
        (6, {"grade_id": "double", "points": 6}, "2 graded cells are called double"),
    ],
)
def test_a_released_notebook_that_lacks_an_exercise_is_refused(
    source: Path, cell: int, metadata: dict[str, object], said: str
) -> None:
    notebook = source_notebook()
    notebook.cells[cell].metadata.nbgrader.update(metadata)

    with pytest.raises(SpecError, match=f"toy.ipynb: .*{said}"):
        require_cells(Path(), {"toy": notebook}, load_assignment(source))


@pytest.mark.parametrize("command", [["verify"], ["release"], ["gradebook", "rebuild"]])
@pytest.mark.parametrize("folders", [[], ["notes"]])
def test_a_course_without_an_assignment_is_an_error_that_says_what_one_needs(
    tmp_path: Path, command: list[str], folders: list[str]
) -> None:
    course = toy_course(tmp_path / "course")
    shutil.rmtree(course / "solutions" / "toy")
    for name in folders:
        (course / "solutions" / name).mkdir()

    said = run(*command, course=course)

    assert "expected solutions/<id>/assignment.toml, found" in said
    assert all(name in said for name in folders or ["nothing"])


@pytest.mark.parametrize("command", ["verify", "release", "grade", "feedback", "review", "calibrate"])
def test_an_assignment_that_the_course_does_not_have_is_an_error(source: Path, command: str) -> None:
    assert "no assignment 'moon'" in run(command, "moon", course=source.parent.parent)


def test_an_exercise_without_a_check_stops_grading_before_anything_is_run(tmp_path: Path) -> None:
    course = tiny_course(tmp_path / "course")
    change(course.source("tiny") / "assignment.toml", "points = 20", "points = 23")
    with (course.source("tiny") / "assignment.toml").open("a") as file:
        file.write('[[exercises]]\nid = "extra"\ntitle = "Forgotten"\npoints = 3\n')

    for command in ("grade", "calibrate"):
        assert "exercise 'extra' has no check" in run(command, "tiny", course=course.folder)
    verified = CliRunner().invoke(app, ["verify", "tiny", "--course", str(course.folder)])
    assert verified.exit_code == 2
    assert "no graded cell for extra" in verified.output
    assert "exercise 'extra' has no check" in verified.output


def test_a_mutant_that_is_not_there_is_no_mutant_that_is_caught(tiny: Course) -> None:
    assert "no mutant 'nobody' in tiny" in run("verify", "--only", "nobody", course=tiny.folder)


def test_nothing_handed_in_is_said_and_no_error(tiny: Course, toy_cache: Path) -> None:
    said = CliRunner().invoke(
        app, ["grade", "tiny", "--course", str(tiny.folder)], env={"PAWGRADE_CACHE": str(toy_cache)}
    )

    assert said.exit_code == 0, said.output
    assert "nobody has handed in anything" in said.output


def test_feedback_for_somebody_who_has_not_been_graded_is_an_error(tiny: Course) -> None:
    assert "student 'student07' has not been graded in tiny" in run(
        "feedback", "tiny", "--student", "student07", course=tiny.folder
    )


def test_a_file_in_place_of_the_folder_of_submissions_is_an_error(source: Path) -> None:
    course = Course(source.parent.parent)
    (course.folder / "submitted").write_text("")

    with pytest.raises(SpecError, match="submitted is a file"):
        course.submissions("toy")


@pytest.mark.parametrize("pair", [("Student01", "student01"), ("mari\u00e9", "marie\u0301")])
def test_two_students_whose_names_differ_in_case_alone_are_an_error(
    source: Path, pair: tuple[str, str]
) -> None:
    course = Course(source.parent.parent)
    for student in pair:
        (course.folder / "submitted" / student / "toy").mkdir(parents=True)
        (course.folder / "submitted" / student / "toy" / "toy.ipynb").touch()

    with pytest.raises(SpecError, match="differ in nothing but case"):
        course.submissions("toy")
    assert [one.student for one in course.submissions("toy", pair[:1])] == [pair[0]]


@contextlib.contextmanager
def ordinary_user(folder: Path) -> Iterator[None]:
    """Look with the rights of an ordinary user, also where the tests run as root."""
    root = os.geteuid() == 0
    if root:
        for above in (folder, *folder.parents[:-2]):
            above.chmod(0o755)
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.parametrize("closed", ["submitted", "submitted/student02"])
def test_a_folder_that_cannot_be_looked_into_is_an_error(source: Path, closed: str) -> None:
    course = Course(source.parent.parent)
    for student in ("student01", "student02"):
        (course.folder / "submitted" / student / "toy").mkdir(parents=True)
    (course.folder / closed).chmod(0)

    try:
        with (
            ordinary_user(course.folder),
            pytest.raises(SpecError, match=f"{closed}.* cannot be read: Permission denied"),
        ):
            course.submissions("toy")
    finally:
        (course.folder / closed).chmod(0o755)
