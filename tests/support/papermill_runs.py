"""Notebooks run by papermill with our engine, as a program without a grader would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import papermill
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook


def notebook_of(*sources: str, kernel: str = "python3") -> NotebookNode:
    cells = [
        new_code_cell("who = 'nobody'", metadata={"tags": ["parameters"]}),
        new_markdown_cell("# A title"),
    ]
    cells += [new_code_cell(source) for source in sources]
    spec = {"name": kernel, "display_name": "Python", "language": "python"}
    return new_notebook(cells=cells, metadata={"kernelspec": spec})


def execute(folder: Path, *sources: str, **options: Any) -> NotebookNode:
    options = {"engine_name": "pawgrade", "progress_bar": False, **options}
    out = folder / "out.ipynb"
    return papermill.execute_notebook(notebook_of(*sources), str(out), **options)
