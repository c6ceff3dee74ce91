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
    pattern = part_of(card, label_space)
    groups_by_class: dict[str, set[str]] = {name: set() for name in classes(card, label_space)}
    # In lower case, like the names below; a name that is in no group counts for "".
    of_name = {name.lower(): group for group, names in card.labels.groups.items() for name in names}
    for name in _lower(card.labels.names):
        groups_by_class[_class(name, pattern)].add(of_name.get(name, ""))
    # A class that unites names of two groups is in none.
    return tuple(
        next(iter(group_names)) if len(group_names) == 1 else "" for group_names in groups_by_class.values()
    )


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
    """Return an example of a photo's name, for messages."""
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


# Keyed by names and pattern: a card has dictionaries, so it cannot be hashed.
@functools.cache
def _positions(names: tuple[str, ...], pattern: str) -> dict[str, int]:
    """Map each lower-case name to its label."""
    class_names = sorted({_class(name, pattern) for name in _lower(names)})
    return {name: class_names.index(_class(name, pattern)) for name in _lower(names)}


def _class(name: str, pattern: str) -> str:
    match = re.match(pattern, name)
    # A name that the pattern does not match, or matches with nothing, is a class of its own.
    return match[0] if match and match[0] else name


def _name(card: DataCard, file_name: str) -> str | None:
    """Return the name of a kind that a file name holds, in lower case, or None when the card has no such name."""
    match = re.fullmatch(card.labels.rule, file_name, re.IGNORECASE)
    name = match[1] if match else ""
    # Names of folders and in tables count letter by letter; only file names may differ in case.
    if card.labels.layout != "names" and name not in card.labels.names:
        return None
    return name.lower() if name.lower() in _lower(card.labels.names) else None
