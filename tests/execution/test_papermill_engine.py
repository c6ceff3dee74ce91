"""`papermill --engine pawgrade`: what papermill's own engine does, for any kernel, without its fixed waits."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from papermill.exceptions import PapermillExecutionError

from tests.support.papermill_runs import execute, notebook_of

ORDERS = list(
    itertools.permutations(["papermill", "grader.execution.engine", "grader.execution.papermill_engine"])
)


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_papermill_and_the_engine_can_be_imported_in_any_order(order: tuple[str, ...]) -> None:
    lines = [f"import {name}" for name in order]
    lines.append("from papermill.engines import papermill_engines")
    lines.append("print(papermill_engines.get_engine('pawgrade').__module__)")

    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False
    )

    assert (done.stdout, done.returncode) == ("grader.execution.papermill_engine\n", 0), done.stderr


def test_the_command_runs_a_notebook_with_parameters_and_a_progress_bar(tmp_path: Path) -> None:
    nbformat.write(notebook_of("print('hello', who)"), tmp_path / "in.ipynb")
    command = [
        sys.executable,
        "-m",
        "papermill",
        "--engine",
        "pawgrade",
        "in.ipynb",
        "out.ipynb",
        "-p",
        "who",
        "you",
    ]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "Executing: 100%" in done.stderr
    notebook = nbformat.read(tmp_path / "out.ipynb", 4)
    assert notebook.cells[1].metadata.tags == ["injected-parameters"]
    assert notebook.cells[-1].outputs[0].text == "hello you\n"
    assert notebook.metadata.language_info.name == "python"


def test_it_stops_at_the_first_error_and_marks_the_cell(tmp_path: Path) -> None:
    with pytest.raises(PapermillExecutionError, match="ZeroDivisionError"):
        execute(tmp_path, "1 / 0", "print('never')")

    notebook = nbformat.read(tmp_path / "out.ipynb", 4)
    assert "papermill-error-cell-tag" in notebook.cells[0].metadata.tags
    assert notebook.cells[-1].outputs == []
    assert [cell.metadata.papermill.status for cell in notebook.cells[-2:]] == ["failed", "pending"]


def joined(outputs: list[Any] | None) -> list[Any] | None:
    """Outputs with neighbouring parts of one stream in one piece: how a kernel cuts them depends on the moment."""
    found: list[Any] = []
    for output in outputs or ():
        if (
            found
            and output.output_type == "stream" == found[-1].output_type
            and output.name == found[-1].name
        ):
            found[-1] = {**found[-1], "text": found[-1].text + output.text}
        else:
            found.append(output)
    return None if outputs is None else found


def test_it_is_stock_papermill_cell_for_cell(tmp_path: Path) -> None:
    sources = ["print('a')\n1 + 1", "import sys; print('b', file=sys.stderr)", "display('c')"]
    found = [execute(tmp_path, *sources, engine_name=engine).cells for engine in ("pawgrade", "nbclient")]

    ours, theirs = (
        [(cell.source, joined(cell.get("outputs")), cell.get("execution_count")) for cell in cells]
        for cells in found
    )
    assert ours == theirs
    assert [list(cell.metadata) for cell in found[0]] == [list(cell.metadata) for cell in found[1]]
