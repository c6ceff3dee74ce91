"""What is said of an answer that did not come, or that broke its contract.

A kernel that has seen a hidden photo could say it: in an exception's text, in a shape, in how many numbers are NaN. So
of hidden questions nothing is told but which of a few things happened, an exception's class where everybody knows it,
and the notebook's own line that raised it, as it was handed in. Of public questions everything is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grader import disclosure
from grader.assignment.spec import EntryPoint
from grader.errors import SubmissionError
from grader.judging.answers import expected
from grader.notebooks.sanitise_text import printable

KNOWN = frozenset(disclosure.CLASSES)
MOST_LINES = disclosure.LINES
LINE_CHARS = 120
PUBLIC_CHECK = "`lab.check` and `pawgrade check` ask it about public photos and show everything."


@dataclass(frozen=True)
class Sources:
    """The code cells of a notebook as it was handed in.

    Attributes:
        cells: number among all code cells and source of each cell that was sent to the kernel, in that order.
    """

    cells: Sequence[tuple[int, str]] = ()

    @classmethod
    def of(cls, notebook: Any) -> Sources:  # noqa: ANN401 - an nbformat notebook
        """Read them from a notebook; empty cells are never sent."""
        code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
        return cls([(number, source) for number, source in enumerate(code, 1) if source.strip()])

    def line(self, execution: object, number: object) -> str:
        """Return where an exception came from, in words, or "" when the kernel named no line of the notebook.

        Args:
            execution: execution count of the cell: the kernel's word.
            number: line in it, from 1: the kernel's word.
        """
        if type(execution) is not int or type(number) is not int or not 1 <= execution <= len(self.cells):
            return ""
        cell, source = self.cells[execution - 1]
        lines = source.lstrip("\n").splitlines()  # IPython drops empty lines at the start before it counts
        before = sum(len(one.splitlines()) for _, one in self.cells[: execution - 1])
        if not 1 <= number <= len(lines) or before + number > MOST_LINES:
            return ""
        return f"cell {cell}, line {number}: {printable(lines[number - 1].strip(), LINE_CHARS)}"


def explain_note(
    note: Mapping[str, Any],
    entry_point: EntryPoint,
    sizes: Mapping[str, int],
    sources: Sources,
    *,
    told: bool,
) -> SubmissionError:
    """Turn the note that a probe left in place of an answer into an error for the student.

    Args:
        note: what the kernel wrote: the student's word.
        entry_point: what was asked.
        sizes: what the names in its shapes stand for.
        sources: the notebook's own lines.
        told: whether the question was public, so that all of it may be told.
    """
    kind, where = note.get("kind"), entry_point.name
    wanted = expected(entry_point.output, sizes, told=told)
    text = printable(note.get("text")) if told else ""
    if kind == "raised":
        return _raised(note, where, text, sources)
    if kind == "missing":
        return SubmissionError(
            f"{where}: no such function is defined when the notebook ends.",
            "Run the notebook from top to bottom: did the cell that defines it fail, or is it called otherwise?",
        )
    if kind == "none":
        return SubmissionError(
            f"{where}: expected {wanted}, found None.", "Did you write the body and `return` the result?"
        )
    if kind == "object":
        return SubmissionError(
            f"{where}: expected {wanted}, found Python objects{f' ({text})' if text else ''}.",
            f"Return a plain numpy array of numbers, for example with np.asarray(result, dtype={_dtype(entry_point)}); a list of "
            "tensors becomes one with torch.stack(list).detach().numpy().",
        )
    if kind == "large":
        return SubmissionError(
            f"{where}: expected {wanted}, found {text or 'more'}: too large to be an answer.",
            "Return one row for each input.",
        )
    return SubmissionError(
        f"{where}: expected {wanted}, found no answer.",
        "Does it return for every batch, without ending the kernel?",
    )


def _dtype(entry_point: EntryPoint) -> str:
    name = entry_point.output.dtype
    return name if name in ("float", "int", "bool") else f"np.{name}"


def refused_again(where: str) -> SubmissionError:
    """Say of a further function that its answers were refused, too: the first one has used up what a page may tell."""
    return SubmissionError(
        f"{where}: these answers were refused, too.", f"Mend the other one first. {PUBLIC_CHECK}"
    )


def raised_again(where: str) -> SubmissionError:
    """Say of a further function that it raised, too: the first one has used up what a page may tell."""
    return SubmissionError(f"{where} raised an exception, too.", f"Mend the other one first. {PUBLIC_CHECK}")


def _raised(note: Mapping[str, Any], where: str, text: str, sources: Sources) -> SubmissionError:
    name = note.get("class")
    said = text or (name if isinstance(name, str) and name in KNOWN else "an exception of its own")
    line = sources.line(note.get("cell"), note.get("line"))
    end = "" if text.endswith((".", "!", "?")) and not line else "."
    return SubmissionError(
        f"{where} raised {said}{f' ({line})' if line else ''}{end}",
        "Call it yourself in a cell, as the checks do, and mend the error."
        if text
        else f"It did so on inputs that nobody has seen, so its words are not shown. {PUBLIC_CHECK}",
    )


def unanswered(entry_point: EntryPoint, *, spent: bool, reason: str) -> SubmissionError:
    """Say why a question set has no answers, or too few.

    Args:
        entry_point: what was asked.
        spent: whether its budget ran out.
        reason: why nothing more could be asked, when the kernel was gone.
    """
    if spent:
        return SubmissionError(
            f"{entry_point.name}: no answer within {entry_point.budget_s:g} s.",
            "Train before, not inside this function, and work in batches.",
        )
    if reason:
        return SubmissionError(
            f"{entry_point.name} could not be asked: {reason}.",
            "Mend that first; then run all cells again.",
        )
    return explain_note({}, entry_point, {}, Sources(), told=False)
