"""What commands that take long say meanwhile, on standard error: a bar, or the phase that they are in."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from rich.text import Text

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
        quiet = output.verbosity.level <= output.QUIET
        # In a log a bar would leave nothing but an empty line.
        silent = quiet or not output.errors.is_terminal
        self.progress = Progress(*columns, console=output.errors, transient=True, disable=silent)
        self.quiet = quiet
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
            if grade is not None and not output.errors.is_terminal and not self.quiet:
                name = text if grade.assignment in text else f"{text}, {grade.assignment}"
                # Logs may be public, and exact seconds of a student's run are a channel (ADR 11).
                took = (
                    f"{grade.seconds.total:.0f}"
                    if self.exact
                    else f"up to {disclosure.times(grade.seconds).total:.0f}"
                )
                line = f"{name}: {grade.points:g}/{grade.max_points:g} {grade.status} ({event}, {took} s)"
                output.errors.print(line, highlight=False, markup=False)


@contextlib.contextmanager
def phases(title: str, *, in_logs: bool = True) -> Iterator[Callable[[str], None]]:
    """Yield a function that names the phase a command is in; not with --quiet.

    On a terminal the phase moves beside a spinner and is gone at the end. In a log each phase is a line.

    Args:
        title: what is worked on, for example an assignment's id.
        in_logs: whether phases are told where no line can move; not where results come line by line.
    """
    if output.verbosity.level <= output.QUIET:
        yield lambda _: None
    elif output.errors.is_terminal:
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description} ...", markup=False), TimeElapsedColumn())
        # rich would print on this terminal what goes to standard output, even where that is a file.
        bar = Progress(
            *columns, console=output.errors, transient=True, redirect_stdout=output.console.is_terminal
        )
        task = bar.add_task(title, total=None)
        with bar:
            yield lambda phase: bar.update(task, description=f"{title}: {phase}")
    else:

        def tell(phase: str) -> None:
            if in_logs:
                output.errors.print(Text(f"{title}: {phase} ..."), soft_wrap=True)

        yield tell
