"""Rebuild a kernel's messages from the parts that a notebook may hold; all else is dropped."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

Message = dict[str, Any]
Content = dict[str, Any]

STORED = {"stream", "display_data", "execute_result", "update_display_data", "error"}
NOT_KEPT = "[values of JSON are not kept]"
DEPTH = 64  # of nested lists and objects
JSON_TYPE = r"^application/(.*\+)?json$"  # nbformat's own words
LARGEST = 10**9  # prompt number


def content_of(kind: str, claimed: object) -> Content | None:
    """Return the content of a message of this kind with its known parts only; None when they are not there.

    Args:
        kind: the message's type.
        claimed: its content, any JSON.
    """
    try:
        content = _plain(claimed, DEPTH)
    except ValueError:
        return None
    return _MAKERS[kind](content) if isinstance(content, dict) and kind in _MAKERS else None


def _stream(content: Content) -> Content | None:
    return _only(content, name=str, text=str)


def _error(content: Content) -> Content | None:
    parts = _only(content, ename=str, evalue=str, traceback=list)
    return parts if parts and _are_strings(parts["traceback"]) else None


def _result(content: Content) -> Content | None:
    parts = _display(content)
    return {**parts, "execution_count": _count(content)} if parts else None


def _display(content: Content) -> Content | None:
    parts = _only(content, data=dict, metadata=dict)
    if parts is None or not all(_is_bundled(mime, value) for mime, value in parts["data"].items()):
        return None
    # Values of JSON take a hundred times their bytes in every copy of the notebook, and no page shows them.
    parts["data"] = {
        mime: representation if _is_text(representation) else NOT_KEPT
        for mime, representation in parts["data"].items()
    }
    parts["metadata"] = {}
    transient = content.get("transient")
    display_id = transient.get("display_id") if isinstance(transient, dict) else None
    if isinstance(display_id, str):
        parts["transient"] = {"display_id": display_id}
    return parts


def _is_bundled(mime: str, value: object) -> bool:
    """Whether nbformat has room for it: text, or lines of text; anything where the type says JSON."""
    return _is_text(value) or re.search(JSON_TYPE, mime) is not None


def _is_text(value: object) -> bool:
    return isinstance(value, str) or _are_strings(value)


def _are_strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(line, str) for line in value)


def _only(content: Content, **types: type) -> Content | None:
    parts = {name: content.get(name) for name in types}
    return parts if all(isinstance(parts[name], kind) for name, kind in types.items()) else None


def _count(content: Content) -> int | None:
    count = content.get("execution_count")
    # Not isinstance: True is an int, too.
    return count if type(count) is int and 0 <= count <= LARGEST else None


def _plain(value: object, depth: int) -> object:
    """Return JSON that every reader takes: text without lone surrogates, finite numbers, moderate nesting.

    Raises:
        ValueError: it is nested too deeply.
    """
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if not isinstance(value, dict | list):
        return value
    if depth == 0:
        raise ValueError("nested too deeply")
    if isinstance(value, list):
        return [_plain(element, depth - 1) for element in value]
    return {str(_plain(name, depth)): _plain(member, depth - 1) for name, member in value.items()}


_MAKERS: dict[str, Callable[[Content], Content | None]] = {
    "stream": _stream,
    "error": _error,
    "display_data": _display,
    "update_display_data": _display,
    "execute_result": _result,
    "status": lambda content: _only(content, execution_state=str),
    "clear_output": lambda content: {"wait": content.get("wait") is True},
    "execute_input": lambda content: {"execution_count": _count(content)},
}
