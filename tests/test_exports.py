"""What `import grader` promises to others."""

from __future__ import annotations

import grader

PINNED = [
    "Check",
    "Grade",
    "GraderError",
    "InfrastructureError",
    "Limit",
    "SpecError",
    "Status",
    "Submission",
    "SubmissionError",
]


def test_the_exported_names_are_the_pinned_ones() -> None:
    assert grader.__all__ == PINNED


def test_the_exported_names_are_few_sorted_and_there() -> None:
    assert grader.__all__ == sorted(set(grader.__all__))
    assert len(grader.__all__) <= 12
    assert all(hasattr(grader, name) for name in grader.__all__)


def test_nothing_else_public_is_defined_at_the_top() -> None:
    own = {
        name for name, value in vars(grader).items() if getattr(value, "__module__", "").startswith("grader.")
    }

    assert own == set(PINNED)
