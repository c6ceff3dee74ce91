"""Read the asserts of a classic notebook: which functions they call, with which arguments, and what they expect. Nothing is run."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

MISSING = object()  # no literal: a teacher has to say


@dataclass(frozen=True)
class Example:
    """One assert that calls one of the functions that students write.

    Attributes:
        function: its name.
        arguments: literals; None: some argument is none.
        expected: a literal that the call is compared with by `==`; `MISSING` where there is none.
        source: the assert as it stands.
    """

    function: str
    arguments: tuple[Any, ...] | None
    expected: Any
    source: str

    @property
    def is_complete(self) -> bool:
        """Whether a check can be made of it as it is."""
        return self.arguments is not None and self.expected is not MISSING


@dataclass(frozen=True)
class Tests:
    """What the tests of a cell do.

    Attributes:
        examples: asserts that call a function, in their order.
        others: statements that test something in another way; the text itself where it is no Python.
    """

    examples: tuple[Example, ...]
    others: tuple[str, ...]


def defined(sources: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the functions that cells define, each with the names of its positional arguments."""
    functions: dict[str, tuple[str, ...]] = {}
    for source in sources:
        for node in _parsed(source) or ():
            if isinstance(node, ast.FunctionDef):
                functions[node.name] = tuple(
                    argument.arg for argument in [*node.args.posonlyargs, *node.args.args]
                )
    return functions


def read_tests(source: str, functions: Sequence[str]) -> Tests:
    """Read the tests of one cell, or of its hidden part.

    Args:
        source: of the cell; the lines of a hidden part may all be indented.
        functions: names of those that students write.
    """
    # Hidden lines stand where they stood: in a `def` or an `if`.
    statements = _parsed(textwrap.dedent(source))
    if statements is None:
        # A test that nobody reads must not be lost: a teacher reads it.
        return Tests((), (source.strip("\n"),))
    examples, others = list[Example](), list[str]()
    for node in statements:
        if isinstance(node, ast.Assert):
            example = _example(node, functions)
            if example is not None:
                examples.append(example)
                continue
        if not _only_prepares(node):
            others.append(ast.unparse(node))
    return Tests(tuple(examples), tuple(others))


def _parsed(source: str) -> Sequence[ast.stmt] | None:
    try:
        return ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError):  # magics are no Python
        return None


def _only_prepares(node: ast.stmt) -> bool:
    """Return whether a statement tests nothing: an import, a docstring, a definition without an assert or a `raise` in it."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return not any(isinstance(inner, ast.Assert | ast.Raise) for inner in ast.walk(node))
    return isinstance(node, ast.Import | ast.ImportFrom) or _is_text(node)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _example(node: ast.Assert, functions: Sequence[str]) -> Example | None:
    calls = [*_calls(node.test, functions)]
    # Two functions in one assert are compared with each other: no single question asks that.
    if len(calls) != 1:
        return None
    call = calls[0]
    literals = [_literal(argument) for argument in call.args]
    usable = not call.keywords and MISSING not in literals
    return Example(
        call.func.id if isinstance(call.func, ast.Name) else "",
        tuple(literals) if usable else None,
        _expected(node.test, call),
        ast.unparse(node),
    )


def _calls(test: ast.expr, functions: Sequence[str]) -> Iterator[ast.Call]:
    for node in ast.walk(test):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in functions:
            yield node


def _expected(test: ast.expr, call: ast.Call) -> Any:  # noqa: ANN401 - any literal
    """Return what an assert compares the call itself with; `assert f(x)` alone and other comparisons say nothing sure."""
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq | ast.Is):
        sides = (test.left, test.comparators[0])
        if call in sides:
            return _literal(sides[1] if sides[0] is call else sides[0])
    return MISSING


def _literal(node: ast.expr) -> Any:  # noqa: ANN401 - any literal
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return MISSING
