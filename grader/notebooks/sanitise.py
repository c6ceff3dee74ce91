"""Rebuild an executed notebook so that any viewer may show it.

The new notebook is made of known parts only: what is not recognised is left out, with a notice in its place.
nbgrader's formgrader and other viewers render Markdown with raw HTML, and HTML outputs as they come.
"""

from __future__ import annotations

import base64
import functools
import math
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from grader.notebooks.sanitise_text import (
    BREAK,
    clean_html,
    inert_markdown,
    inert_words,
    picture,
    plain_text,
    without_tags,
)

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from grader.notebooks.patience import Patience

__all__ = ["clean_html", "sanitise_notebook"]

IMAGES_BYTES = 12_000_000  # all pictures of one notebook, decoded
CELL_TEXT_CHARS = 100_000  # all text that one cell displays
SOURCE_CHARS = 500_000  # one cell's source
TAGS = 8_000  # of one HTML output: a parser's work grows with the square of the nesting
OUTPUTS = 300  # of one cell
NOTICE_CHARS = 500  # kept free for our own words when a cell's text is cut


class _Room:
    """How many bytes of pictures a notebook may still show."""

    def __init__(self) -> None:
        self.left_bytes = IMAGES_BYTES

    def take(self, mime: str, text: object) -> str | None:
        """Return the picture as clean base64, or None when it is not a real one or there is no room."""
        content = picture(mime.removeprefix("image/"), plain_text(text))
        if content is None or len(content) > self.left_bytes:
            return None
        self.left_bytes -= len(content)
        return base64.b64encode(content).decode("ascii")


def sanitise_notebook(nb: Mapping[str, Any], patience: Patience | None = None) -> NotebookNode:
    """Return a new notebook that is safe in any viewer; every cell keeps its position.

    Args:
        nb: a notebook (nbformat 4) that a student may have shaped: anything in it may be odd or missing.
        patience: time for the cells; of one that takes longer only the code is kept. None: as long as it takes.

    Returns:
        A valid notebook 4.5. Code is verbatim; Markdown, outputs, attachments and metadata hold only what is
        known to be harmless. nbgrader's own metadata stays. Applying it again changes nothing.
    """
    import nbformat

    cells = nb.get("cells")
    room, ids = _Room(), set[str]()
    rebuilt = []
    for at, cell in enumerate(cells if isinstance(cells, list) else []):
        given = _mapping(cell)
        common = {"id": _identity(given.get("id"), at, ids), "metadata": _metadata(given.get("metadata"))}
        # Interrupted or not: what `_cell` took of the room for pictures stays taken.
        make = functools.partial(_cell, given, common, room)
        rebuilt.append(
            make() if patience is None else patience.grant(make, functools.partial(_slow, given, common))
        )
    metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"},
        "language_info": {"name": "python", "file_extension": ".py", "pygments_lexer": "ipython3"},
    }
    return nbformat.from_dict({"cells": rebuilt, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


def _slow(cell: Mapping[str, Any], common: dict[str, Any]) -> dict[str, Any]:
    """Rebuild a cell that takes too long to be made safe: its code as text, or a notice."""
    if cell.get("cell_type") != "code":
        return {**common, "cell_type": "markdown", "source": "[this cell takes too long to be shown]"}
    source, outputs = (
        plain_text(cell.get("source"))[:SOURCE_CHARS],
        [_notice("the outputs of this cell take too long to be shown")],
    )
    return {**common, "cell_type": "code", "source": source, "outputs": outputs, "execution_count": None}


def _cell(cell: Mapping[str, Any], common: dict[str, Any], room: _Room) -> dict[str, Any]:
    kind = cell.get("cell_type")
    source = plain_text(cell.get("source"))
    # Breaks do not count: an earlier run put them in, and this one must not cut for them.
    if len(source) - source.count(BREAK) > SOURCE_CHARS:
        source = source[: SOURCE_CHARS - NOTICE_CHARS] + "\n# [the rest of this cell is too long to be shown]"
    if kind == "code":
        outputs = _outputs(cell.get("outputs"), room)
        count = _count(cell.get("execution_count"))
        return {**common, "cell_type": "code", "source": source, "outputs": outputs, "execution_count": count}
    if kind == "markdown":
        files = _attachments(cell.get("attachments"), room)
        extra = {"attachments": files} if files else {}
        return {**common, "cell_type": "markdown", "source": inert_markdown(source, files), **extra}
    # `text/plain` keeps exporters to HTML, LaTeX and Markdown from passing a raw cell through.
    common["metadata"]["raw_mimetype"] = "text/plain"
    return {**common, "cell_type": "raw", "source": inert_words(without_tags(source))}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(value: object) -> int | None:
    # JSON's true is an int to Python, and no count.
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9 else None


def _identity(value: object, at: int, taken: set[str]) -> str:
    # What nbformat 4.5 demands of an id, besides that no two cells share one.
    valid = isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value, re.ASCII)
    identity = str(value) if valid and value not in taken else f"cell-{at}"
    while identity in taken:
        identity += "-again"
    taken.add(identity)
    return identity


_NBGRADER = {"cell_type", "checksum", "grade", "grade_id", "locked", "points", "remove", "solution", "task"}
_NBGRADER |= {"schema_version"}


def _metadata(value: object) -> dict[str, Any]:
    """Keep nbgrader's fields, tags, the name and the edit marks; what would fold or hide a cell goes."""
    given, metadata = _mapping(value), dict[str, Any]()
    nbgrader = {key: item for key, item in _mapping(given.get("nbgrader")).items() if key in _NBGRADER}
    if nbgrader and all(_plain(item) for item in nbgrader.values()):
        metadata["nbgrader"] = nbgrader
    tags = given.get("tags")
    words = [tag for tag in tags if _word(tag)] if isinstance(tags, list) else []
    if words:
        metadata["tags"] = list(dict.fromkeys(words))[:20]
    if _word(given.get("name")):
        metadata["name"] = given["name"]
    return metadata | {
        key: given[key] for key in ("deletable", "editable") if isinstance(given.get(key), bool)
    }


def _word(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[\w.:-]{1,64}", value, re.ASCII) is not None


def _plain(value: object) -> bool:
    """Tell whether nbgrader's pages, which write some of this into HTML unescaped, can take it."""
    return _word(value) or value is None or (isinstance(value, int | float) and math.isfinite(value))


def _attachments(value: object, room: _Room) -> dict[str, dict[str, str]]:
    attachments = {}
    for name, bundle in _mapping(value).items():
        checked = {
            mime: room.take(mime, text) for mime, text in _mapping(bundle).items() if mime in _PICTURES
        }
        pictures = {mime: text for mime, text in checked.items() if text is not None}
        if pictures and isinstance(name, str) and re.fullmatch(r"[\w.\-]{1,200}", name, re.ASCII):
            attachments[name] = pictures
    return attachments


_PICTURES = ("image/png", "image/jpeg")


def _outputs(value: object, room: _Room) -> list[dict[str, Any]]:
    given = [_mapping(output) for output in value] if isinstance(value, list) else []
    sanitised = [_output(output, room) for output in given[:OUTPUTS]]
    if len(given) > OUTPUTS:
        # The notice takes the place of the last output, hence one more.
        sanitised[-1] = _notice(f"{len(given) - OUTPUTS + 1} more outputs are left out here")
    return _cut(sanitised)


def _output(output: Mapping[str, Any], room: _Room) -> dict[str, Any]:
    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return {"output_type": "stream", "name": name, "text": plain_text(output.get("text"))}
    if kind == "error":
        lines = output.get("traceback")
        traceback = [plain_text(line) for line in lines] if isinstance(lines, list) else []
        name, words = plain_text(output.get("ename"))[:200], plain_text(output.get("evalue"))[:10_000]
        return {"output_type": "error", "ename": name, "evalue": words, "traceback": traceback}
    if kind in ("execute_result", "display_data"):
        display = {"output_type": kind, "data": _bundle(_mapping(output.get("data")), room), "metadata": {}}
        count = {"execution_count": _count(output.get("execution_count"))}
        return display | count if kind == "execute_result" else display
    return _notice("an output of an unknown kind is left out here")


def _bundle(bundle: Mapping[str, Any], room: _Room) -> dict[str, str]:
    """Keep the mimetypes that are text or pictures; name the others in the plain text."""
    sanitised, dropped = {}, []
    for mime, value in bundle.items():
        if mime in _PICTURES:
            clean = room.take(mime, value)
        else:
            clean = _TEXTS[mime](plain_text(value)) if mime in _TEXTS else None
        if clean is None:
            # The name of a mimetype is a student's text as well.
            dropped.append(re.sub(r"[^\w./+-]", "", plain_text(mime), flags=re.ASCII)[:60])
        else:
            sanitised[mime] = clean
    if dropped:
        more = f" and {len(dropped) - 4} more" if len(dropped) > 4 else ""
        words = f"[not shown here: {', '.join(dropped[:4])}{more}]"
        sanitised["text/plain"] = "\n".join(filter(None, (sanitised.get("text/plain"), words)))
    return sanitised


def _bounded(clean: Callable[[str], str | None]) -> Callable[[str], str | None]:
    """Refuse what is too long to show before the work of cleaning it."""

    def cleaned(text: str) -> str | None:
        # Measured before and after: cleaning makes text longer, by entities and breaks.
        harmless = clean(text) if len(text) <= CELL_TEXT_CHARS else None
        return harmless if harmless is not None and len(harmless) <= CELL_TEXT_CHARS else None

    return cleaned


def _inert_html(html: str) -> str | None:
    return inert_words(clean_html(html)) if html.count("<") <= TAGS else None


_TEXTS: dict[str, Callable[[str], str | None]] = {
    "text/plain": lambda text: text,
    "text/html": _bounded(_inert_html),
    "text/markdown": _bounded(inert_markdown),
    "text/latex": _bounded(inert_markdown),
}


def _cut(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Bound the text of one cell: the output that overflows is cut, text after it is left out."""
    if sum(map(_chars, outputs)) <= CELL_TEXT_CHARS:
        return outputs
    left, bounded = CELL_TEXT_CHARS - NOTICE_CHARS, list[dict[str, Any]]()
    for output in outputs:
        size = _chars(output)
        if size <= left:
            bounded.append(output)
            left -= size
        elif left >= 0:
            bounded.append({"output_type": "stream", "name": "stdout", "text": _head(output, left)})
            bounded.append(
                _notice(f"the text of this cell is cut here: more than {CELL_TEXT_CHARS} characters")
            )
            left = -1
        # Pictures stay where text is cut: they have a bound of their own, `_Room`.
        if left < 0 and any(mime in _PICTURES for mime in output.get("data", {})):
            pictures = {mime: text for mime, text in output["data"].items() if mime in _PICTURES}
            bounded.append({"output_type": "display_data", "data": pictures, "metadata": {}})
    return bounded


def _head(output: Mapping[str, Any], chars: int) -> str:
    plain = output.get("data", {}).get("text/plain", "")
    return "\n".join(filter(None, (output.get("text", ""), plain, *output.get("traceback", []))))[:chars]


def _chars(output: Mapping[str, Any]) -> int:
    texts = [text for mime, text in output.get("data", {}).items() if mime not in _PICTURES]
    parts = (output.get("text", ""), output.get("evalue", ""), *output.get("traceback", []), *texts)
    return sum(len(text) for text in parts)


def _notice(words: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stderr", "text": f"[{words}]\n"}
