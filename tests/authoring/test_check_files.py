"""Drafts of check files: asserts with literals are questions, the rest is a TODO that fails closed."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.authoring.adoption.check_files import check_files
from grader.authoring.adoption.classic import ClassicNotebook, GradedCell
from grader.checks.check_files import load_checks
from grader.checks.questions import Material

NOTHING = np.empty((0, 224, 224, 3), np.uint8)
MATERIAL = Material(NOTHING, np.empty(0, np.int64), (), (), np.random.default_rng(0))


def drafted(solution: str, public: str, hidden: str = "") -> Any:
    cell = GradedCell("the-tests", 'Say "hi" \\', 3.0, False, public, hidden)
    return check_files([ClassicNotebook("week1", (cell,), (solution,))])


def entry_points(solution: str, public: str) -> list[dict[str, Any]]:
    lines = drafted(solution, public).entry_points
    return list(tomllib.loads("\n".join(lines)).get("entry_points", []))


def test_a_draft_is_a_check_file_that_asks_what_the_asserts_ask(tmp_path: Path) -> None:
    drafts = drafted("def f(n, rows): pass", "assert f(2, [1.5, 2]) == [1, 2]\nassert f(3, [1]) == [1, 2, 3]")
    path = tmp_path / "check_public.py"
    path.write_text(drafts.public)

    module = load_checks(path)
    first, second = module.questions(MATERIAL)["the_tests"]

    assert (first.entry_point, first.arguments[0]) == ("f", 2)
    assert first.arguments[1].tolist() == [1.5, 2]
    assert second.key["expected"].tolist() == [1, 2, 3]
    mark = module.test_the_tests.pytestmark[0]
    assert (mark.args, mark.kwargs) == (("the-tests",), {"points": 3, "asks": "the_tests"})
    assert module.test_the_tests.__doc__ == 'Say "hi" \\.'
    assert drafts.hidden == ""


def test_hidden_tests_get_a_file_and_half_of_the_points(tmp_path: Path) -> None:
    drafts = drafted("def f(n): pass", "assert f(2) == 1", "assert f(4711) == 1")
    path = tmp_path / "check_hidden.py"
    path.write_text(drafts.hidden)

    module = load_checks(path)

    assert module.questions(MATERIAL)["the_tests_hidden"][0].arguments == (4711,)
    assert module.test_the_tests_hidden.pytestmark[0].kwargs["points"] == 1.5
    assert "4711" not in drafts.public
    assert "points=1.5" in drafts.public


def test_what_no_literal_says_is_a_todo_and_earns_nothing_before_it_is_done(tmp_path: Path) -> None:
    drafts = drafted("def f(n): pass", "try:\n    f(0)\nexcept ValueError:\n    pass")
    path = tmp_path / "check_public.py"
    path.write_text(drafts.public)

    module = load_checks(path)

    assert module.questions(MATERIAL) == {}
    assert "#     except ValueError:" in drafts.public
    with pytest.raises(NotImplementedError):
        module.test_the_tests()


@pytest.mark.parametrize("expected", ["'text'", "None", "[[1], [2, 3]]", "{'a': 1}"])
def test_an_answer_that_is_no_array_of_numbers_is_a_todo(expected: str) -> None:
    drafts = drafted("def f(n): pass", f"assert f(2) == {expected}")

    assert "return {}" in drafts.public
    assert "TODO: the notebook tests this" in drafts.public


def test_contracts_follow_from_the_literals() -> None:
    (squares,) = entry_points("def squares(n): pass", "assert squares(1) == [1]\nassert squares(2) == [1, 4]")
    (mean,) = entry_points("def mean(rows): pass", "assert mean([1, 2.5]) == 2")
    (even,) = entry_points("def even(n): pass", "assert even(2) == True")
    (repeat,) = entry_points("def g(n): pass", "assert g(1) == [1, 1]\nassert g(2) == [1]")

    assert squares["inputs"] == [{"name": "n", "dtype": "int"}]
    assert squares["output"] == {"dtype": "float", "shape": ["n"]}
    assert mean["inputs"] == [{"name": "rows", "dtype": "float", "shape": ["rows_0"]}]
    assert mean["output"] == {"dtype": "float"}
    assert even["output"] == {"dtype": "bool"}
    assert repeat["output"] == {"dtype": "float", "shape": ["size_0"], "free": {"size_0": [0, 10_000]}}


def test_a_function_that_no_literal_is_given_to_is_a_todo_in_the_assignment() -> None:
    lines = drafted("def f(n): pass\ndef unused(): pass", "assert f(number) == 1").entry_points

    assert [line for line in lines if "TODO" in line]
    assert not [line for line in lines if "unused" in line]


def test_of_several_notebooks_each_function_is_asked_in_the_one_that_defines_it() -> None:
    cells = [GradedCell(f"test_{name}", name, 1.0, False, f"assert {name}(1) == 1") for name in ("f", "g")]
    notebooks = [
        ClassicNotebook("one", (cells[0],), ("def f(n): pass",)),
        ClassicNotebook("two", (cells[1],), ("def g(n): pass\ndef f(n): pass",)),
    ]

    lines = check_files(notebooks).entry_points

    found = tomllib.loads("\n".join(lines))["entry_points"]
    assert [(entry["name"], entry["notebook"]) for entry in found] == [("f", "one"), ("g", "two")]


def test_hidden_tests_within_a_function_are_asked_and_the_function_is_a_todo(tmp_path: Path) -> None:
    drafts = drafted(
        "def f(n): pass", "def test_f():\n    assert f(2) == 4\ntest_f()", "    assert f(4711) == 1"
    )
    path = tmp_path / "check_hidden.py"
    path.write_text(drafts.hidden)

    module = load_checks(path)

    assert module.questions(MATERIAL)["the_tests_hidden"][0].arguments == (4711,)
    assert "4711" not in drafts.public
    assert "TODO: the notebook tests this in another way:\n    #     def test_f():" in drafts.public
    assert "points=1.5" in drafts.public


@pytest.mark.parametrize(
    "hidden",
    ["    assert f(4711) == 1\nelse:\n    assert f(1) == 1", "%%time\nf(4711)", "from secret import f4711"],
)
def test_hidden_tests_that_cannot_be_read_are_a_todo_of_the_hidden_file(hidden: str, tmp_path: Path) -> None:
    drafts = drafted("def f(n): pass", "assert f(2) == 1", hidden)
    path = tmp_path / "check_hidden.py"
    path.write_text(drafts.hidden)

    module = load_checks(path)

    assert "TODO: the notebook tests this" in drafts.hidden
    assert all(f"#     {line}" in drafts.hidden for line in hidden.splitlines())
    assert "4711" not in drafts.public
    with pytest.raises(NotImplementedError):
        module.test_the_tests_hidden()


@pytest.mark.parametrize("public", ["%%time\nassert f(1) == 1", "import math", ""])
def test_no_check_is_left_open_without_a_todo(public: str) -> None:
    assert "# TODO: " in drafted("def f(n): pass", public).public


def test_an_answer_of_another_shape_than_the_contract_says_is_a_todo() -> None:
    public = "assert f([1, 2, 3], 2) == [1, 2]\nassert f([1, 2, 3], 1) == 1"

    (first,) = entry_points("def f(xs, n): pass", public)
    (swapped,) = entry_points("def f(xs, n): pass", "\n".join(reversed(public.splitlines())))
    text = drafted("def f(xs, n): pass", public).public

    assert first["output"] == {"dtype": "float", "shape": ["n"]}
    assert swapped["output"] == {"dtype": "float"}
    assert text.count("Question(") == 1
    assert "#     assert f([1, 2, 3], 1) == 1" in text


@pytest.mark.parametrize(
    "argument", ["[[1], [2, 3]]", "{'a': 1}", "None", "b'x'", "[1, None]", "1180591620717411303424"]
)
def test_an_argument_that_is_no_array_is_a_todo(argument: str) -> None:
    drafts = drafted("def f(n): pass", f"assert f({argument}) == 2")

    assert "return {}" in drafts.public
    assert "TODO: the notebook tests this" in drafts.public
    assert [line for line in drafts.entry_points if "inputs = [] # TODO" in line]
