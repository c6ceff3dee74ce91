"""The page that says where things are: each of its paths exists, and defines what it says."""

from __future__ import annotations

import ast
import re

import pytest

from tests.support.notebooks import REPOSITORY

PAGE = (REPOSITORY / "docs" / "where.md").read_text()
ROWS = re.findall(r"^\| (.+?) \| `([^`]+)`(?:: `([^`]+)`)? \|$", PAGE, re.MULTILINE)


def defined(path: str) -> set[str]:
    tree = ast.parse((REPOSITORY / path).read_text())
    found = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    targets = [target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
    return found | {target.id for target in targets if isinstance(target, ast.Name)}


def test_there_are_questions() -> None:
    assert len(ROWS) >= 20


@pytest.mark.parametrize(("question", "path", "name"), ROWS)
def test_what_is_asked_for_is_there(question: str, path: str, name: str) -> None:
    assert (REPOSITORY / path).exists(), question
    assert not name or name in defined(path), question
