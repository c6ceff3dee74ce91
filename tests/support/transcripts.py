"""Pages with commands and what they print, played from an empty folder and compared.

A page is a row of steps, as a newcomer would take them:

- a ```console block: commands after `$ `, each with what it prints, on both streams; `...` stands for whatever else it says;
- "`path`:" before a block of another language: a file that is written by hand; without the colon one that is shown;
- "Cell `id` of `notebook`:" before a ```python block: code that is put into that cell, and run there;
- a ```python block alone: a cell to try something. A ```text block below either is what Jupyter shows.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from grader.cli import entry, output
from grader.cli.app import app
from grader.errors import GraderError

HOME = "/home/staff"  # on the pages, where commands print whole paths
WIDTH = 110  # characters, of the terminal on the pages
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
_FILE = re.compile(r"`([^`\s]+)`:$")
_SHOWN = re.compile(r"(?:^|\n)`[^`]+`$")
_CELL = re.compile(r"Cell `([\w-]+)` of `([^`\s]+)`:$")
# What differs from run to run, or from machine to machine: seconds, ids of attempts and commits, folders, rounding errors.
_VARIES = (
    (re.compile(r"\b\d+(\.\d+)? s\b"), "N s"),
    (re.compile(r"\b[0-9a-f]{12,64}\b"), "ID"),
    (re.compile(r"│ +\d+ │ (?=[✓✗–!] )"), "│ N │ "),  # the column "up to s"
    (re.compile(r"\b\d+(\.\d+)?e-1\d\b"), "ALMOST 0"),
    (re.compile(r"[━─┳╇╈╋┼ ]{2,}"), " "),  # columns are as wide as what is in them
)


@dataclass(frozen=True)
class Step:
    """One thing that somebody does.

    Attributes:
        kind: `command`, `file` or `cell`.
        text: the command, or what the file or the cell holds.
        expected: what is shown then, as the page has it; None: the page says nothing of it.
        path: the file, or the notebook of a cell; "": a cell that is only tried.
        cell: id of the cell that the code is put into.
    """

    kind: str
    text: str
    expected: str | None = None
    path: str = ""
    cell: str = ""


@dataclass
class Played:
    """What came of playing a page.

    Attributes:
        commands: how many were typed.
        seconds: that they took together, without reading and typing.
        printed: what each step printed, in their order.
    """

    commands: int = 0
    seconds: float = 0.0
    printed: list[tuple[Step, str]] = field(default_factory=list)

    def row(self, who: str) -> str:
        """Return a row of the table in docs/results.md."""
        return f"| {who} | {self.commands} | {self.seconds / 60:.1f} |"


def steps_of(page: str) -> list[Step]:
    """Return the steps of a page in their order; text and blocks of other kinds are for readers alone."""
    steps = list[Step]()
    for block in _BLOCK.finditer(page):
        language, content = block[1], block[2]
        before = page[: block.start()].rstrip()
        if language == "console":
            steps += [Step("command", command, answer) for command, answer in _COMMAND.findall(content)]
        elif language == "text" and steps and steps[-1].kind == "cell" and before.endswith("```"):
            last = steps.pop()
            steps.append(Step("cell", last.text, content, last.path, last.cell))
        elif cell := _CELL.search(before):
            steps.append(Step("cell", content, None, cell[2], cell[1]))
        elif file := _FILE.search(before):
            steps.append(Step("file", content, None, file[1]))
        elif language == "python" and not _SHOWN.search(before):
            steps.append(Step("cell", content))
    return steps


def normal(text: str, folder: Path | None = None) -> str:
    """Return a text without what differs from run to run, and without blanks at the ends of its lines."""
    for path in (HOME, *([folder.resolve(), folder] if folder else [])):
        text = text.replace(f"{path}/", "HOME/")
    for pattern, sign in _VARIES:
        text = pattern.sub(sign, text)
    return "\n".join(line.strip() for line in text.strip().splitlines())


def matches(expected: str, printed: str, folder: Path | None = None) -> bool:
    """Say whether a command printed what the page shows: seconds, ids, rounding errors and the folder may differ, `...` is anything."""
    pattern = ""
    for line in normal(expected, folder).splitlines():
        # Whole lines, none of them too; within a line whatever stands there, a break included.
        pattern += r"(?:.*\n)*?" if line == "..." else re.escape(line).replace(r"\.\.\.", r"[\s\S]*?") + r"\n"
    printed = normal(printed, folder)
    return re.fullmatch(pattern, f"{printed}\n" if printed else "") is not None


def play(
    page: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    before: Mapping[str, Callable[[Path], object]] | None = None,
) -> Played:
    """Do all that a page says, from a folder, and compare; raises AssertionError at the first step that prints something else.

    Commands of Pawgrade run in this process, which has imported what they need, as if a terminal were there; others by bash.

    Args:
        page: the page, or a part of it.
        folder: an empty folder.
        monkeypatch: takes back what is changed of this process.
        before: what others do before a command that begins so: hand in, for example. It is given the folder.
    """
    for name in [name for name in os.environ if name.startswith("PAWGRADE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PAWGRADE_CACHE", str(folder / ".cache"))
    monkeypatch.setenv("PAWGRADE_SECRET", "0ad3050e71e89dadeaec4562aec7e59b")
    # Nothing on these pages may need a network: whoever tries has none.
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("COLUMNS", str(WIDTH))  # texts of `lab` are as wide
    terminal = output.Terminal(force_terminal=True, width=WIDTH, color_system=None)
    monkeypatch.setattr(output, "console", terminal)
    monkeypatch.setattr(output, "errors", output.Terminal(stderr=True, width=WIDTH))
    monkeypatch.chdir(folder)
    played, session = Played(), Jupyter()
    try:
        for step in steps_of(page):
            for words, prepare in (before or {}).items():
                if step.text.startswith(words):
                    prepare(folder)
            begin = time.monotonic()
            printed = _do(step, session, monkeypatch)
            played.seconds += time.monotonic() - begin
            played.commands += step.kind == "command"
            played.printed.append((step, printed))
            if step.expected is not None:
                assert matches(step.expected, printed, folder), f"{step.text}\n{printed}"
    finally:
        session.close()
    return played


def _do(step: Step, session: Jupyter, monkeypatch: pytest.MonkeyPatch) -> str:
    """Take a step; return what it prints."""
    if step.kind == "file":
        Path(step.path).write_text(step.text, encoding="utf-8")
        return ""
    if step.kind == "cell":
        return session.run(step)
    if step.text.startswith("cd "):
        monkeypatch.chdir(step.text.removeprefix("cd "))
        return ""
    return output_of(step.text)


def output_of(command: str) -> str:
    """Run a command as it is typed; return what it prints on both streams, and where it ended with more than 0 its exit code."""
    if not command.startswith("pawgrade "):
        # Programs that were installed beside this Python, as in an activated environment.
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        done = subprocess.run(
            ["bash", "-c", command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env={**os.environ, "PATH": path},
        )
        return f"{done.stdout}{_ended(done.returncode)}"
    screen = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    words, sys.argv = sys.argv, shlex.split(command)
    try:
        with contextlib.redirect_stdout(screen), contextlib.redirect_stderr(screen):
            entry.run(app)
    except SystemExit as exc:
        code = exc.code if isinstance(exc.code, int) else 1
    finally:
        sys.argv = words
    screen.seek(0)
    return f"{screen.read()}{_ended(code)}"


def _ended(code: int) -> str:
    return f"exit code {code}\n" if code else ""


class Jupyter:
    """A notebook that is open: what is written into a cell is saved, and run by the same IPython as the cells before."""

    def __init__(self) -> None:
        self.notebook = ""

    def run(self, step: Step) -> str:
        """Put code into a cell, if it has one, and run it; return what is shown."""
        if step.path:
            change_cell(Path(step.path), step.cell, step.text)
            if step.path != self.notebook:
                self._open(step.path, step.cell)
        return self._shown(step.text)

    def close(self) -> None:
        """End the IPython in this process."""
        InteractiveShell.clear_instance()

    def _open(self, notebook: str, cell_id: str) -> None:
        """Start anew, and run what stands above a cell."""
        self.notebook = notebook
        self.close()
        shell = InteractiveShell.instance(config=Config({"HistoryManager": {"hist_file": ":memory:"}}))
        shell._showtraceback = _last_line
        for name, source in code_cells(Path(notebook)):
            if name == cell_id:
                break
            self._shown(source)

    def _shown(self, source: str) -> str:
        screen = io.StringIO()
        with contextlib.redirect_stdout(screen), contextlib.redirect_stderr(screen):
            InteractiveShell.instance().run_cell(source, store_history=True)
        # A terminal's sign of a value; notebooks show it beside the cell.
        return re.sub(r"^Out\[\d+\]: ?\n?", "", screen.getvalue(), flags=re.MULTILINE)


def _last_line(kind: type[BaseException], _: BaseException, lines: list[str]) -> None:
    """Show the end of a traceback: pages leave out the rest. Our own errors are shown whole, as they have none."""
    end = lines if issubclass(kind, GraderError) else lines[-1:]
    print(re.sub(r"\x1b\[[\d;]*m", "", "\n".join(end)))  # noqa: T201 - that is what it is for


def code_cells(notebook: Path) -> Iterator[tuple[str, str]]:
    """Yield the id and the source of each code cell."""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            yield cell["id"], "".join(cell["source"])


def change_cell(notebook: Path, cell_id: str, source: str) -> None:
    """Write code into a cell of a notebook's file."""
    content: Mapping[str, Any] = json.loads(notebook.read_text(encoding="utf-8"))
    (cell,) = [cell for cell in content["cells"] if cell["id"] == cell_id]
    cell["source"] = source.rstrip("\n").splitlines(keepends=True)
    notebook.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
