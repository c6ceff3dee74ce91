"""Whatever a student does to a notebook, it is read or refused, and what the release decides is put right."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from grader.errors import SubmissionError
from grader.notebooks import cells, raw_json
from grader.notebooks.cells import PutBack, code_cells, grade_id, is_locked, read_notebook, restore
from tests.support.notebooks import answered, graded_cell, source_notebook

NAMES = ["parameters", "double_answer", "double", "square_answer", "square", "reflection"]
LOCKED = ["parameters", "double", "square"]


def release() -> NotebookNode:
    """Return a release: stubs instead of solutions, the parameters cell tagged."""
    notebook = source_notebook()
    for cell in notebook.cells:
        if grade_id(cell).endswith("_answer"):
            name = grade_id(cell).removesuffix("_answer")
            cell.source = f"def {name}(number):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
        if grade_id(cell) == "parameters":
            cell.metadata["tags"] = ["parameters"]
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def as_bytes(notebook: NotebookNode) -> bytes:
    return str(nbformat.writes(notebook)).encode()


def cell_named(notebook: NotebookNode, name: str) -> NotebookNode:
    (found,) = [cell for cell in notebook.cells if grade_id(cell) == name]
    return found


def place(notebook: NotebookNode, name: str) -> int:
    return next(index for index, cell in enumerate(notebook.cells) if grade_id(cell) == name)


def repaired(notebook: NotebookNode) -> tuple[NotebookNode, dict[str, str]]:
    restored, repairs = restore(notebook, release())
    nbformat.validate(restored)
    return restored, {repair.cell: str(repair.what) for repair in repairs}


# Reading


def bare(**changes: Any) -> dict[str, Any]:
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [], **changes}


def code(**changes: Any) -> dict[str, Any]:
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": "x = 1", "outputs": []}
    return {**cell, "execution_count": None, **changes}


def test_a_notebook_is_read_without_its_outputs() -> None:
    output = {"output_type": "stream", "name": "stdout", "text": "hello"}

    found = read_notebook(json.dumps(bare(cells=[code(outputs=[output], execution_count=7)])).encode())

    assert found.cells[0].outputs == []
    assert found.cells[0].execution_count is None
    assert found.cells[0].source == "x = 1"


@pytest.mark.parametrize("outputs", ["broken", None, 5, {}, [5], [{"output_type": "x"}], [{}]])
def test_broken_outputs_do_not_matter(outputs: object) -> None:
    assert len(read_notebook(json.dumps(bare(cells=[code(outputs=outputs)])).encode()).cells) == 1


def test_a_source_in_lines_is_joined() -> None:
    found = read_notebook(json.dumps(bare(cells=[code(source=["a = 1\n", "b = 2"])])).encode())

    assert found.cells[0].source == "a = 1\nb = 2"


def test_a_byte_order_mark_does_not_matter() -> None:
    assert read_notebook(b"\xef\xbb\xbf" + as_bytes(release())).nbformat == 4


def test_a_notebook_of_format_3_is_read_as_format_4() -> None:
    cell = {"cell_type": "code", "input": ["x = 1\n", "x"], "language": "python", "outputs": []}
    old = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": "old"},
        "worksheets": [{"cells": [{**cell, "collapsed": False, "metadata": {}, "prompt_number": 1}]}],
    }

    found = read_notebook(json.dumps(old).encode())

    assert found == read_notebook(json.dumps(old).encode())
    assert (found.nbformat, found.nbformat_minor) == (4, 5)
    assert found.cells[0].source == "x = 1\nx"


@pytest.mark.parametrize("minor", [0, 1, 2, 3, 4])
def test_cells_of_an_older_format_4_get_names(minor: int) -> None:
    cell = {key: value for key, value in code().items() if key != "id"}

    found = read_notebook(json.dumps(bare(nbformat_minor=minor, cells=[cell, cell])).encode())

    assert [cell.id for cell in found.cells] == ["cell-0", "cell-1"]


def test_cell_ids_that_repeat_or_are_malformed_are_replaced_and_no_two_are_equal() -> None:
    ids = ["a", "a", "", "ü", "x" * 65, 5, None, ["a"], "cell-2", "cell-1", {}]

    found = read_notebook(json.dumps(bare(cells=[code(id=one) for one in ids])).encode())

    names = [cell.id for cell in found.cells]
    assert names[0] == "a"
    assert "cell-2" in names
    assert len(set(names)) == len(ids)


def test_reading_is_the_same_each_time() -> None:
    content = json.dumps(bare(cells=[code(id="a"), code(id="a"), code()])).encode()

    assert read_notebook(content) == read_notebook(content)


def test_halves_of_characters_become_question_marks_so_that_the_notebook_can_be_stored() -> None:
    content = json.dumps(bare(cells=[code(source="\ud83d = '\U0001f408'", metadata={"\udc00": "\ud800"})]))

    found = read_notebook(content.encode())

    assert found.cells[0].source == "? = '\U0001f408'"
    assert nbformat.writes(found).encode()


def deep(levels: int, key: str) -> bytes:
    nested = "[" * levels + "]" * levels
    text = json.dumps(bare(cells=[code()], **{key: "HERE"}) if key else bare())
    return text.replace('"HERE"', nested).encode()


NO_FORMATS: list[Any] = [True, False, None, 1, 2, 5, -4, 10**30, "4", [4], {"major": 4}, 4.5, float("nan")]
NO_CELLS: list[Any] = [None, 5, "text", {"a": 1}, [5], [None], [[]], [{}], [{"cell_type": "code"}]]
REFUSED: dict[str, bytes] = {
    "nothing": b"",
    "text": b"print('hello')",
    "a picture": b"\x89PNG\r\n\x1a\n\x00\x00",
    "UTF-16": json.dumps(bare()).encode("utf-16"),
    "UTF-32": json.dumps(bare()).encode("utf-32"),
    "Latin-1": json.dumps(bare(metadata={"a": "é"}), ensure_ascii=False).encode("latin-1"),
    "cut short": as_bytes(release())[:-40],
    "null": b"null",
    "a number": b"5",
    "NaN": b"NaN",
    "a list": b"[]",
    "an empty object": b"{}",
    "a number of 10,000 digits": b'{"nbformat": ' + b"9" * 10_000 + b"}",
    **{f"nbformat {value!r}": json.dumps(bare(nbformat=value)).encode() for value in NO_FORMATS},
    **{f"{levels} levels": deep(levels, "metadata") for levels in (120, 300, 500, 900, 1100, 100_000)},
    **{f"nbformat of {levels} levels": deep(levels, "nbformat") for levels in (90, 500, 1100)},
    "no cells": json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}}).encode(),
    **{f"cells {value!r}": json.dumps(bare(cells=value)).encode() for value in NO_CELLS},
    "an unknown cell type": json.dumps(bare(cells=[code(cell_type="spell")])).encode(),
    "a source of numbers": json.dumps(bare(cells=[code(source=[1, 2])])).encode(),
    "a source that is none": json.dumps(bare(cells=[code(source=None)])).encode(),
    "metadata that are a list": json.dumps(bare(cells=[code(metadata=[])])).encode(),
    "notebook metadata that are text": json.dumps(bare(metadata="text")).encode(),
    "format 3 with a broken worksheet": json.dumps({"nbformat": 3, "worksheets": [5]}).encode(),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_notebook_is_refused_with_a_hint(name: str) -> None:
    with pytest.raises(SubmissionError) as caught:
        read_notebook(REFUSED[name])

    assert caught.value.hint
    assert len(str(caught.value)) < 500


def test_a_huge_file_is_refused_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_json, "MAX_NOTEBOOK_BYTES", 2**20)

    with pytest.raises(SubmissionError, match="at most 1 MiB are read.*Clear its outputs"):
        read_notebook(b"[" * (2**20 + 1))


def test_more_cells_than_anybody_writes_are_refused() -> None:
    with pytest.raises(SubmissionError, match="has 20000 cells, at most 2000"):
        read_notebook(json.dumps(bare(cells=[code()] * 20_000)).encode())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
mangled_cells = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": st.sampled_from(["code", "markdown", "raw", "heading"]) | json_values,
        "id": st.text(max_size=3) | json_values,
        "metadata": st.fixed_dictionaries({}, optional={"nbgrader": json_values, "tags": json_values}),
        "source": st.text(max_size=9) | json_values,
        "outputs": json_values,
        "execution_count": json_values,
        "attachments": json_values,
    },
)
mangled = st.fixed_dictionaries(
    {"nbformat": st.sampled_from([3, 4]) | json_values},
    optional={
        "nbformat_minor": st.integers(-1, 7) | json_values,
        "metadata": json_values,
        "cells": st.lists(mangled_cells, max_size=4) | json_values,
        "worksheets": st.lists(st.fixed_dictionaries({"cells": st.lists(mangled_cells, max_size=3)}))
        | json_values,
    },
)


@given(json_values | mangled)
def test_arbitrary_json_is_read_and_restored_or_refused(value: object) -> None:
    try:
        found = read_notebook(json.dumps(value).encode())
    except SubmissionError as refusal:
        assert refusal.hint
    else:
        restored, _ = restore(found, release())
        nbformat.validate(restored)
        assert as_bytes(restored)


@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(SubmissionError):
        read_notebook(content)


# Restoring


def test_an_honest_submission_needs_no_repair() -> None:
    submission = answered(release())

    restored, repairs = restore(submission, release())

    assert repairs == ()
    assert restored.cells == submission.cells


def test_restoring_does_not_change_what_was_handed_in() -> None:
    submission, original = answered(release()), release()
    submission.cells.pop(4)
    before = copy.deepcopy(submission)

    restore(submission, original)

    assert submission == before
    assert original == release()


def test_solutions_are_never_touched() -> None:
    restored, _ = repaired(answered(release()))

    assert cell_named(restored, "double_answer").source == "def double(number):\n    return number + number"
    assert cell_named(restored, "reflection").source == "I learned a lot."


@pytest.mark.parametrize("name", LOCKED)
def test_a_changed_locked_cell_gets_its_content_back(name: str) -> None:
    submission = answered(release())
    cell_named(submission, name).source = "print('all points, please')"

    restored, repairs = repaired(submission)

    assert cell_named(restored, name).source == cell_named(release(), name).source
    assert "locked" in repairs[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_deleted_cell_comes_back_behind_the_one_before_it(name: str) -> None:
    submission = answered(release())
    del submission.cells[place(submission, name)]

    restored, repairs = repaired(submission)

    assert [grade_id(cell) for cell in restored.cells if grade_id(cell)] == NAMES
    assert "missing" in repairs[name]


def test_a_deleted_solution_comes_back_empty_and_says_so() -> None:
    submission = answered(release())
    del submission.cells[place(submission, "double_answer")]

    restored, _ = repaired(submission)

    assert cell_named(restored, "double_answer").source == f"# {cells.NOTICE}"


def test_all_cells_deleted_come_back_in_their_order() -> None:
    submission = answered(release())
    submission.cells = []

    restored, repairs = repaired(submission)

    assert [grade_id(cell) for cell in restored.cells] == NAMES
    assert set(repairs) == set(NAMES)


def test_a_moved_locked_cell_stays_one_cell_with_its_content() -> None:
    submission = answered(release())
    submission.cells.insert(0, submission.cells.pop(place(submission, "square")))

    restored, _ = repaired(submission)

    assert cell_named(restored, "square").source == "assert square(3) == 9"
    assert sorted(filter(None, map(grade_id, restored.cells))) == sorted(NAMES)


def test_of_a_duplicated_locked_cell_one_is_graded_and_its_copy_is_ordinary() -> None:
    submission = answered(release())
    copied = copy.deepcopy(cell_named(submission, "double"))
    copied.source = "pass"
    submission.cells.append(copied)

    restored, repairs = repaired(submission)

    assert cell_named(restored, "double").source == "assert double(2) == 4"
    assert restored.cells[-1].source == "pass"
    assert "more than once" in repairs["double"]


@pytest.mark.parametrize("first", [True, False])
def test_of_a_duplicated_solution_the_copy_that_was_worked_on_counts(first: bool) -> None:
    submission = answered(release())
    stub = copy.deepcopy(cell_named(release(), "double_answer"))
    submission.cells.insert(0 if first else len(submission.cells), stub)

    restored, _ = repaired(submission)

    assert "number + number" in cell_named(restored, "double_answer").source


@pytest.mark.parametrize("kind", ["markdown", "raw"])
@pytest.mark.parametrize("name", ["double", "double_answer", "parameters"])
def test_a_code_cell_that_was_converted_is_code_again(name: str, kind: str) -> None:
    submission = answered(release())
    cell = cell_named(submission, name)
    source = cell.source
    cell.cell_type = kind
    del cell["outputs"], cell["execution_count"]

    restored, repairs = repaired(submission)

    assert cell_named(restored, name).cell_type == "code"
    assert cell_named(restored, name).source == source
    assert kind in repairs[name]


def test_a_markdown_answer_that_was_converted_to_code_is_markdown_again() -> None:
    submission = answered(release())
    at = place(submission, "reflection")
    submission.cells[at] = new_code_cell(
        "I learned a lot.", id="r", metadata=submission.cells[at].metadata, execution_count=3
    )

    restored, _ = repaired(submission)

    assert cell_named(restored, "reflection").cell_type == "markdown"
    assert cell_named(restored, "reflection").source == "I learned a lot."


@pytest.mark.parametrize(
    "change",
    [
        {"points": 1000},
        {"points": "1000"},
        {"locked": False},
        {"grade": False},
        {"solution": True},
        {"task": True},
    ],
)
def test_changed_grading_metadata_are_restored_and_named(change: dict[str, Any]) -> None:
    submission = answered(release())
    cell_named(submission, "double").metadata["nbgrader"].update(change)

    restored, repairs = repaired(submission)

    assert cell_named(restored, "double").metadata == cell_named(release(), "double").metadata
    assert next(iter(change)) in repairs["double"]


def test_a_cell_unlocked_by_its_metadata_is_locked_all_the_same() -> None:
    submission = answered(release())
    cell = cell_named(submission, "double")
    cell.metadata["nbgrader"].update(locked=False, grade=False, solution=True)
    cell.source = "pass"

    assert cell_named(repaired(submission)[0], "double").source == "assert double(2) == 4"


def test_checksums_and_schema_versions_of_other_tools_are_no_repair_worth_telling() -> None:
    submission = answered(release())
    cell_named(submission, "double").metadata["nbgrader"].update(checksum="0" * 32, schema_version=1)

    restored, repairs = repaired(submission)

    assert repairs == {}
    assert "checksum" not in cell_named(restored, "double").metadata["nbgrader"]


@pytest.mark.parametrize("found", [None, 5, "double", [], {"grade_id": 5}, {"grade_id": ["double"]}, {}])
def test_malformed_grading_metadata_are_taken_away(found: object) -> None:
    submission = answered(release())
    submission.cells.append(new_code_cell("x = 1", id="mine", metadata={"nbgrader": found}))

    restored, repairs = repaired(submission)

    assert "nbgrader" not in restored.cells[-1].metadata
    assert repairs == {}


def test_a_name_that_the_release_does_not_have_is_taken_away_and_told() -> None:
    submission = answered(release())
    submission.cells.append(graded_cell("bonus", 1000, "pass"))

    restored, repairs = repaired(submission)

    assert grade_id(restored.cells[-1]) == ""
    assert "bonus" in repairs


@pytest.mark.parametrize("by", ["id", "content"])
def test_a_solution_that_lost_its_metadata_is_recognised(by: str) -> None:
    submission = answered(release())
    cell = cell_named(submission, "square_answer")
    cell.metadata = NotebookNode()
    if by == "content":
        cell.id = "another"
        cell.source = cell.source.replace("raise NotImplementedError()", "return number**2")
    else:
        cell.source = "square = lambda number: number**2"
    source = cell.source

    restored, repairs = repaired(submission)

    assert cell_named(restored, "square_answer").source == source
    assert "lost its name" in repairs["square_answer"]


def test_a_cell_that_is_nothing_like_the_solution_is_not_taken_for_it() -> None:
    submission = answered(release())
    submission.cells[place(submission, "square_answer")] = new_code_cell("import this", id="zen")

    restored, _ = repaired(submission)

    assert cell_named(restored, "square_answer").source == f"# {cells.NOTICE}"


def test_a_long_strange_cell_does_not_cost_minutes_of_comparing() -> None:
    submission = answered(release())
    submission.cells[place(submission, "square_answer")] = new_code_cell("def " * 500_000, id="long")

    restored, _ = repaired(submission)  # comparing letter by letter would outlast the test's time limit

    assert cell_named(restored, "square_answer").source == f"# {cells.NOTICE}"


def test_a_stray_parameters_tag_is_taken_away_and_other_tags_stay() -> None:
    submission = answered(release())
    mine = new_code_cell("seed = 1", id="mine", metadata={"tags": ["parameters", "mine"]})
    submission.cells.insert(0, mine)

    restored, _ = repaired(submission)

    tagged = [cell.id for cell in restored.cells if "parameters" in cell.metadata.get("tags", [])]
    assert tagged == ["parameters"]
    assert restored.cells[0].metadata.tags == ["mine"]


def test_a_parameters_tag_on_a_named_cell_is_taken_away() -> None:
    submission = answered(release())
    cell_named(submission, "double_answer").metadata["tags"] = ["parameters"]

    assert "tags" not in cell_named(repaired(submission)[0], "double_answer").metadata


def test_a_copy_of_the_parameters_cell_does_not_stay_tagged() -> None:
    submission = answered(release())
    submission.cells.append(copy.deepcopy(cell_named(submission, "parameters")))

    restored, _ = repaired(submission)

    tagged = [cell.id for cell in restored.cells if "parameters" in cell.metadata.get("tags", [])]
    assert tagged == ["parameters"]


def test_parameters_that_another_program_injected_are_removed() -> None:
    submission = answered(release())
    injected = new_code_cell("seed = 99", id="injected", metadata={"tags": ["injected-parameters"]})
    submission.cells.insert(place(submission, "parameters") + 1, injected)

    restored, repairs = repaired(submission)

    assert "seed = 99" not in [cell.source for cell in restored.cells]
    assert "injected-parameters" in repairs


def test_the_kernel_is_the_one_of_the_release() -> None:
    submission = answered(release())
    submission.metadata = NotebookNode(kernelspec={"name": "bash", "display_name": "Bash"}, evil=1)

    assert repaired(submission)[0].metadata == release().metadata


def test_locked_cells_are_tests_and_read_only_cells_and_nothing_that_is_answered() -> None:
    found = [grade_id(cell) for cell in release().cells if grade_id(cell) and is_locked(cell)]

    assert found == LOCKED


def test_code_cells_are_those_that_run() -> None:
    assert [cell.cell_type for cell in code_cells(release())] == ["code"] * 6


Change = Callable[[NotebookNode, int], None]


def delete(notebook: NotebookNode, at: int) -> None:
    del notebook.cells[at]


def duplicate(notebook: NotebookNode, at: int) -> None:
    notebook.cells.append(copy.deepcopy(notebook.cells[at]))


def move(notebook: NotebookNode, at: int) -> None:
    notebook.cells.insert(0, notebook.cells.pop(at))


def edit(notebook: NotebookNode, at: int) -> None:
    notebook.cells[at].source += "\n# edited"


def forget(notebook: NotebookNode, at: int) -> None:
    notebook.cells[at].metadata = NotebookNode()


def rename(notebook: NotebookNode, at: int) -> None:
    notebook.cells[at].metadata["nbgrader"] = NotebookNode(grade_id=NAMES[at % 6], points=99, locked=False)


def convert(notebook: NotebookNode, at: int) -> None:
    cell = notebook.cells[at]
    notebook.cells[at] = new_markdown_cell(cell.source, id=cell.id, metadata=cell.metadata)


def tag(notebook: NotebookNode, at: int) -> None:
    notebook.cells[at].metadata["tags"] = ["parameters", "injected-parameters"][at % 2 :]


CHANGES: list[Change] = [delete, duplicate, move, edit, forget, rename, convert, tag]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(CHANGES), st.integers(0, 30)), max_size=8))
def test_after_restoring_every_name_is_there_once_and_a_second_time_changes_nothing(
    changes: list[tuple[Change, int]],
) -> None:
    submission, original = answered(release()), release()
    for change, at in changes:
        if submission.cells:
            change(submission, at % len(submission.cells))
    handed_in = read_notebook(json.dumps(submission).encode())

    restored, _ = restore(handed_in, original)
    again, repairs = restore(restored, original)

    names = [grade_id(cell) for cell in restored.cells if grade_id(cell)]
    assert sorted(names) == sorted(NAMES)
    for name in LOCKED:
        assert cell_named(restored, name).source == cell_named(original, name).source
    for name in NAMES:
        assert cell_named(restored, name).metadata == cell_named(original, name).metadata
        assert cell_named(restored, name).cell_type == cell_named(original, name).cell_type
    assert len({cell.id for cell in restored.cells}) == len(restored.cells)
    assert [cell.id for cell in restored.cells if "parameters" in cell.metadata.get("tags", [])] == [
        cell_named(restored, "parameters").id
    ]
    assert again == restored
    assert repairs == ()
    nbformat.validate(restored)


@pytest.mark.parametrize(
    ("put_back", "back"),
    [
        (PutBack.ALL, NAMES),
        (PutBack.GRADED, ["double", "square", "reflection"]),
        (PutBack.NOTHING, []),
    ],
)
def test_which_deleted_cells_come_back_is_for_the_caller_to_say(put_back: PutBack, back: list[str]) -> None:
    empty = release()
    empty.cells = []

    restored, repairs = restore(empty, release(), put_back)

    assert [grade_id(cell) for cell in restored.cells] == back
    assert [repair.cell for repair in repairs] == back
