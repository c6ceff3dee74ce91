"""Templates of pages, as all of them are read: with escapes, and with an error in place of a field that is missing."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from grader.feedback.wording import coded, duration, number, tagged
from grader.messages import Message

if TYPE_CHECKING:
    from jinja2 import Environment, Template

SHARED = Path(__file__).parent / "templates"  # the feedback's own, and what other pages share with it


def template(name: str, folder: Path = SHARED) -> Template:
    """Return a template.

    Args:
        name: its file.
        folder: where it lies; what is not there is looked for among the feedback's templates.
    """
    return _environment(folder).get_template(name)


# Templates are compiled once a process, not once a page.
@functools.cache
def _environment(folder: Path) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    # StrictUndefined: a misspelt field is an error, not an empty place on the page.
    environment = Environment(
        loader=FileSystemLoader([folder, SHARED]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "duration": duration, "tagged": tagged, "coded": coded}
    # Sentences in templates are found by Babel under the same keyword as those in code (ADR 17).
    environment.globals["Message"] = Message
    return environment
