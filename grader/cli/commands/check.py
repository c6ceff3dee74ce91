"""The command `check`, which students run before they hand in."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from grader.cli import output
from grader.cli.commands import check_page
from grader.cli.options import DataOption, JsonOption, plain
from grader.errors import InfrastructureError, SpecError
from grader.records import NO_CARD, Status

if TYPE_CHECKING:
    from typing import Self

    from rich.text import Text

    from grader.grading.self_check import Checked
    from grader.records import Grade

LINE_EVERY_S = 10.0  # where lines are kept, in a log or a pipe
AUTO = "auto"  # in place of a file's name: the page lies beside the notebook


class CheckCommand(TyperCommand):
    """A command whose option `--html` may stand without a file's name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - typer's own context
        """Give `--html` its default where no file's name follows; the notebook's name is none."""
        words: list[str] = []
        for position, word in enumerate(args):
            words.append(word)
            following = args[position + 1] if position + 1 < len(args) else "-"
            if word == "--html" and (following.startswith("-") or following.endswith(".ipynb")):
                words.append(AUTO)
        return super().parse_args(ctx, words)


class Steps:
    """Says on standard error how far a check has come: in place on a terminal, else a line now and then.

    Args:
        first: what is done first; it is said at once.
    """

    def __init__(self, first: str) -> None:
        self.text, self.cells = first, 0
        self._quiet = output.verbosity.level <= output.QUIET
        self._begin = time.monotonic()
        self._over = threading.Event()
        self._live: Any = None
        self._ticker: threading.Thread | None = None

    def __enter__(self) -> Self:
        if self._quiet:
            return self
        if output.errors.is_terminal:
            from rich.live import Live

            self._live = Live(
                get_renderable=self._line, console=output.errors, transient=True, refresh_per_second=4
            )
            self._live.start()
            return self
        output.errors.print(self._line(), highlight=False)
        # A cell that trains may take minutes: then nobody else would say anything.
        self._ticker = threading.Thread(target=self._tick, daemon=True)
        self._ticker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._live is not None:
            self._live.stop()
        if self._ticker is not None:
            self._ticker.join()

    def tell(self, event: str, number: int, total: int) -> None:
        """Note an event: `cell` with its number and how many there are, `ask`, `judge`."""
        texts = {"ask": "asking your functions", "judge": "judging their answers"}
        self.text = texts.get(event, f"cell {number} of {total}")
        self.cells = max(self.cells, total)
        # Phases are few; cells may be a hundred.
        if self._live is None and not self._quiet and (number <= 1 or event != "cell"):
            output.errors.print(self._line(), highlight=False)

    def done(self) -> str:
        """Return what was done, in one line."""
        return (
            f"ran {self.cells} code cells and asked your functions in {time.monotonic() - self._begin:.0f} s"
        )

    def _line(self) -> Text:
        from rich.text import Text

        # As Text: a name of a notebook is no markup.
        return Text(f"{self.text}, {time.monotonic() - self._begin:.0f} s")

    def _tick(self) -> None:
        while not self._over.wait(LINE_EVERY_S):
            output.errors.print(self._line(), highlight=False)


def check(
    notebook: Annotated[Path, typer.Argument(help="Your notebook.", show_default=False)],
    data: DataOption = None,
    json_path: JsonOption = None,
    html: Annotated[
        str | None,
        typer.Option(
            "--html",
            metavar="[FILE]",
            help="Write a page with verdicts, pictures and your notebook. Without a name it lies beside the notebook. "
            "Where the assignment has several notebooks, each has a page.",
            show_default=False,
        ),
    ] = None,
    open_page: Annotated[
        bool | None,
        typer.Option(
            "--open/--no-open",
            help="Show the page of --html in a browser. Default: at a terminal of a desktop, not over SSH.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run your notebook from top to bottom and show what the public checks say.

    This is what students run before handing in. It needs no file of the teachers: the public checks lie beside the
    notebook or come with Pawgrade. The grade is decided by the same checks and some more, on photos nobody has seen.
    """
    if open_page and html is None:
        raise SpecError("--open shows the page that --html writes, and --html is not given.", "Add --html.")
    # Said before anything heavy is imported.
    with Steps(f"reading {notebook.name}") as steps:
        from grader.grading.self_check import check_notebook
        from grader.settings import load

        checked = check_notebook(notebook, load(None, os.environ), card=data, watch=steps.tell)
    if steps.cells and output.verbosity.level > output.QUIET:
        output.errors.print(plain(steps.done()), style="dim", highlight=False)
    grade = checked.grade
    if json_path:
        output.write_json(grade.to_json(), json_path)
    if json_path is None or str(json_path) != "-":
        _print_check(checked)
    if html is not None:
        page = check_page.write(checked, notebook, None if html == AUTO else Path(html))
        if check_page.is_seen(os.environ) if open_page is None else open_page:
            check_page.show(page, asked=bool(open_page))
    if grade.status is Status.ERROR:
        if output.verbosity.level == output.VERBOSE:  # on the student's own machine nothing is for staff only
            output.errors.print(plain(grade.staff.log), highlight=False, soft_wrap=True)
        raise typer.Exit(InfrastructureError.exit_code)
    # A cell that failed is told by the exit code, even where no check depends on it.
    raise typer.Exit(0 if _is_all_right(grade) else 1)


def _is_all_right(grade: Grade) -> bool:
    # Of a quiz the public check is worth no points, and fails all the same while a question has no letter.
    passed = all(check.status is Status.PASSED for check in grade.checks)
    return passed and grade.points >= grade.max_points and not grade.failed_cells


def _print_check(checked: Checked) -> None:
    grade, show = checked.grade, output.console.print
    for notice in grade.notices:
        show(f"[yellow]note:[/] {plain(str(notice))}", highlight=False)
    for repair in grade.repairs:
        show(f"[yellow]repaired:[/] {plain(f'{repair.cell}: {repair.what}')}", highlight=False)
    for cell in grade.failed_cells:
        text = f"{checked.place(cell)}: {cell.error}: {cell.message}"
        show(f"[red]failed:[/] {plain(text)}", highlight=False)
    if any(cell.raised == "NameError" for cell in grade.failed_cells):
        text = "A name was missing. Jupyter may still hold it from a cell that is gone or stands further down: choose Kernel, Restart & Run All, and mend what fails."
        show(f"[yellow]hint:[/] {text}", highlight=False)
    # Nothing ran, so nothing was judged: how many points there are would be no help.
    if not checked.executed:
        return
    show(output.checks_table(grade.checks))
    show(
        f"{grade.points:g} of the {grade.max_points:g} points that the public checks can see"
        f"{plain(_data(checked))}",
        style="bold",
        highlight=False,
    )
    show(plain(points_sentence(checked)), highlight=False)
    # Under another name a notice has said so already.
    if _is_all_right(grade) and not grade.notices:
        show(plain(f"All of these checks pass: hand in {checked.assignment.id}.ipynb."), highlight=False)


def _data(checked: Checked) -> str:
    """Name the photos in use by their title."""
    if checked.grade.data == NO_CARD:
        return ""
    return f", on {checked.data_title} ({checked.grade.data})"


def points_sentence(checked: Checked) -> str:
    """Say which points are given by public checks, by hidden ones and by hand."""
    assignment, grade = checked.assignment, checked.grade
    by_hand = sum(exercise.points for exercise in assignment.manual)
    hidden = round(assignment.points - by_hand - grade.max_points, 2)
    parts = [f"{grade.max_points:g} by these checks, then on data that nobody has seen"]
    parts += [f"{hidden:g} by checks that you do not see"] if hidden > 0 else []
    parts += [f"{by_hand:g} by hand"] if by_hand else []
    return f"Of the {assignment.points:g} points, {'; '.join(parts)}. {assignment.pass_points:g} points pass."
