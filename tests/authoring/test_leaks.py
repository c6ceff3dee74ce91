"""Hidden text in a release is found wherever it was put, and idioms give nothing away."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from grader.authoring.leaks import leaks
from grader.authoring.release import build_release
from grader.errors import SpecError
from tests.support.notebooks import (
    HIDDEN_CHECK,
    MODEL_ANSWER,
    SOLUTION,
    toy_course,
)


@pytest.fixture
def course(tmp_path: Path) -> Path:
    return toy_course(tmp_path / "course")


def release(course: Path) -> Path:
    return build_release(course, "toy", course / "assignments")


def rewrite(course: Path, old: str, new: str) -> None:
    path = course / "solutions" / "toy" / "toy.ipynb"
    path.write_text(path.read_text().replace(old, new))


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


def test_a_copy_that_a_formatter_has_been_over_is_found(course: Path) -> None:
    source = with_secrets(course)
    lines = text_of("solved")
    # As formatters do: lines broken at commas and brackets, other quotation marks, a comment here and there.
    broken = [line.replace("(", "(\n    ").replace(", ", ",\n    ").replace("'", '"') for line in lines]
    (source / "helpers.py").write_text("\n# as in the lecture\n".join(broken))

    assert not {*lines} & {*(source / "helpers.py").read_text().splitlines()}
    with pytest.raises(SpecError, match=r"helpers\.py: from the solution in cell 4"):
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


WORK = [
    "height, width = images.shape[1:3]",
    "total = np.zeros_like(images, dtype=float)",
    "for row in range(3):",
    "    total += padded(images, 3)[:, row:row + height, 1:1 + width]",
    "result = np.clip(total / 3, 0, 255).astype(np.uint8)",
]


def with_names_changed(lines: list[str]) -> list[str]:
    return [line.replace("total", "t").replace("height", "h").replace("images", "x") for line in lines]


@pytest.mark.parametrize(
    ("name", "lines", "where"),
    [
        ("toy.ipynb", with_names_changed(WORK), "toy.ipynb, cell 3"),
        ("toy.ipynb", ["```python", *with_names_changed(WORK), "```"], "toy.ipynb, cell 1"),
        ("helpers.py", ["def mean(x):", *(f"    {line}" for line in with_names_changed(WORK))], "helpers.py"),
    ],
)
def test_a_solution_in_which_variables_were_renamed_is_found(
    course: Path, name: str, lines: list[str], where: str
) -> None:
    rewrite(course, SOLUTION, "\\n    ".join([*WORK, SOLUTION]))
    if name == "toy.ipynb":
        rewrite(course, "# Toy" if "cell 1" in where else "1 + 1", "\\n".join(["# Toy", *lines]))
    else:
        (course / "solutions" / "toy" / name).write_text("\n".join(lines))

    with pytest.raises(
        SpecError, match=f"{where}: from the solution in cell 4.*, under other names: 'h, width = "
    ):
        release(course)


def test_what_public_checks_do_themselves_under_other_names_is_no_secret(course: Path) -> None:
    rewrite(course, SOLUTION, "\\n    ".join([*WORK, SOLUTION]))
    checks = course / "solutions" / "toy" / "check_public.py"
    checks.write_text(
        "\n".join(
            [checks.read_text(), "def reference(x):", *(f"    {line}" for line in with_names_changed(WORK))]
        )
    )
    rewrite(course, "1 + 1", "\\n".join(with_names_changed(WORK)))

    assert release(course).is_dir()
