"""Explain to a student why an answer did not come, or broke its contract.

A kernel that has seen a hidden photo could say it: in an exception's text, in a shape, in how many numbers are NaN. So
of hidden questions nothing is told but which of a few things happened, an exception's class where everybody knows it,
and the notebook's own line that raised it, as it was handed in. Of public questions everything is told.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grader import disclosure
from grader.assignment.spec import EntryPoint
from grader.errors import SubmissionError
from grader.judging.answers import expected, found_instead
from grader.messages import NOTHING, Message, quoted, sentences
from grader.notebooks.places import jupyter_numbers
from grader.notebooks.sanitise_text import printable

KNOWN = frozenset(disclosure.CLASSES)
MOST_LINES = disclosure.LINES
LINE_CHARS, CLASS_CHARS = 120, 100
MOST_FRAMES = 4  # of the notebook's own, in one sentence
# Types that only promise values, as `in_kernel.call` names them, and what to do.
LATER = {
    "generator": Message(
        "That is a generator: a function with `yield` gives one, and so does `(... for ...)`. It holds no values yet: `return` "
        "gives them, for example as np.array([... for ...])."
    ),
    "coroutine": Message(
        "That is a coroutine: a function that begins with `async def` gives one, and no value. Write `def`; `return` then gives "
        "the value."
    ),
    "async_generator": Message(
        "That is a generator of a coroutine: `async def` and `yield` give one, and no value. Write `def`; `return` then gives the "
        "value."
    ),
}
PUBLIC_CHECK = Message("`lab.check` and `pawgrade check` ask it about public photos and show everything.")


@dataclass(frozen=True)
class Sources:
    """The code cells of a notebook as it was handed in.

    Attributes:
        cells: number that Jupyter shows and source of each cell that was sent to the kernel, in that order.
        most_lines: how far down a line may be named: a bound on what the place can tell of hidden questions (ADR 11).
    """

    cells: Sequence[tuple[int, str]] = ()
    most_lines: int = MOST_LINES

    @classmethod
    def of(cls, notebook: Any, *, public: bool = False) -> Sources:  # noqa: ANN401 - an nbformat notebook
        """Read them from a notebook; empty cells are never sent. Where all that is asked is public, any line may be named."""
        numbered = zip(jupyter_numbers(notebook.cells), notebook.cells, strict=True)
        # The injected cell is among them: the kernel's execution count counts it, its author does not.
        sent = [
            (number, cell.source)
            for number, cell in numbered
            if cell.cell_type == "code" and cell.source.strip()
        ]
        return cls(sent, sys.maxsize if public else MOST_LINES)

    def line(self, execution: object, number: object) -> Message:
        """Return where an exception came from, in words, or `NOTHING` when the kernel named no line of the notebook.

        Args:
            execution: execution count of the cell: the kernel's word.
            number: line in it, from 1: the kernel's word.
        """
        # Not isinstance: True is an int, too, and this comes from a notebook.
        if type(execution) is not int or type(number) is not int or not 1 <= execution <= len(self.cells):
            return NOTHING
        cell, source = self.cells[execution - 1]
        lines = source.lstrip("\n").splitlines()  # IPython drops empty lines at the start before it counts
        before = sum(len(cell_source.splitlines()) for _, cell_source in self.cells[: execution - 1])
        if not 1 <= number <= len(lines) or before + number > self.most_lines:
            return NOTHING
        # Of the notebook as it was handed in: a kernel cannot put other words there.
        source = printable(lines[number - 1].strip(), LINE_CHARS)
        return Message("cell {cell}, line {line}: {source}", cell=cell, line=number, source=source)

    def trace(self, frames: object) -> Message:
        """Return the way of an exception through the notebook, the line that raised first: of public questions alone.

        Args:
            frames: pairs of execution count and line, the innermost last: the kernel's word.
        """
        pairs = [pair for pair in frames if _is_pair(pair)] if isinstance(frames, list) else []
        lines = [self.line(*pair) for pair in reversed(pairs)]
        # A function that calls itself is told once.
        steps = list(dict.fromkeys(str(line) for line in lines if line))[:MOST_FRAMES]
        words = NOTHING
        for step in reversed(steps):
            words = Message("{line}; called in {caller}", line=step, caller=words) if words else quoted(step)
        return words


def _is_pair(value: object) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2


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
    expectation = expected(entry_point.output, sizes, told=told)
    # The exception's own words could carry a hidden photo, so without leave they are dropped here, once for
    # all kinds.
    text = printable(note.get("text")).strip() if told else ""
    if kind == "raised":
        return _raised(note, where, text, sources)
    if kind == "missing":
        return SubmissionError(
            Message("{function}: no such function is defined when the notebook ends.", function=where),
            Message(
                "Run the notebook from top to bottom: did the cell that defines it fail, or is it called otherwise?"
            ),
        )
    if kind == "none":
        return SubmissionError(
            found_instead(where, expectation, Message("None")),
            Message("Did you write the body and `return` the result?"),
        )
    if kind == "object":
        objects = Message("Python objects ({kind})", kind=text) if text else Message("Python objects")
        return SubmissionError(
            found_instead(where, expectation, objects),
            LATER.get(text)
            or Message(
                "Return a plain numpy array of numbers, for example with np.asarray(result, dtype={dtype}); a list of "
                "tensors becomes one with torch.stack(list).detach().numpy().",
                dtype=_dtype(entry_point),
            ),
        )
    if kind == "large":
        more = Message("{found}: too large to be an answer", found=quoted(text) or Message("more"))
        return SubmissionError(
            found_instead(where, expectation, more), Message("Return one row for each input.")
        )
    return SubmissionError(
        found_instead(where, expectation, Message("no answer")),
        Message("Does it return for every batch, without ending the kernel?"),
    )


def _dtype(entry_point: EntryPoint) -> str:
    name = entry_point.output.dtype
    return name if name in ("float", "int", "bool") else f"np.{name}"


def refused_again(where: str) -> SubmissionError:
    """Say of a further function that its answers were refused, too: the first one has used up what a page may tell."""
    return SubmissionError(
        Message("{function}: these answers were refused, too.", function=where),
        sentences([Message("Mend the other one first."), PUBLIC_CHECK]),
    )


def raised_again(where: str) -> SubmissionError:
    """Say of a further function that it raised, too: the first one has used up what a page may tell."""
    return SubmissionError(
        Message("{function} raised an exception, too.", function=where),
        sentences([Message("Mend the other one first."), PUBLIC_CHECK]),
    )


def _raised(note: Mapping[str, Any], where: str, text: str, sources: Sources) -> SubmissionError:
    name = printable(note.get("class"), CLASS_CHARS)
    # A class of the notebook's own making is a message, too.
    raised = name if text or name in KNOWN else ""
    exception_words = quoted(text or raised) or Message("an exception of its own")
    line = sources.line(note.get("cell"), note.get("line"))
    if line:
        message = Message(
            "{function} raised {what} ({line}).", function=where, what=exception_words, line=line
        )
    # Words that end a sentence need no full stop of ours.
    elif text.endswith((".", "!", "?")):
        message = Message("{function} raised {what}", function=where, what=exception_words)
    else:
        message = Message("{function} raised {what}.", function=where, what=exception_words)
    hint = Message("Call it yourself in a cell, as the checks do, and mend the error.")
    if not text:
        unseen = Message("It did so on inputs that nobody has seen, so its words are not shown.")
        hint = sentences([unseen, PUBLIC_CHECK])
    return SubmissionError(message, hint, raised, text)


def retraced(
    words: SubmissionError, note: Mapping[str, Any], where: str, number: int, sources: Sources
) -> SubmissionError:
    """Return what is told of a public question that a function raised at: every line on the way, and the call to paste.

    Args:
        words: what `explain_note` says of it; of a note of another kind it is returned as it is.
        note: what the kernel wrote: the student's word.
        where: name of the function.
        number: which of the public questions about this function it was, from 0.
        sources: the notebook's own lines.
    """
    if note.get("kind") != "raised":
        return words
    trace, message = sources.trace(note.get("frames")), words.message
    if trace:
        exception_words = quoted(words.said) or Message("an exception of its own")
        message = Message(
            "{function} raised {what} ({line}).", function=where, what=exception_words, line=trace
        )
    call = call_of(where, number)
    hint = Message("Call it in a cell with what it was asked, and mend the error: {call}", call=call)
    return SubmissionError(message, hint, words.raised, words.said)


def call_of(where: str, number: int) -> str:
    """Return the call that repeats a public question in a notebook; `lab.call` gives its arguments."""
    arguments = f'"{where}", {number}' if number else f'"{where}"'
    return f"{where}(*lab.call({arguments}))"


def unanswered(entry_point: EntryPoint, *, spent: bool, reason: Message) -> SubmissionError:
    """Say why a question set has no answers, or too few.

    Args:
        entry_point: what was asked.
        spent: whether its budget ran out.
        reason: why nothing more could be asked, when the kernel was gone: a sentence, or `NOTHING`.
    """
    if spent:
        return SubmissionError(
            Message(
                "{function}: no answer within {seconds:g} s.",
                function=entry_point.name,
                seconds=entry_point.budget_s,
            ),
            Message("Train before, not inside this function, and work in batches."),
        )
    if reason:
        return SubmissionError(
            Message("{function} could not be asked: {reason}", function=entry_point.name, reason=reason),
            Message("Mend that first; then run all cells again."),
        )
    return explain_note({}, entry_point, {}, Sources(), told=False)
