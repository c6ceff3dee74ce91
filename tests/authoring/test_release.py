"""What students receive: complete, the same each time, and nothing that is hidden."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from grader.authoring.leaks import leaks
from grader.authoring.release import build_release, stale_files
from grader.errors import SpecError
from grader.gradebook.conversion import course_config, record_source
from grader.gradebook.nbgrader import open_gradebook
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

    with pytest.raises(SpecError, match=r"toy\.ipynb, cell 4 \(double_answer\): no end solution"):
        release(course)


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


def test_the_course_is_where_its_settings_lie(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    config = course_config(Path("course"))

    assert config.CourseDirectory.root == str(course)


def test_a_build_that_would_give_something_away_is_refused(course: Path) -> None:
    rewrite(course, "1 + 1", "### BEGIN  SOLUTION")  # two blanks: nbgrader does not know it for a marker

    with pytest.raises(SpecError, match="cell 3: a marker of hidden text"):
        release(course)

    assert not (course / "assignments" / "toy").exists()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("toy.ipynb", SOLUTION, "the solution in cell 4"),
        ("toy.ipynb", MODEL_ANSWER, "the solution in cell 8"),
        ("check_public.py", f"    {HIDDEN_CHECK}", "staff/check_hidden.py"),
        ("notes.md", f"see {SOLUTION}", "the solution in cell 4"),
        ("toy.ipynb", "### BEGIN HIDDEN TESTS", "a marker"),
        ("toy.ipynb", "=== BEGIN MARK SCHEME ===", "a marker"),
    ],
)
def test_hidden_text_in_a_release_is_found(course: Path, name: str, text: str, said: str) -> None:
    path = release(course) / name
    if name.endswith(".ipynb"):
        path.write_text(path.read_text().replace("# Toy", text))
    else:
        path.write_text(text)

    found = leaks(path.parent, course / "solutions" / "toy")

    assert len(found) == 1
    assert found[0].startswith(name)
    assert said in found[0]


def text_of(name: str, lines: int = 6) -> list[str]:
    """Return lines that nobody writes twice by chance."""
    return [f"{name}_{number} = {name}_of_the_photos(scores, {number}, among=35)" for number in range(lines)]


TRAINING_STEP = [
    "inputs, labels = data",
    "optimizer.zero_grad()",
    "outputs = net(inputs)",
    "loss = criterion(outputs, labels)",
    "loss.backward()",
    "optimizer.step()",
]
LEVELS = 'levels.breeds = { zero_at = 0.61, full_at = 0.87 } # of level = "breeds"'


def with_secrets(course: Path) -> Path:
    """Put longer secrets into the staff's files of a course, and a longer solution into its notebook."""
    source = course / "solutions" / "toy"
    rewrite(course, SOLUTION, "\\n    ".join([SOLUTION, *text_of("solved"), *TRAINING_STEP]))
    rewrite(course, MODEL_ANSWER, f"{MODEL_ANSWER} {'It says at length what was seen. ' * 5}")
    (source / "staff" / "check_hidden.py").write_text(
        "\n".join(["import numpy.testing", *text_of("checked")])
    )
    (source / "staff" / "hidden.toml").write_text(f"{LEVELS}\n")
    for folder in ("recipes", "mutants"):
        (source / "staff" / folder).mkdir()
        (source / "staff" / folder / "one.py").write_text("\n".join(text_of(folder)))
    return source


@pytest.mark.parametrize(
    ("lines", "origin"),
    [
        (text_of("solved"), "the solution in cell 4"),
        ([f"> {line}" for line in text_of("solved")], "the solution in cell 4"),
        ([f"{MODEL_ANSWER} {'It says at length what was seen. ' * 5}".strip()], "the solution in cell 8"),
        (text_of("checked"), "staff/check_hidden.py"),
        ([LEVELS], "staff/hidden.toml"),
        (text_of("recipes"), "staff/recipes/one.py"),
        (text_of("mutants"), "staff/mutants/one.py"),
    ],
)
def test_what_was_pasted_into_a_public_cell_is_found(course: Path, lines: list[str], origin: str) -> None:
    """The search excuses lines that are public anyway, but not all of a secret, one after the other."""
    with_secrets(course)
    rewrite(course, "# Toy", "\\n".join(["# Toy", *(json.dumps(line)[1:-1] for line in lines)]))

    with pytest.raises(SpecError, match=f"cell 1: from {origin}"):
        release(course)


@pytest.mark.parametrize(
    ("name", "origin"),
    [
        ("toy.ipynb.orig", "marker"),
        ("toy.html", "marker"),
        ("check_hidden_old.py", "staff/check_hidden.py"),
        ("README.md", "the solution in cell 4"),
        ("assignment.toml", "staff/hidden.toml"),
    ],
)
def test_what_was_left_beside_the_notebook_is_found(course: Path, name: str, origin: str) -> None:
    source = with_secrets(course)
    texts = {
        "toy.ipynb.orig": (source / "toy.ipynb").read_text(),
        "toy.html": "<pre>### BEGIN SOLUTION</pre>",
        "check_hidden_old.py": "\n".join(text_of("checked", 5)),
        "README.md": "\n".join(text_of("solved")),
        "assignment.toml": f"{(source / 'assignment.toml').read_text()}\n# {LEVELS}\n",
    }
    (source / name).write_text(texts[name])

    with pytest.raises(SpecError, match=f"{name}: .*{origin}"):
        release(course)


@pytest.mark.parametrize(
    "lines",
    [
        TRAINING_STEP,
        ["import numpy.testing", *text_of("solved", 1)],
        ['level = "breeds"', "zero_at and full_at are levels"],
        text_of("mutants", 3),
    ],
)
def test_idioms_that_secrets_share_with_public_cells_give_nothing_away(
    course: Path, lines: list[str]
) -> None:
    with_secrets(course)
    rewrite(course, "# Toy", "\\n".join(["# Toy", *(json.dumps(line)[1:-1] for line in lines)]))

    assert leaks(release(course), course / "solutions" / "toy") == []


def test_idioms_that_secrets_share_with_a_public_file_give_nothing_away(course: Path) -> None:
    source = with_secrets(course)
    (source / "utils.py").write_text(
        "\n".join(["import numpy.testing", *TRAINING_STEP, *text_of("checked", 1)])
    )

    assert leaks(release(course), source) == []


def test_a_hidden_check_may_share_lines_with_the_public_one(course: Path) -> None:
    source = with_secrets(course)
    (source / "check_public.py").write_text("\n".join(text_of("checked")))

    assert leaks(release(course), source) == []


def test_staff_files_and_outputs_in_a_release_are_found(course: Path) -> None:
    folder = release(course)
    (folder / "staff").mkdir()
    (folder / "staff" / "empty.py").write_text("")
    (folder / "copied.py").write_bytes((course / "solutions/toy/staff/check_hidden.py").read_bytes())
    (folder / "toy.ipynb").write_bytes((course / "solutions/toy/toy.ipynb").read_bytes())

    found = "\n".join(leaks(folder, course / "solutions" / "toy"))

    assert "staff/empty.py" in found
    assert "copied.py: it is a file of staff" in found
    assert "toy.ipynb, cell 3: it has outputs" in found


def test_a_secret_in_the_metadata_of_a_cell_is_found(course: Path) -> None:
    path = release(course) / "toy.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].metadata["tags"] = [MODEL_ANSWER]
    nbformat.write(notebook, path)

    assert any("cell 1" in finding for finding in leaks(path.parent, course / "solutions" / "toy"))


def test_recording_the_source_twice_changes_nothing(course: Path, tmp_path: Path) -> None:
    db_url = f"sqlite:///{tmp_path}/gradebook.db"

    record_source(course, "toy", db_url)
    record_source(course, "toy", db_url)

    with open_gradebook(db_url) as gradebook:
        notebook = gradebook.find_notebook("toy", "toy")
        assert sorted(cell.name for cell in notebook.grade_cells) == ["double", "reflection", "square"]
        assert notebook.max_score == 15
        assert not notebook.submissions


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
