"""How numbers and words are written on a page: filters of its templates."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from grader.messages import Message

if TYPE_CHECKING:
    from markupsafe import Markup

BACKTICKS = re.compile(r"`([^`\n]+)`")


def tagged(message: Message, **tags: str) -> Markup:
    """Write a message with some of its parameters in elements of HTML: `tagged(message, student="bdi")`."""
    from markupsafe import Markup, escape

    # Each parameter is escaped before a tag is put around it, so that only the tag itself is HTML.
    values = {name: escape(str(value)) for name, value in message.parameters.items()}
    values |= {name: Markup(f"<{tag}>{values[name]}</{tag}>") for name, tag in tags.items()}  # noqa: S704 - escaped
    return Markup(escape(message.template)).format(**values)  # noqa: S704 - escaped


def coded(words: object) -> Markup:
    """Write a text with what stands in backticks as code; everything else in it stays text."""
    from markupsafe import Markup, escape

    # Escaped first: the only HTML in the result is the tag that is put in here.
    return Markup(BACKTICKS.sub(r"<code>\1</code>", str(escape(str(words)))))  # noqa: S704 - escaped


def number(value: float) -> str:
    """Write points with two decimals at most: 60, 67.5, 0.33."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def duration(seconds: float) -> str:
    """Write seconds for people: 0.04 s, 7.2 s, 48 s, 3 min 20 s."""
    if seconds >= 120:
        return f"{int(seconds) // 60} min {int(seconds) % 60} s"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
