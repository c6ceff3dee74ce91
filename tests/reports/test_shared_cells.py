"""Which cells students share: however it is written, whatever it is called, and nothing that they were given."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from grader.confined import Bounds
from grader.reports import shared_cells
from grader.reports.shared_cells import COMMON, Cell, Report, Work, compare, read_cells, tokens

STUB = "def train(features, labels):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
MINE = """\
def train(features, labels):
    '''Train a head.'''
    weights = np.zeros((features.shape[1], 35))
    for step in range(120):  # enough
        gradient = features.T @ (softmax(features @ weights) - onehot(labels))
        weights -= 0.03 * gradient / len(labels)
    return weights
"""
FORMATTED = """\
def train(
    features,
    labels,
):
    weights = np.zeros(
        (features.shape[1], 35),
    )

    # gradient descent
    for step in range(120):
        gradient = features.T @ (softmax(features @ weights) - onehot(labels))
        weights -= 0.03 * gradient / len(labels)
    return weights
"""
RENAMED = MINE.replace("weights", "w").replace("gradient", "g").replace("step", "i")
OTHER = """\
def train(features, labels):
    model = LogisticRegression(C=0.5, max_iter=2000)
    model.fit(features, labels)
    return model.coef_.T, model.intercept_
"""
LOSSES = "\n".join(f"epoch {n}: loss {0.9137 / n:.5f}, {1.2345 * n:.3f} s" for n in range(1, 6))


def cell(source: str, output: str = "", name: str = "train") -> Cell:
    return Cell(name, source, output)


def work(student: str, *cells: Cell, executed: tuple[Cell, ...] = ()) -> Work:
    return Work(student, cells, executed)


def report(*works: Work) -> Report:
    return compare(works, [cell(STUB)], [cell(OTHER)])


@pytest.mark.parametrize(
    ("other", "kind"), [(MINE, "same code"), (FORMATTED, "same code"), (RENAMED, "renamed")]
)
def test_copied_code_is_found_as_it_is_reformatted_and_renamed(other: str, kind: str) -> None:
    found = report(
        work("student01", cell(MINE)), work("student02", cell(other)), work("student03", cell(OTHER))
    )

    (shared,) = found.shared
    assert (shared.kind, shared.students, shared.cells) == (
        kind,
        ("student01", "student02"),
        ("train", "train"),
    )
    assert shared.excerpt.startswith("def train(features, labels):")
    assert [(pair.students, pair.shared, pair.share) for pair in found.pairs] == [
        (("student01", "student02"), 1, 1.0)
    ]


def test_different_work_is_not_shared() -> None:
    other = MINE.replace("0.03", "0.05")

    assert report(work("student01", cell(MINE)), work("student02", cell(other))).shared == ()


@pytest.mark.parametrize(
    "source", [STUB, STUB + "  # later", "def train(features, labels):\n    return None", "x = 1"]
)
def test_what_was_given_and_what_is_short_is_left_out(source: str) -> None:
    found = report(work("student01", cell(source)), work("student02", cell(source)))

    assert found.shared == ()
    assert found.own == {"student01": 0, "student02": 0}


def test_it_is_said_when_the_model_solution_is_the_same() -> None:
    (shared,) = report(work("student01", cell(OTHER * 2)), work("student02", cell(OTHER * 2))).shared
    (known,) = compare(
        [work("student01", cell(MINE)), work("student02", cell(MINE))], [cell(STUB)], [cell(MINE)]
    ).shared

    assert (shared.model, known.model) == (False, True)


def test_code_that_is_no_python_is_compared_too() -> None:
    broken = "%timeit -n 3 train(features\n" + MINE.replace("return weights", "return weights)")

    (shared,) = report(work("student01", cell(broken)), work("student02", cell(broken))).shared

    assert shared.kind == "same code"


@pytest.mark.parametrize("source", ["'''" * 20_001, "(" * 50_000, "\\" * 50_000, "\ud800 = 1"])
def test_hostile_text_has_tokens_in_no_time(source: str) -> None:
    begin = time.monotonic()
    tokens(source)

    assert time.monotonic() - begin < 20  # a regular expression that backtracks would take hours


def test_the_same_losses_are_found_unless_the_grader_prints_them_too() -> None:
    pair = (work("student01", cell("a", LOSSES)), work("student02", cell("b", LOSSES)))
    seeded = work("student03", cell("c"), executed=(cell("c", LOSSES),))

    (shared,) = report(*pair).shared
    assert (shared.kind, shared.students) == ("same output", ("student01", "student02"))
    assert report(*pair).pairs[0].outputs == 1
    assert report(*pair, seeded).shared == ()


@pytest.mark.parametrize("output", ["accuracy 0.857", "(832, 224, 224, 3)", "photo 123456789012.jpg", ""])
def test_outputs_with_few_digits_are_no_evidence(output: str) -> None:
    assert report(work("student01", cell("a", output)), work("student02", cell("b", output))).shared == ()


def test_what_most_have_makes_no_pairs_and_comes_last() -> None:
    lecture = [work(f"student{n:02}", cell(MINE)) for n in range(COMMON + 1)]
    two = [work(name, cell(MINE.replace("120", "77"))) for name in ("student98", "student99")]

    found = report(*lecture, *two)

    assert [len(one.students) for one in found.shared] == [2, COMMON + 1]
    assert [pair.students for pair in found.pairs] == [("student98", "student99")]


def test_a_large_class_takes_seconds() -> None:
    works = [
        work(f"student{n:03}", *(cell(MINE.replace("0.03", f"{n}.{place}"), LOSSES) for place in range(20)))
        for n in range(300)
    ]
    begin = time.monotonic()

    found = report(*works)

    assert time.monotonic() - begin < 60
    assert found.own["student299"] == 20


# Files


def notebook(*cells: object, **fields: object) -> bytes:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells, **fields}).encode()


def test_cells_are_read_with_their_names_and_outputs(tmp_path: Path) -> None:
    stream = {"output_type": "stream", "name": "stdout", "text": ["loss 0.5\n", "loss 0.4\n"]}
    result = {"output_type": "execute_result", "data": {"text/plain": "0.25"}}
    named = {"nbgrader": {"grade_id": "train"}}
    path = tmp_path / "a.ipynb"
    path.write_bytes(
        notebook(
            {"cell_type": "markdown", "source": "text"},
            {
                "cell_type": "code",
                "source": ["a = 1\n", "b = 2"],
                "metadata": named,
                "outputs": [stream, result],
            },
            {"cell_type": "code", "source": "c = 3", "metadata": {}},
        )
    )

    assert read_cells(path) == (
        Cell("train", "a = 1\nb = 2", "loss 0.5\nloss 0.4\n\n0.25"),
        Cell("code cell 2", "c = 3"),
    )


def test_a_notebook_of_format_3_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text(
        json.dumps({"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "code", "input": "x"}]}]})
    )

    assert [one.source for one in read_cells(path) or ()] == ["x"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b"[1]",
        b'{"cells": 3}',
        notebook(
            None, 7, {"cell_type": "code"}, {"cell_type": "code", "source": {}, "outputs": [1, {"text": 2}]}
        ),
        notebook({"cell_type": "code", "source": [1, None], "metadata": [], "outputs": {"a": 1}}),
    ],
)
def test_a_damaged_notebook_is_read_as_far_as_it_goes(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.ipynb"
    path.write_bytes(content)

    assert all(not one.source for one in read_cells(path) or ())
    assert read_cells(tmp_path / "missing.ipynb") == ()


# Work that grew with the square of what a student wrote


@pytest.mark.parametrize(
    "source", ['"' * 100_001, "'''" + '"\\' * 50_000, '\\"' * 50_000, "r'\\" * 30_000, '"""' + "'" * 100_000]
)
def test_quotes_without_end_are_read_to_their_end(source: str) -> None:
    assert tokens(f"x = {source}")[:2] == ("x", "=")  # `benchmarks/worst_inputs.py` says how long it takes


def test_a_text_that_does_not_end_is_one_token_to_the_end_of_its_line() -> None:
    assert tokens("x = 'half\ny = 1") == ("x", "=", '"half"', "y", "=", "1")
    assert tokens('x = """half\ny = 1') == ("x", "=", '"half\ny = 1"')


def test_a_long_line_of_digits_hides_no_number_after_it() -> None:
    work = Work("student01", (Cell("a", "x", "1" * 150_000 + "\n0.123456789012345"),))

    assert compare([work, Work("student02", work.submitted)], ()).shared


def test_a_notebook_that_meets_a_limit_is_told_from_one_that_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text('{"cells": []}')
    monkeypatch.setattr(shared_cells, "BOUNDS", Bounds(wall_s=0.001))

    assert read_cells(path) is None


def test_of_more_text_than_anybody_writes_only_the_first_is_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = [{"cell_type": "code", "source": letter * 200_000} for letter in "abcdefg"]
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": cells}))

    found = read_cells(tmp_path / "a.ipynb") or ()

    assert [len(one.source) for one in found] == [200_000] * 5 + [0, 0]
