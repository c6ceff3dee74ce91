"""Everything that can go wrong, and who can mend it.

```
GraderError
├── SubmissionError      the student can fix it; safe to show to the student
│   └── WorldEnded       the notebook broke the world that its kernel runs in
├── SpecError            staff can fix it: a bad assignment, card, setting (exit 2)
└── InfrastructureError  ours: try again, then look (exit 3)
    ├── KernelDied
    ├── NoGpuSlot
    └── TimedOut
```

A message has up to four parts in one or two sentences: what was expected, what was found, where, what to do next.
"""

from __future__ import annotations

from grader.messages import Message, sentences


class GraderError(Exception):
    """Base class of the errors that Pawgrade raises on purpose.

    Args:
        message: what was expected, what was found, where.
        hint: what to do next, one sentence; may be empty.
    """

    # What the command line ends with; some subclasses have their own.
    exit_code = 3

    def __init__(self, message: str | Message, hint: str | Message = "") -> None:
        super().__init__(message, hint)
        self.message, self.hint = Message.of(message), Message.of(hint)

    @property
    def words(self) -> Message:
        """The message, and what to do next."""
        # Joined as messages, so that each keeps its template in every language.
        return sentences([self.message, self.hint])

    def __str__(self) -> str:
        return str(self.words)

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows in place of a traceback: whoever reads it cannot mend our frames."""
        return [f"{type(self).__name__}: {self.message}", *([str(self.hint)] if self.hint else [])]


class SubmissionError(GraderError):
    """The student can fix this; the text is safe to show to the student.

    Args:
        message: what was expected, what was found, where.
        hint: what to do next, one sentence; may be empty.
        raised: class of the exception that the student's code raised, where it did and it may be told; "" otherwise.
        said: what that exception said, where it may be told: the student's word.
    """

    exit_code = 1

    def __init__(
        self, message: str | Message, hint: str | Message = "", raised: str = "", said: str = ""
    ) -> None:
        super().__init__(message, hint)
        self.args = (message, hint, raised, said)  # all of them cross process borders
        self.raised, self.said = raised, said


class WorldEnded(SubmissionError):
    """The notebook broke its kernel's world: that ended, and nothing around it did."""


class SpecError(GraderError):
    """Staff can fix this: an assignment, a data card, a setting or an option is wrong."""

    exit_code = 2


class InfrastructureError(GraderError):
    """Neither student nor staff did this; worth another try."""


class KernelDied(InfrastructureError):
    """The kernel could not start, or died although no limit was hit."""


class NoGpuSlot(InfrastructureError):
    """No GPU became free in time, or none is left that works."""


class TimedOut(InfrastructureError):
    """A part of the grader itself did not answer in time."""
