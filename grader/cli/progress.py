"""Progress on long work."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from grader import disclosure
from grader.cli import output

if TYPE_CHECKING:
    from grader.records import Grade


class Progress:
    """A progress bar on standard error; yields the callback that moves it."""

    def __init__(self, total: int | None = None) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        self.progress = Progress(*columns, console=output.errors, transient=True)
        self.task = self.progress.add_task("getting ready", total=total)
        self.unscored: list[str] = []

    def __enter__(self) -> Callable[[Any, str, Any], None]:
        self.progress.start()
        return self.tell

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def tell(self, event: str, text: str, grade: Grade | None) -> None:
        """Show an event: `started`, `graded`, `known`, `unscored`, or `total` with a number as text."""
        if event == "unscored":
            self.unscored.append(text)
        if event == "total":
            self.progress.update(self.task, total=int(text))
        elif event == "started":
            self.progress.update(self.task, description=text)
        else:
            self.progress.advance(self.task)
            if grade is not None and not output.errors.is_terminal:
                name = text if grade.assignment in text else f"{text}, {grade.assignment}"
                line = f"{name}: {grade.points:g}/{grade.max_points:g} {grade.status} ({event}, up to {disclosure.times(grade.seconds).total:.0f} s)"
                output.errors.print(line, highlight=False, markup=False)
