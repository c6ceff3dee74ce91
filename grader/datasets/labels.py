"""Label spaces: which class a photo is of, read from its name as its data card says.

A name that is no photo of a known class is ignored and counted: it never becomes a class.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from grader.errors import SpecError

if TYPE_CHECKING:
    from grader.datasets.cards import DataCard


def classes(card: DataCard, label_space: str) -> tuple[str, ...]:
    """Return the sorted lower-case names of the classes; a label is a position in them."""
    return tuple(sorted({_class(name, part_of(card, label_space)) for name in _lower(card.labels.names)}))


def groups(card: DataCard, label_space: str) -> tuple[str, ...]:
    """Return for each class the name of its group; "" for a class that is in none, or in more than one."""
    part = part_of(card, label_space)
    found: dict[str, set[str]] = {name: set() for name in classes(card, label_space)}
    of_name = {name.lower(): group for group, names in card.labels.groups.items() for name in names}
    for name in _lower(card.labels.names):
        found[_class(name, part)].add(of_name.get(name, ""))
    return tuple(next(iter(one)) if len(one) == 1 else "" for one in found.values())


def label_of(card: DataCard, file_name: str, label_space: str) -> int:
    """Return the label of a photo by its official name.

    Raises:
        SpecError: the name is no photo of a known class.
    """
    name = _name(card, file_name)
    if name is None:
        raise SpecError(
            f"{file_name!r}: expected a name such as {example(card)}, of one of {len(card.labels.names)} kinds."
        )
    return _positions(card.labels.names, part_of(card, label_space))[name]


def is_known(card: DataCard, file_name: str) -> bool:
    """Say whether a name is that of a photo of a known class."""
    return _name(card, file_name) is not None


def example(card: DataCard) -> str:
    """Return a name such as photos have."""
    return f"{card.labels.names[0]}{'_' if card.labels.layout == 'names' else '/'}12.jpg"


def part_of(card: DataCard, label_space: str) -> str:
    """Return the pattern of a label space; raises SpecError when the card has none of that name."""
    if label_space not in card.label_spaces:
        allowed = ", ".join(card.label_spaces)
        raise SpecError(f"{card.id}: expected one of the label spaces {allowed}, found {label_space!r}.")
    return card.label_spaces[label_space].part


@functools.cache
def _lower(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.lower() for name in names)


@functools.cache
def _positions(names: tuple[str, ...], part: str) -> dict[str, int]:
    """Map each lower-case name to its label."""
    known = sorted({_class(name, part) for name in _lower(names)})
    return {name: known.index(_class(name, part)) for name in _lower(names)}


def _class(name: str, part: str) -> str:
    found = re.match(part, name)
    return found[0] if found and found[0] else name


def _name(card: DataCard, file_name: str) -> str | None:
    """Return what a photo says that it shows, in lower case, or None when that is nothing known."""
    found = re.fullmatch(card.labels.rule, file_name, re.IGNORECASE)
    name = found[1] if found else ""
    if card.labels.layout != "names" and name not in card.labels.names:
        return None
    return name.lower() if name.lower() in _lower(card.labels.names) else None
