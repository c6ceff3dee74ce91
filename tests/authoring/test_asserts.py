"""Asserts are read, not run: the function, its arguments, what is expected."""

from __future__ import annotations

import pytest

from grader.authoring.adoption.asserts import MISSING, Example, defined, read_tests


def test_functions_that_cells_define_have_their_arguments() -> None:
    sources = [
        "def f(a, b=1):\n    def inner(): pass",
        "%matplotlib inline\ndef lost(): pass",
        "class C:\n    def m(self): pass",
    ]

    assert defined(sources) == {"f": ("a", "b")}


@pytest.mark.parametrize(
    ("text", "arguments", "expected"),
    [
        ("assert f(1) == 2", (1,), 2),
        ("assert 2 == f(1)", (1,), 2),
        ("assert f([1, 2], -1) == [3, 4]", ([1, 2], -1), [3, 4]),
        ("assert f() is True, 'why'", (), True),
        ("assert f(1) > 2", (1,), MISSING),
        ("assert abs(f(1) - 2) < 1e-6", (1,), MISSING),
        ("assert f(1) == 2 == g", (1,), MISSING),
        ("assert f(1) == g", (1,), MISSING),
        ("assert f(number) == 2", None, 2),
        ("assert f(a=1) == 2", None, 2),
        ("assert f(*[1]) == 2", None, 2),
        ("assert f(1)", (1,), MISSING),
    ],
)
def test_an_assert_is_an_example(text: str, arguments: tuple[object, ...] | None, expected: object) -> None:
    tests = read_tests(text, ["f"])

    assert tests.others == ()
    (example,) = tests.examples
    assert (example.function, example.arguments, example.expected) == ("f", arguments, expected)
    assert example.is_complete == (arguments is not None and expected is not MISSING)


def test_what_tests_otherwise_is_kept_as_it_stands_and_what_prepares_is_not() -> None:
    source = '"""Words."""\nimport math\ndef help_me(): pass\nassert f(1) == f(2)\nassert g(1) == 1\nfor x in (1, 2):\n    assert f(x) == x'

    tests = read_tests(source, ["f"])

    assert tests.examples == ()
    assert tests.others == (
        "assert f(1) == f(2)",
        "assert g(1) == 1",
        "for x in (1, 2):\n    assert f(x) == x",
    )


def test_a_cell_that_is_no_python_has_no_examples() -> None:
    assert read_tests("!rm -r /", ["f"]).examples == ()


def test_nothing_is_run() -> None:
    (example,) = read_tests("assert f(__import__('os').getcwd()) == 1", ["f"]).examples

    assert example == Example("f", None, 1, "assert f(__import__('os').getcwd()) == 1")


def test_lines_that_are_all_indented_are_read_as_if_they_were_not() -> None:
    tests = read_tests("    assert f(77) == 5929\n    assert f(number) == 1", ["f"])

    assert [example.arguments for example in tests.examples] == [(77,), None]
    assert tests.others == ()


@pytest.mark.parametrize(
    "source",
    ["%%time\nassert f(1) == 1", "    assert f(2) == 1\nelse:\n    assert f(3) == 1", "!rm -r /"],
)
def test_what_cannot_be_read_is_kept_as_it_stands(source: str) -> None:
    tests = read_tests(f"\n{source}\n", ["f"])

    assert (tests.examples, tests.others) == ((), (source,))


def test_a_definition_that_tests_something_is_kept() -> None:
    source = "def test_f():\n    assert f(2) == 4\ntest_f()\ndef refuse():\n    raise AssertionError\ndef two():\n    return 2"

    tests = read_tests(source, ["f"])

    assert tests.others == (
        "def test_f():\n    assert f(2) == 4",
        "test_f()",
        "def refuse():\n    raise AssertionError",
    )
