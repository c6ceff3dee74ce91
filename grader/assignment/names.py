"""Names of assignments and notebooks: plain names of folders and files, as nbgrader takes them."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator

MAX_NAME_CHARS = 100  # of an assignment or a notebook: endings and temporary names must fit beside it
# "+": nbgrader refuses it in names of assignments. The others are refused by some disk, or have a meaning to shells and URLs.
NOT_IN_NAMES = frozenset('/\\:*?"<>|+')


def plain_name(text: str) -> str:
    """Return the name of an assignment or a notebook, which folders, files and pages are called by.

    Blanks, capitals, hyphens and letters of any language are welcome, as nbgrader takes them: `Problem Set 1`.

    Raises:
        ValueError: it is no plain name of a folder; says why.
    """
    reason = why_not_plain(text)
    if reason:
        raise ValueError(
            f"expected a plain folder name of up to {MAX_NAME_CHARS} characters, not one with {reason}"
        )
    return text


def why_not_plain(text: str) -> str:
    """Say what keeps a text from being a name of a folder; "" where nothing does."""
    if not text or len(text) > MAX_NAME_CHARS:
        return f"{len(text)} characters"
    if text[0] in ".-":  # hidden, or an option of a command
        return f"a leading {text[0]!r}"
    if text != text.strip() or text.endswith("."):
        return "a blank or a dot at an end"
    # Control characters, those that turn the direction of writing, and halves of characters (lone surrogates).
    odd = [char for char in text if char in NOT_IN_NAMES or unicodedata.category(char).startswith("C")]
    odd += [char for char in text if unicodedata.category(char) in {"Zl", "Zp"}]
    return f"the character {odd[0]!a}" if odd else ""


PlainName = Annotated[str, AfterValidator(plain_name)]
