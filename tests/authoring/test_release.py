"""What students receive: complete, the same each time, and nothing that is hidden."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from grader.authoring.release import build_release, require_readable, stale_files
from grader.errors import SpecError
from tests.support.notebooks import (
    HIDDEN_CHECK,
    MODEL_ANSWER,
    REPOSITORY,
    SOLUTION,
    graded_cell,
    solution_cell,
    source_notebook,
    toy_course,
)


@pytest.fixture
def course(tmp_path: Path) -> Path:
    return toy_course(tmp_path / "course")


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def release(course: Path) -> Path:
    return build_release(course, "toy", course / "assignments")


def rewrite(course: Path, old: str, new: str) -> None:
    path = course / "solutions" / "toy" / "toy.ipynb"
    path.write_text(path.read_text().replace(old, new))


def test_a_release_holds_the_notebook_its_public_files_and_its_data_cards(course: Path) -> None:
    folder = release(course)

    assert folder == course / "assignments" / "toy"
    expected = {"toy.ipynb", "assignment.toml", "check_public.py", "datasets/toy_pets.toml"}
    assert set(files_of(folder)) == expected
    assert {path.name for path in folder.parent.iterdir()} == {"toy"}


def test_a_released_notebook_has_stubs_and_no_solution(course: Path) -> None:
    text = (release(course) / "toy.ipynb").read_text()

    assert SOLUTION not in text
    assert MODEL_ANSWER not in text
    assert HIDDEN_CHECK not in text
    assert "SOLUTION" not in text
    assert text.count("YOUR CODE HERE") == 2
    assert text.count("YOUR ANSWER HERE") == 1


def test_a_stub_runs(course: Path) -> None:
    notebook = nbformat.read(release(course) / "toy.ipynb", as_version=4)

    namespace: dict[str, object] = {}
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution") and cell.cell_type == "code":
            exec(cell.source, namespace)  # noqa: S102 - our own stub

    assert namespace["double"](2) is None  # type: ignore[operator]


def test_two_builds_give_the_same_bytes(course: Path, tmp_path: Path) -> None:
    first = files_of(build_release(course, "toy", tmp_path / "first"))

    second = files_of(build_release(course, "toy", tmp_path / "second"))

    assert first == second


def test_two_builds_agree_even_when_cells_have_no_ids(course: Path, tmp_path: Path) -> None:
    path = course / "solutions" / "toy" / "toy.ipynb"
    raw = json.loads(path.read_text())
    for cell in raw["cells"]:
        del cell["id"]
    path.write_text(json.dumps({**raw, "nbformat_minor": 4}))

    first, second = (files_of(build_release(course, "toy", tmp_path / name)) for name in "ab")

    assert first == second


def test_cell_ids_of_the_source_are_kept(course: Path) -> None:
    notebook = nbformat.read(release(course) / "toy.ipynb", as_version=4)

    assert [cell.id for cell in notebook.cells] == [cell.id for cell in source_notebook().cells]


def test_outputs_times_and_versions_are_gone(course: Path) -> None:
    text = (release(course) / "toy.ipynb").read_text()

    assert "3.11.2" not in text
    assert "iopub" not in text
    assert all(not c.get("outputs") and not c.get("execution_count") for c in json.loads(text)["cells"])


def test_graded_and_read_only_cells_are_locked_against_editing(course: Path) -> None:
    notebook = nbformat.read(release(course) / "toy.ipynb", as_version=4)

    editable = {cell.id: cell.metadata.get("editable", True) for cell in notebook.cells}

    locked = [name for name, value in editable.items() if not value]
    assert locked == ["parameters", "double", "square"]


def test_a_second_build_replaces_the_first_and_leaves_nothing_behind(course: Path) -> None:
    (release(course) / "old.txt").write_text("left over")

    folder = release(course)

    assert not (folder / "old.txt").exists()
    assert [path.name for path in folder.parent.iterdir()] == ["toy"]


def test_a_build_has_no_other_effects_on_the_course(course: Path, tmp_path: Path) -> None:
    before = files_of(course)

    build_release(course, "toy", tmp_path / "elsewhere")

    assert files_of(course) == before


def test_a_fresh_release_is_not_stale(course: Path) -> None:
    release(course)

    assert stale_files(course, "toy") == []


def test_stale_files_names_what_changed_is_missing_or_should_not_be_there(course: Path) -> None:
    folder = release(course)
    rewrite(course, "# Toy", "# A better title")
    (folder / "check_public.py").unlink()
    (folder / "notes.txt").write_text("not from the source")

    stale = stale_files(course, "toy")

    assert stale == [f"assignments/toy/{name}" for name in ("check_public.py", "notes.txt", "toy.ipynb")]


def test_a_release_that_was_never_built_is_stale(course: Path) -> None:
    assert "assignments/toy/toy.ipynb" in stale_files(course, "toy")


def test_a_solution_without_an_end_names_file_and_cell(course: Path) -> None:
    rewrite(course, "    ### END SOLUTION", "    pass")

    with pytest.raises(
        SpecError,
        match=r"toy\.ipynb, cell 4 \(double_answer\): 'BEGIN SOLUTION' without 'END SOLUTION' after",
    ):
        release(course)


def test_the_end_of_hidden_tests_whose_beginning_is_misspelt_releases_nothing(course: Path) -> None:
    hidden = "assert double(4711) == 9422\\n### END HIDDEN TESTS"
    rewrite(course, "assert double(2) == 4", f"### BEGIN HIDEN TESTS\\n{hidden}")

    with pytest.raises(
        SpecError, match=r"cell 5 \(double\): 'END HIDDEN TESTS' without 'BEGIN HIDDEN TESTS' before"
    ):
        release(course)

    assert not (course / "assignments" / "toy").exists()


def test_delimiters_of_the_courses_own_hide_and_nbgraders_are_refused_there(course: Path) -> None:
    settings = course / "nbgrader_config.py"
    lines = [
        f"c.Clear{kind}.{end}_{name}_delimeter = '<{mark}{name}>'\n"
        for kind, name in (("Solutions", "solution"), ("HiddenTests", "test"))
        for end, mark in (("begin", ""), ("end", "/"))
    ]
    settings.write_text(settings.read_text() + "".join(lines))
    rewrite(course, "### BEGIN SOLUTION", "# <solution>")
    rewrite(course, "### END SOLUTION", "# </solution>")
    hidden = "### BEGIN HIDDEN TESTS\\nassert double(4711) == 9422\\n### END HIDDEN TESTS"
    rewrite(course, "assert double(2) == 4", f"assert double(2) == 4\\n{hidden}")
    with pytest.raises(SpecError, match=r"cell 5 \(double\): a marker of hidden text"):
        release(course)
    rewrite(course, "### BEGIN HIDDEN TESTS", "# <test>")
    rewrite(course, "### END HIDDEN TESTS", "# </test>")

    text = (release(course) / "toy.ipynb").read_text()

    assert "4711" not in text
    assert "test>" not in text
    assert "def double(number)" in text


def test_a_solution_region_outside_a_solution_cell_names_the_cell(course: Path) -> None:
    rewrite(course, "seed = 0", "### BEGIN SOLUTION\\n1\\n### END SOLUTION")

    with pytest.raises(SpecError, match=r"cell 2 \(parameters\): Solution region"):
        release(course)


def test_two_cells_with_one_grade_id_are_refused(tmp_path: Path) -> None:
    notebook = source_notebook()
    notebook.cells.append(solution_cell("double_answer", "pass"))
    notebook.cells[-1]["id"] = "another"
    course = toy_course(tmp_path / "course", notebook)

    with pytest.raises(SpecError, match="Duplicate grade id: double_answer"):
        release(course)


def test_points_that_differ_from_the_assignment_are_refused(course: Path) -> None:
    rewrite(course, '"points": 6', '"points": 7')

    with pytest.raises(SpecError, match=r"cell 5 \(double\).*7 points.*6 points"):
        release(course)


def test_a_graded_cell_that_the_assignment_does_not_know_is_refused(tmp_path: Path) -> None:
    notebook = source_notebook()
    notebook.cells.append(graded_cell("cube", 3, "assert True"))
    course = toy_course(tmp_path / "course", notebook)

    with pytest.raises(SpecError, match=r"cube.*assignment\.toml says nothing"):
        release(course)


def test_a_cell_that_checks_another_exercise_is_refused(tmp_path: Path) -> None:
    notebook = source_notebook()
    cell = next(cell for cell in notebook.cells if cell.id == "square")
    cell.source = 'lab.check("double")'
    course = toy_course(tmp_path / "course", notebook)

    with pytest.raises(
        SpecError, match=r"\(square\): the cell checks 'double'; expected lab\.check\('square'\)"
    ):
        release(course)


def test_an_exercise_without_a_cell_is_refused(tmp_path: Path) -> None:
    notebook = source_notebook()
    notebook.cells = [cell for cell in notebook.cells if cell.id != "square"]
    course = toy_course(tmp_path / "course", notebook)

    with pytest.raises(SpecError, match="no graded cell for square"):
        release(course)


def test_mistakes_of_all_files_are_told_at_once(course: Path) -> None:
    source = course / "solutions" / "toy"
    description = source / "assignment.toml"
    description.write_text(description.read_text().replace("pass_points", "pas_points"))
    (source / "staff" / "hidden.toml").write_text('[holdout]\nsplit = "third"\n')
    rewrite(course, '"points": 6', '"pionts": 6')
    rewrite(course, '"grade_id": "square_answer"', '"grade_id": ""')

    with pytest.raises(SpecError) as caught:
        require_readable(source)

    told = str(caught.value)
    for words in (
        "assignment.toml: 2 mistakes", "unknown key 'pas_points'", "pass_points: Field required",
        "hidden.toml: holdout.split", "'second_holdout', found 'third'",
        "toy.ipynb: 2 mistakes", "cell 5 (double): ", "'pionts' was unexpected", "grade_id is empty", "panel `Create Assignment`",
    ):  # fmt: skip
        assert words in told


def test_cells_and_exercises_that_do_not_fit_are_told_at_once(course: Path) -> None:
    rewrite(course, '"points": 6', '"points": 7')
    rewrite(course, '"grade_id": "square"', '"grade_id": "cube"')

    with pytest.raises(
        SpecError,
        match=r"toy\.ipynb: 3 mistakes:\n.*7 points.*\n.*\(cube\).*nothing\n.*no graded cell for square",
    ):
        release(course)


def test_what_is_right_is_read_without_a_word(course: Path) -> None:
    source = course / "solutions" / "toy"
    checks = source / "check_public.py"
    checks.write_text(checks.read_text())

    require_readable(source)


def test_a_missing_notebook_says_which_file_is_missing(course: Path) -> None:
    (course / "solutions" / "toy" / "toy.ipynb").unlink()

    with pytest.raises(SpecError, match=r"toy\.ipynb does not exist"):
        release(course)


def test_an_unknown_data_card_is_refused(course: Path) -> None:
    path = course / "solutions" / "toy" / "assignment.toml"
    path.write_text(path.read_text().replace("toy_pets", "moon_pets"))

    with pytest.raises(SpecError, match="moon_pets"):
        release(course)


def test_a_failed_build_leaves_the_old_release_as_it_was(course: Path) -> None:
    before = files_of(release(course))
    rewrite(course, "    ### END SOLUTION", "    pass")

    with pytest.raises(SpecError):
        release(course)

    assert files_of(course / "assignments" / "toy") == before
    assert [path.name for path in (course / "assignments").iterdir()] == ["toy"]


def test_a_course_whose_settings_would_release_staff_files_is_refused(course: Path) -> None:
    path = course / "nbgrader_config.py"
    path.write_text(path.read_text().replace('"staff", ', ""))

    with pytest.raises(SpecError, match="staff"):
        release(course)


def test_settings_may_add_to_nbgraders_ignored_files(course: Path) -> None:
    path = course / "nbgrader_config.py"
    path.write_text("c = get_config()\nc.CourseDirectory.ignore.append('staff')\n")

    assert set(files_of(release(course))) >= {"toy.ipynb", "check_public.py"}


def test_a_header_that_the_course_puts_before_every_notebook_is_released(course: Path) -> None:
    header = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("Read this first.", id="header")])
    nbformat.write(header, course / "header.ipynb")
    with (course / "nbgrader_config.py").open("a") as file:
        file.write("c.IncludeHeaderFooter.header = 'header.ipynb'\n")

    notebook = nbformat.read(release(course) / "toy.ipynb", as_version=4)

    assert notebook.cells[0].source == "Read this first."


def test_the_adapters_import_without_nbgrader() -> None:
    code = (
        "import sys; sys.modules['nbgrader'] = None\n"
        "import grader.authoring.release, grader.gradebook.nbgrader, grader.gradebook.formgrader, grader.gradebook.manual_work\n"
        "from grader.errors import SpecError\n"
        "try: grader.gradebook.nbgrader.nbgrader_api()\n"
        "except SpecError as exc: print(exc)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )

    assert done.stdout == "This needs nbgrader: pip install 'pawgrade[staff]'\n"


@pytest.mark.parametrize(
    ("toml", "missing"),
    [
        ('id = "toy"\nnotebooks = ["Part 1", "part-2"]\npoints = 0\n', ["part-2.ipynb does not exist"]),
        ('id = "toy"\npoints = 0\n', ["toy.ipynb does not exist"]),
        ('id = "toy"\nnotebooks = "Part 1"\n', []),
        ("id = toy\n", []),
    ],
)
def test_notebooks_are_looked_for_by_the_names_of_a_file_with_mistakes(
    toml: str, missing: list[str], course: Path
) -> None:
    source = course / "solutions" / "toy"
    (source / "toy.ipynb").rename(source / "Part 1.ipynb")
    (source / "assignment.toml").write_text(toml)

    with pytest.raises(SpecError) as told:
        require_readable(source)

    lines = str(told.value.message).splitlines()
    assert "assignment.toml" in lines[0]
    assert [line.removeprefix(f"{source}/").rstrip(".") for line in lines if ".ipynb" in line] == missing
