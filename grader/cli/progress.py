"""The progress bar of commands that take long."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from grader import disclosure
from grader.cli import output

if TYPE_CHECKING:
    from grader.records import Grade


class Progress:
    """A progress bar on standard error; yields the callback that moves it.

    Args:
        total: how many steps there are, where that is known.
        exact: whether seconds may be told as they are: of honest solutions and mutants, not of what students handed in.
    """

    def __init__(self, total: int | None = None, *, exact: bool = False) -> None:
        # rich's Progress, hiding this class's name in here only.
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (
            TextColumn("{task.description}", markup=False),  # names of students are no markup
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        # Gone at the end: the table that follows says the rest.
        self.progress = Progress(*columns, console=output.errors, transient=True)
        self.task = self.progress.add_task("getting ready", total=total)
        self.unscored: list[str] = []
        self.exact = exact

    def __enter__(self) -> Callable[[Any, str, Any], None]:
        self.progress.start()
        return self.tell

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def tell(self, event: str, text: str, grade: Grade | None) -> None:
        """Show an event: `started`, `graded`, `known`, `unscored`, or `total` with a number as text."""
        # No `elif` below: what is not scored is a step as well, and goes on to the last branch.
        if event == "unscored":
            self.unscored.append(text)
        if event == "total":
            self.progress.update(self.task, total=int(text))
        elif event == "started":
            self.progress.update(self.task, description=text)
        else:
            self.progress.advance(self.task)
            # A bar cannot move in a log: there each grade is a line of its own.
            if grade is not None and not output.errors.is_terminal:
                name = text if grade.assignment in text else f"{text}, {grade.assignment}"
                # Logs may be public, and exact seconds of a student's run are a channel (ADR 11).
                took = (
                    f"{grade.seconds.total:.0f}"
                    if self.exact
                    else f"up to {disclosure.times(grade.seconds).total:.0f}"
                )
                line = f"{name}: {grade.points:g}/{grade.max_points:g} {grade.status} ({event}, {took} s)"
                output.errors.print(line, highlight=False, markup=False)
