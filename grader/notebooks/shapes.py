"""The shape of Python statements, whatever their names are called: a copy in which a variable was renamed has the same one."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Callable, Container, Iterator

STATEMENTS = 4  # in a row or nested, at least: fewer are written alike by chance
NODES = 40  # of their syntax tree, at least: a step of training has four statements, too
MOST_CHARACTERS = 200_000  # of a text that is looked at
_MAGIC = re.compile(r"^(\s*)[%!].*", re.MULTILINE)
_BUILTINS = frozenset(dir(builtins))


def shapes(source: str, lines: Container[int] | None = None) -> dict[str, int]:
    """Return the shapes of all runs of statements that are too long for a coincidence.

    Names are replaced by the place of their first use in the run. What is called keeps its name unless the run assigns it, as do
    attributes, keywords, numbers and texts; docstrings, annotations and comments do not count.

    Args:
        source: Python, magics of a notebook included.
        lines: numbers of the lines that count, from 1; None: all. A statement counts when all of its lines do.

    Returns:
        By shape, the line at which the first such run begins; empty for what is no Python.
    """
    runs: dict[str, int] = {}
    if len(source) > MOST_CHARACTERS:
        return runs
    try:
        # The same number of lines: `pass` stands where a magic stood.
        tree = ast.parse(_MAGIC.sub(r"\1pass", source))
        for body in _bodies(tree):
            for first in range(len(body)):
                run = _shortest(body[first:], lines)
                if run:
                    runs.setdefault(_shape(run), run[0].lineno)
    except (SyntaxError, ValueError, RecursionError):
        return {}
    return runs


def _bodies(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    """Yield every list of statements, at any depth."""
    for node in ast.walk(tree):
        for _, value in ast.iter_fields(node):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                yield [statement for statement in value if not _is_words(statement)]


def _is_words(statement: ast.stmt) -> bool:
    """Say whether a statement is a text and nothing else, such as a docstring."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _shortest(body: list[ast.stmt], lines: Container[int] | None) -> list[ast.stmt]:
    """Return the fewest statements from the first one on that are too many for a coincidence; none where there are not enough."""
    statements = nodes = 0
    for number, statement in enumerate(body, 1):
        if lines is not None and not all(
            line in lines for line in range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
        ):
            return []
        inner = list(ast.walk(statement))
        statements += sum(isinstance(node, ast.stmt) and not _is_words(node) for node in inner)
        # Whether a name is read or written is a node, too, and says nothing.
        nodes += sum(not isinstance(node, ast.expr_context) for node in inner)
        if statements >= STATEMENTS and nodes >= NODES:
            return body[:number]
    return []


def _shape(run: list[ast.stmt]) -> str:
    nodes = [node for statement in run for node in ast.walk(statement)]
    assigned = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    assigned |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    assigned |= {
        node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    called = {
        node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    places: dict[str, str] = {}

    def place(name: str) -> str:
        if name not in assigned and (name in called or name in _BUILTINS):
            return name
        return places.setdefault(name, f"_{len(places)}")

    return " ".join(_written(statement, place) for statement in run)


def _written(node: object, place: Callable[[str], str]) -> str:
    """Write a part of a syntax tree in the order in which people read it, with its names replaced."""
    if isinstance(node, ast.Name):
        return place(node.id)
    if isinstance(node, ast.arg):
        return place(node.arg)
    if isinstance(node, list):
        return f"[{' '.join(_written(part, place) for part in node if not _is_docstring(part))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    words = [type(node).__name__]
    for field, value in ast.iter_fields(node):
        if field in {"annotation", "returns", "ctx", "type_comment", "type_ignores", "kind"}:
            continue
        if field == "name" and isinstance(value, str):
            words.append(place(value))
        else:
            words.append(_written(value, place))
    return f"({' '.join(words)})"


def _is_docstring(part: object) -> bool:
    return isinstance(part, ast.stmt) and _is_words(part)
