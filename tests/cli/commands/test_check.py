"""`pawgrade check` as a student runs it: one real run of a notebook with mistakes, and what is said before, while and after it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell
from rich.console import Console
from typer.testing import CliRunner

from grader.cli import output
from grader.cli.app import app
from grader.cli.commands import check as command
from tests.support.tiny import solved, tiny_course

RAISES = (
    "def helper(numbers):\n    return numbers / nothing\n\ndef double(numbers):\n    return helper(numbers)"
)


@dataclass(frozen=True)
class Ran:
    """What one run of the command left."""

    folder: Path
    code: int
    out: str
    err: str
    record: dict[str, object]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, toy_cache: Path) -> Ran:
    """A notebook under another name: a cell that misses a name, and a function that raises; checked by a real kernel."""
    root = tmp_path_factory.mktemp("check")
    course = tiny_course(root / "course")
    folder = (course.folder / "assignments" / "tiny").rename(root / "tiny")
    notebook = solved(double_code=RAISES)
    cells = [
        new_markdown_cell("Text\n\n## 2. Looking at *photos*", id="section"),
        new_code_cell("", id="empty"),
        new_code_cell("# how many\nprint(count_of_photos)", id="missing"),
        new_code_cell("print('x' * 99_000)", id="loud"),
    ]
    notebook.cells[2:2] = cells
    path = folder / "tiny_final(2).ipynb"
    nbformat.write(notebook, path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PAWGRADE_CACHE", str(toy_cache))
        patch.delenv("PAWGRADE_DATA", raising=False)
        done = CliRunner().invoke(app, ["check", "--html", str(path), "--json", str(root / "check.json")])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    record = json.loads((root / "check.json").read_text())
    return Ran(folder, done.exit_code, done.stdout, done.stderr, record)


@pytest.mark.slow
def test_progress_is_told_in_lines_from_the_start(ran: Ran) -> None:
    lines = ran.err.splitlines()

    assert lines[0] == "reading tiny_final(2).ipynb, 0 s"
    assert re.fullmatch(r"cell 1 of \d, \d+ s", lines[1])
    assert any(re.fullmatch(r"asking your functions, \d+ s", line) for line in lines)
    assert any(re.fullmatch(r"ran \d code cells and asked your functions in \d+ s", line) for line in lines)


@pytest.mark.slow
def test_another_name_is_checked_with_a_note(ran: Ran) -> None:
    assert (
        "note: Hand it in as tiny.ipynb: tiny_final(2).ipynb counts only if it is the one notebook" in ran.out
    )


@pytest.mark.slow
def test_a_cell_that_failed_is_named_so_that_its_author_finds_it(ran: Ran) -> None:
    (failed,) = [line for line in ran.out.splitlines() if line.startswith("failed:")]

    assert 'under "2. Looking at *photos*", the cell that begins with `# how many`: NameError' in failed
    assert "Restart & Run All" in ran.out


@pytest.mark.slow
def test_verdicts_notices_json_and_page_count_cells_as_jupyter_does(ran: Ran) -> None:
    path = ran.folder / "tiny_final(2).ipynb"
    code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    # Nothing is injected in the file, and Jupyter gives an empty cell no number.
    number = {
        cell.source: position for position, cell in enumerate((cell for cell in code if cell.source), 1)
    }
    missing, loud = (next(n for text, n in number.items() if mark in text) for mark in ("how many", "99_000"))
    page = (ran.folder / "tiny_final(2).check.html").read_text()
    shown = re.findall(r'class="prompt">Code cell (\d+).*?class="source">(.*?)</div>', page, re.DOTALL)

    assert [cell["number"] for cell in ran.record["failed_cells"]] == [missing]  # type: ignore[attr-defined]
    assert f"in code cell {loud})" in ran.out
    assert f"cell {number[RAISES]}, line 2: return numbers / nothing" in str(ran.record["checks"])
    assert [int(n) for n, html in shown if "count_of_photos" in html] == [missing]
    assert [int(n) for n, html in shown if "99_000" in html] == [loud]


@pytest.mark.slow
def test_what_raised_is_told_with_lines_and_a_call(ran: Ran) -> None:
    checks = ran.record["checks"]
    assert isinstance(checks, list)
    (double,) = [check for check in checks if check["id"] == "double"]

    assert "return numbers / nothing; called in cell" in double["measured"]
    assert "line 5: return helper(numbers)" in double["measured"]
    assert double["hint"].endswith('double(*lab.call("double"))')


@pytest.mark.slow
def test_one_sentence_says_whose_points_are_whose(ran: Ran) -> None:
    assert "8 of the 14 points that the public checks can see, on Toy pets" in ran.out
    assert (
        "Of the 20 points, 14 by these checks, then on data that nobody has seen; "
        "2 by checks that you do not see; 4 by hand. 9 points pass."
    ) in ran.out
    assert "hand in tiny.ipynb" not in ran.out  # it is not all right yet


@pytest.mark.slow
def test_the_page_is_written_beside_the_notebook_and_named(ran: Ran) -> None:
    page = ran.folder / "tiny_final(2).check.html"

    assert f"wrote {page}" in ran.err
    text = page.read_text()
    assert "A tiny assignment (public checks)" in text
    assert "How bright is a photo" in text
    assert "count_of_photos" in text


@pytest.mark.slow
def test_a_cell_that_failed_is_the_exit_code(ran: Ran) -> None:
    assert ran.code == 1


def test_of_what_is_no_notebook_the_reason_is_told_and_no_points(tmp_path: Path) -> None:
    folder = tiny_course(tmp_path / "course").folder / "assignments" / "tiny"
    (folder / "tiny.ipynb").write_text("<!DOCTYPE html><title>Log in</title>")

    done = CliRunner().invoke(app, ["check", str(folder / "tiny.ipynb")])

    assert done.exit_code == 1
    assert "it is a web page" in done.stdout
    assert "points" not in done.stdout


def test_the_first_line_comes_before_anything_heavy_is_imported(tmp_path: Path) -> None:
    code = "import sys\nsys.modules['grader.grading.self_check'] = None\nfrom grader.cli import main\nmain()"

    done = subprocess.run(
        [sys.executable, "-c", code, "check", "x.ipynb"], capture_output=True, text=True, check=False
    )

    assert done.stderr.startswith("reading x.ipynb, 0 s\n")
    assert "ModuleNotFoundError" in done.stderr


@pytest.mark.parametrize("html", [["--html"], ["--html", "page.html"]])
def test_a_page_may_have_a_name(tmp_path: Path, html: list[str]) -> None:
    done = CliRunner().invoke(app, ["check", str(tmp_path / "x.ipynb"), *html])

    assert "x.ipynb does not exist" in str(done.exception)


def test_a_cell_that_takes_long_is_told_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "LINE_EVERY_S", 0.02)

    with command.Steps("reading [red]x[/red]") as steps:
        steps.tell("cell", 1, 3)
        steps.tell("cell", 2, 3)
        time.sleep(0.3)

    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["reading [red]x[/red], 0 s", "cell 1 of 3, 0 s"]
    assert "cell 2 of 3, 0 s" in lines[2:]
    assert steps.done().startswith("ran 3 code cells")


def test_a_terminal_is_told_in_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with (tmp_path / "terminal").open("w+") as file:
        monkeypatch.setattr(output, "errors", Console(file=file, force_terminal=True, width=80))
        with command.Steps("reading x") as steps:
            steps.tell("cell", 12, 42)
            time.sleep(0.6)
        file.seek(0)
        text = file.read()

    assert "cell 12 of 42, 0 s" in text
    assert text.rstrip().endswith("\x1b[2K")  # the line is taken away in the end
