"""Handing an attack in beside honest work, and grading both the ordinary way."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from grader.assignment.course import Course
from grader.grading import coordinator
from grader.grading.deciding import Options
from grader.grading.runners import InlineExecutor
from grader.records import Grade
from grader.settings import Settings
from tests.attacks import builders, tables
from tests.attacks.course import solved
from tests.attacks.entries import Attack
from tests.attacks.world import OTHERS, World
from tests.contracts import traces

ATTACKER, NEXT = "student01", "student02"


@dataclass
class Range:
    """A course that is under attack.

    Attributes:
        world: what is around it.
        settings: those of the course.
        before: processes, mounts and the like of the grader at rest.
        outside: the world when everything was handed in.
    """

    world: World
    settings: Settings
    before: traces.Traces
    outside: dict[str, str]

    @classmethod
    @contextlib.contextmanager
    def open(cls, world: World, cache: Path) -> Iterator[Range]:
        """Grade honest work, which starts the zygote; end it at the end."""
        found = cls(world, Settings(None, cache, sandbox="namespaces", attempts=0), frozenset(), {})
        students = (*OTHERS, ATTACKER, NEXT)
        for student in students:
            found._hand_in(student, found.notebook("attacks", {}))
        first = found.grade("attacks", students)
        assert [grade.points for grade in first] == [16] * 3, [grade.staff.log for grade in first]
        found.before = at_rest(world.place)
        try:
            yield found
        finally:
            traces.release_zygotes()

    def notebook(self, assignment: str, cells: dict[str, str]) -> NotebookNode:
        """Return a full solution with other cells."""
        path = self.world.course / "solutions" / assignment / f"{assignment}.ipynb"
        source = nbformat.read(path, as_version=4)
        return solved(source, cells)

    def hand_in(self, attack: Attack) -> None:
        """Put the attack where the attacker's submission lies, and look at the world."""
        for kind in ("submitted", f".pawgrade/attempts/{attack.assignment}"):
            remove(self.world.course / kind / ATTACKER)
        cells = {name: self.world.told(code) for name, code in attack.cells.items()}
        if attack.table:
            known = tables.text(attack.table, self.settings.cache)
            cells = {name: code.replace("@TABLE@", known) for name, code in cells.items()}
        folder = self._hand_in(ATTACKER, self.notebook(attack.assignment, cells), attack.assignment)
        if attack.builder:
            getattr(builders, attack.builder)(folder, self.notebook(attack.assignment, cells), self.world)
        self.outside = self.world.outside()

    def _hand_in(self, student: str, notebook: NotebookNode, assignment: str = "attacks") -> Path:
        folder = self.world.course / "submitted" / student / assignment
        folder.mkdir(parents=True, exist_ok=True)
        for cell in notebook.cells:
            if student != ATTACKER and cell.cell_type == "markdown" and "learned" in cell.source:
                cell.source += f" My secret: {self.world.canary('other')}"
        nbformat.write(notebook, folder / f"{assignment}.ipynb")
        (folder / "timestamp.txt").write_text("2026-01-15 12:00:00 UTC")
        return folder

    def grade(self, assignment: str, students: tuple[str, ...]) -> list[Grade]:
        """Grade some students, in this order, whatever was graded before."""
        options = Options(students=students, force=True)
        return coordinator.grade_class(
            Course(self.world.course),
            assignment,
            self.settings,
            options,
            runner=InlineExecutor(),
            tell=lambda *_: None,
        )

    def shown(self, assignment: str) -> list[str]:
        """Return the outputs of the attacker's notebook as people get to see them, one text a cell."""
        path = self.world.course / "autograded" / ATTACKER / assignment / f"{assignment}.ipynb"
        cells = json.loads(path.read_text())["cells"]
        return [json.dumps(cell["outputs"], ensure_ascii=False) for cell in cells if "outputs" in cell]

    def rendered(self, assignment: str) -> list[str]:
        """Return what of these outputs a browser takes for more than text."""
        outputs = [one for text in self.shown(assignment) for one in json.loads(text)]
        bundles = [one.get("data", {}) for one in outputs]
        return [str(text) for data in bundles for mime, text in data.items() if mime != "text/plain"]

    def left_behind(self, *, within_s: float) -> list[str]:
        """Return what of the grader's own is still there, once that is nothing or the time is over."""
        deadline = time.monotonic() + within_s
        while (left := at_rest(self.world.place) - self.before) and time.monotonic() < deadline:
            time.sleep(0.05)
        return sorted(left)

    def kept(self, grade: Grade) -> list[str]:
        """Return everything that came back of the attacker's attempt, as text: outputs, answers, the grade."""
        place = self.world.course / ".pawgrade" / "attempts" / grade.assignment / ATTACKER / grade.attempt
        texts = [
            path.read_bytes().decode(errors="replace")
            for path in place.iterdir()
            if not path.name.endswith(".ipynb")
        ]
        executed = place / "executed.ipynb"
        cells = json.loads(executed.read_text())["cells"] if executed.is_file() else []
        return [
            *texts,
            *(json.dumps(cell.get("outputs", [])) for cell in cells),
            *self.shown(grade.assignment),
        ]


def at_rest(place: Path) -> traces.Traces:
    """List processes, mounts, groups and sockets below us, and files of ours: in common folders others are at work, too."""
    lines = traces.seen(place)
    return frozenset(line for line in lines if not line.startswith("file ") or str(place) in line)


def remove(folder: Path) -> None:
    """Delete what an attacker handed in, whatever its rights."""
    if folder.is_dir():
        for path in [folder, *folder.rglob("*")]:
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o700)
        shutil.rmtree(folder)
