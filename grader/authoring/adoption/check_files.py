"""Write check files to begin with from the tests of a classic notebook; what a teacher has to complete is marked TODO."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from grader.authoring.adoption.asserts import MISSING, Example, Tests, defined, read_tests
from grader.authoring.adoption.classic import ClassicNotebook, GradedCell

BUDGET_S = 5  # of an entry point, until a teacher sets another one
NEAR = 1e-6  # what rounding may cost
LONGEST = 10_000  # elements of an answer whose length is its own
HEAD_PUBLIC = '''\
"""Checks that students can read and run. Written by `pawgrade adopt --checks` from the tests in the notebook: complete each TODO."""
'''
HEAD_HIDDEN = '''\
"""Checks that students never see. Written by `pawgrade adopt --checks` from the hidden tests: complete each TODO."""
'''
IMPORTS = """
import numpy as np
import pytest

from grader.checks import Material, Question, largest_gap, require
"""


@dataclass(frozen=True)
class CheckFiles:
    """Drafts of what grades in place of a notebook's own tests.

    Attributes:
        public: text of `check_public.py`.
        hidden: text of `staff/check_hidden.py`; "" where no test is hidden.
        entry_points: lines for `assignment.toml`.
    """

    public: str
    hidden: str
    entry_points: tuple[str, ...]


@dataclass(frozen=True)
class _Draft:
    """A check to be written.

    Attributes:
        name: of the check and of its question set.
        cell: the graded cell whose points it gives.
        points: what it is worth.
        tests: what the cell tests.
    """

    name: str
    cell: GradedCell
    points: float
    tests: Tests

    @property
    def usable(self) -> list[Example]:
        return [example for example in self.tests.examples if _is_usable(example)]

    @property
    def left_over(self) -> list[str]:
        rest = [example.source for example in self.tests.examples if example not in self.usable]
        return [*rest, *self.tests.others]


def check_files(notebooks: Sequence[ClassicNotebook]) -> CheckFiles:
    """Draft check files for a classic assignment.

    Args:
        notebooks: from `read_classic`.
    """
    functions = dict[str, tuple[str, tuple[str, ...]]]()
    for notebook in notebooks:
        for function, names in defined(notebook.solutions).items():
            # An entry point is asked in one notebook: the first that defines it.
            functions.setdefault(function, (notebook.name, names))
    public, hidden = list[_Draft](), list[_Draft]()
    for notebook in notebooks:
        here = [function for function, (where, _) in functions.items() if where == notebook.name]
        for cell in (cell for cell in notebook.cells if not cell.manual and cell.points):
            name = _identifier(cell.id)
            # Half of the points go where the hidden tests are: a teacher knows better.
            share = cell.points / 2 if cell.hidden.strip() else cell.points
            public.append(_Draft(name, cell, share, read_tests(cell.source, here)))
            if cell.hidden.strip():
                hidden.append(_Draft(f"{name}_hidden", cell, share, _hidden_tests(cell.hidden, here)))
    examples = [example for draft in (*public, *hidden) for example in draft.tests.examples]
    axes = _axes_of_answers(examples)
    public, hidden = ([_within_contract(draft, axes) for draft in drafts] for drafts in (public, hidden))
    examples = [example for draft in (*public, *hidden) for example in draft.tests.examples]
    several = len(notebooks) > 1
    return CheckFiles(
        _file(HEAD_PUBLIC, public),
        _file(HEAD_HIDDEN, hidden) if hidden else "",
        tuple(
            line
            for function, (where, names) in functions.items()
            for line in _entry_point(function, names, examples, where if several else "")
        ),
    )


def _axes_of_answers(examples: Sequence[Example]) -> dict[str, int]:
    """Return how many axes the answers of each function have: as many as the first that a check can be made of."""
    axes = dict[str, int]()
    for example in filter(_is_usable, examples):
        axes.setdefault(example.function, np.ndim(example.expected))
    return axes


def _within_contract(draft: _Draft, axes: dict[str, int]) -> _Draft:
    """Leave to a teacher what expects a number where the contract says a list: one contract cannot hold both."""
    examples = tuple(
        replace(example, expected=MISSING)
        if _is_usable(example) and np.ndim(example.expected) != axes[example.function]
        else example
        for example in draft.tests.examples
    )
    return replace(draft, tests=Tests(examples, draft.tests.others))


def _hidden_tests(source: str, functions: Sequence[str]) -> Tests:
    tests = read_tests(source, functions)
    # Points go to them, so a teacher must see them, whatever they are.
    return tests if tests.examples or tests.others else Tests((), (source,))


def _identifier(name: str) -> str:
    return "".join(character if character.isalnum() else "_" for character in name).lower()


def _file(head: str, drafts: Sequence[_Draft]) -> str:
    sets = [line for draft in drafts if draft.usable for line in _questions(draft)]
    lines = [head.rstrip("\n"), IMPORTS.rstrip("\n"), "", ""]
    lines += ["def questions(material: Material) -> dict[str, list[Question]]:"]
    lines += [
        '    """Plan what is asked: calls of functions of the notebook. What stands in a key never reaches it."""'
    ]
    lines += ["    return {", *sets, "    }"] if sets else ["    return {}"]
    for draft in drafts:
        lines += ["", "", *_check(draft)]
    return "\n".join(lines) + "\n"


def _questions(draft: _Draft) -> Iterator[str]:
    yield f"        {json.dumps(draft.name)}: ["
    for example in draft.usable:
        literals = [_literal(argument) for argument in example.arguments or ()]
        arguments = f"{literals[0]}," if len(literals) == 1 else ", ".join(literals)
        key = f'{{"expected": np.array({example.expected!r})}}'
        yield f"            Question({json.dumps(example.function)}, ({arguments}), {key}),"
    yield "        ],"


def _literal(value: Any) -> str:  # noqa: ANN401 - any literal
    return f"np.array({value!r})" if isinstance(value, list | tuple) else repr(value)


def _check(draft: _Draft) -> Iterator[str]:
    asks = f", asks={json.dumps(draft.name)}" if draft.usable else ""
    yield f"@pytest.mark.exercise({json.dumps(draft.cell.id)}, points={draft.points:.10g}{asks})"
    yield f"def test_{draft.name}({'answers' if draft.usable else ''}):"
    # JSON's escapes are Python's, too: no title ends the docstring.
    title = json.dumps(draft.cell.title, ensure_ascii=False)[1:-1]
    yield f'    """{title}."""'
    if draft.usable:
        yield f"    asked = answers({json.dumps(draft.name)})"
        yield '    gap = max(largest_gap(answer.value, answer.key["expected"]) for answer in asked)'
        yield f'    require(gap, at_most={NEAR:g}, what="largest error", hint="TODO: say what to try.")'
    if draft.left_over:
        yield "    # TODO: the notebook tests this in another way:"
        yield from textwrap.indent("\n".join(draft.left_over), "    #     ", lambda _: True).splitlines()
    elif not draft.usable:
        yield "    # TODO: nothing in the notebook's cell tests anything: say what gives these points."
    if not draft.usable:
        # An exercise that nothing decides is an ERROR, which staff see, and no 0.
        yield '    raise NotImplementedError("complete this check")'


def _is_usable(example: Example) -> bool:
    """Return whether a question can be made of an assert: arrays go in, an array of numbers comes out."""
    return (
        example.is_complete
        and all(_is_array(argument, "fiubU") for argument in example.arguments or ())
        and _is_array(example.expected, "fiub")
    )


def _is_array(value: Any, kinds: str) -> bool:  # noqa: ANN401 - any literal
    """Return whether numpy makes an array of a literal whose dtype is of one of these kinds."""
    try:
        return np.array(value).dtype.kind in kinds
    except ValueError:  # rows of unequal length
        return False


def _entry_point(
    name: str, names: Sequence[str], examples: Sequence[Example], notebook: str
) -> Iterator[str]:
    mine = [example for example in examples if example.function == name]
    if not mine:
        return
    complete = [example for example in mine if _is_usable(example)]
    yield ""
    yield "[[entry_points]]"
    yield f"name = {json.dumps(name)}"
    if notebook:
        yield f"notebook = {json.dumps(notebook, ensure_ascii=False)}"
    yield f"budget_s = {BUDGET_S}"
    if not complete:
        yield "inputs = [] # TODO: what it is asked with, and below what it returns"
        yield 'output = { dtype = "float" }'
        return
    arguments = [example.arguments or () for example in complete]
    # Asserts that call it with more or fewer arguments than the first one cannot be written down as one contract.
    columns = list(zip(*(row for row in arguments if len(row) == len(arguments[0])), strict=True))
    titles = [*names, *(f"argument_{number}" for number in range(len(names), len(columns)))]
    inputs = ", ".join(_value(column, title) for title, column in zip(titles, columns, strict=False))
    yield f"inputs = [{inputs}]"
    yield f"output = {_output(complete, titles)}"


def _value(column: Sequence[Any], title: str) -> str:
    dtype, axes = _kind(column)
    sizes = [f"{title}_{axis}" for axis in range(axes)]
    shape = f", shape = {json.dumps(sizes)}" if sizes else ""
    return f"{{ name = {json.dumps(title)}, dtype = {json.dumps(dtype)}{shape} }}"


def _output(examples: Sequence[Example], titles: Sequence[str]) -> str:
    dtype, axes = _kind([example.expected for example in examples])
    # An assert takes 6.0 for 6, and so does this contract.
    dtype = "bool" if dtype == "bool" else "float"
    if not axes:
        return f"{{ dtype = {json.dumps(dtype)} }}"
    # As long as a number that it is asked with says, where that is so in every assert.
    for index, title in enumerate(titles):
        if axes == 1 and all(_says_length(example, index) for example in examples):
            return f"{{ dtype = {json.dumps(dtype)}, shape = [{json.dumps(title)}] }}"
    sizes = [f"size_{axis}" for axis in range(axes)]
    free = ", ".join(f"{size} = [0, {LONGEST}]" for size in sizes)
    return f"{{ dtype = {json.dumps(dtype)}, shape = {json.dumps(sizes)}, free = {{ {free} }} }}"


def _says_length(example: Example, index: int) -> bool:
    arguments = example.arguments or ()
    return (
        index < len(arguments)
        and isinstance(arguments[index], int)
        and not isinstance(arguments[index], bool)
        and np.shape(example.expected) == (arguments[index],)
    )


def _kind(values: Sequence[Any]) -> tuple[str, int]:
    """Return the dtype that all values fit in, and how many axes they have."""
    arrays = [np.array(value) for value in values]
    kinds = {array.dtype.kind for array in arrays}
    dtype = "str" if "U" in kinds else "float" if "f" in kinds else "bool" if kinds == {"b"} else "int"
    return dtype, max(array.ndim for array in arrays)
