"""What a grade says beside its verdicts: the limit, the place, what to mend first, and no number that could carry a message."""

from __future__ import annotations

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from grader.execution.run import Execution
from grader.grading import notices
from grader.judging.probe import Overrun
from grader.limits import Limits
from grader.messages import Message
from grader.records import FailedCell, Limit
from tests.support.notebooks import REPOSITORY


def book() -> NotebookNode:
    return new_notebook(cells=[new_code_cell("1"), new_markdown_cell("words"), new_code_cell("2")])


def failed(number: int, error: str = "ValueError", text: str = "no") -> FailedCell:
    return FailedCell(number, number, None, error, Message.of(text))


@pytest.mark.parametrize(
    ("index", "place"),
    [(0, "in code cell 1"), (2, "in code cell 2"), (None, "while its functions were asked")],
)
def test_the_place_of_a_limit_is_counted_in_code_cells(index: int | None, place: str) -> None:
    told = notices.on_limit(Limit.CELL, Limits(cell_s=7), index, book(), on_gpu=False)

    assert str(told).startswith(f"Stopped after 7 s {place}: ")


def test_a_full_gpu_is_told_as_that_and_other_limits_on_a_gpu_are_not() -> None:
    memory, disk = (
        str(notices.on_limit(limit, Limits(), 0, book(), on_gpu=True)) for limit in (Limit.MEMORY, Limit.DISK)
    )

    assert memory.startswith("The memory of the GPU was full (in code cell 1)")
    assert "GPU" not in disk


def test_a_run_says_how_it_ended_before_what_to_mend() -> None:
    execution = Execution(
        book(),
        (failed(1), failed(2)),
        {Limit.OUTPUT: 2, Limit.MEMORY: None},
        broken=Message("the notebook ended its kernel."),
    )

    told = [str(one) for one in notices.on_run(execution, Limits(), [Overrun("double", 3, 1, 4)])]

    assert [text.split()[0] for text in told] == ["Your", "The", "double", "Cell"]
    assert told[0] == "Your functions got no questions: the notebook ended its kernel."
    assert "MB (while its functions were asked)" in told[1]  # memory matters more than output


def test_a_run_in_which_all_went_well_says_nothing() -> None:
    assert notices.on_run(Execution(book()), Limits(), []) == []


def test_a_function_that_was_too_slow_is_told_once_and_how_slow_in_steps_only() -> None:
    overruns = [Overrun("classify", 3, answered, 40) for answered in range(1, 39)]

    told = {str(notices.on_overruns([one])[0]) for one in overruns}

    assert len(notices.on_overruns(overruns)) == 1
    assert len(told) <= 4
    assert all("classify has 3 s" in text for text in told)


def test_only_a_slow_function_of_photos_is_advised_about_photos() -> None:
    photos, numbers = (
        str(notices.on_overruns([Overrun("f", 3, 1, 4, photos=photos)])[0]) for photos in (True, False)
    )

    assert "pass photos through the network in batches" in photos
    assert "photo" not in numbers
    assert "network" not in numbers
    assert numbers.endswith("compute with arrays, not in loops.")


def test_a_library_that_is_not_there_goes_before_the_cell_that_failed_first() -> None:
    missing = failed(2, "ModuleNotFoundError", "No module named 'moon'")

    (told,) = notices.on_failed_cells([failed(1), missing, failed(3)])

    assert str(told).startswith("Cell 2 imports what is not there (No module named 'moon'). There are numpy,")
    page = (REPOSITORY / "docs" / "students.md").read_text(encoding="utf-8")
    assert notices.LIBRARIES.replace(" and", ",") in page


def test_of_several_failed_cells_the_first_is_named_and_a_single_one_speaks_for_itself() -> None:
    (told,) = notices.on_failed_cells([failed(1), failed(3)])

    assert str(told).startswith("Cell 1 failed first (ValueError).")
    assert notices.on_failed_cells([failed(1)]) == []
    assert notices.on_failed_cells([]) == []
