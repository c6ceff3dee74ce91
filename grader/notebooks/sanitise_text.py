"""Make words and pictures that a student wrote harmless, whatever shows them.

`clean_html` keeps an allow-list of tags. `inert_markdown` works without parsing: two Markdown parsers never
agree on where code starts, so an invisible U+200B breaks every dangerous spelling wherever it stands. `picture`
lets through what has a real header and a sane size. Applying any of them again changes nothing.
"""

from __future__ import annotations

import base64
import binascii
import functools
import html as html_lib
import json
import re
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Container

BREAK = "\u200b"  # zero-width space: invisible, no part of a tag, a URL scheme or a TeX command
SIGN = "\ufffd"  # in place of what must not be shown
IMAGE_BYTES = 2_000_000  # one picture, decoded
IMAGE_PIXELS = 40_000_000  # a small file may unpack into gigabytes

_TAGS = {"a", "abbr", "b", "blockquote", "br", "code", "dd", "del", "details", "div", "dl", "dt", "em", "hr"}
_TAGS |= {
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "samp",
    "small",
    "span",
    "strong",
    "sub",
}
_TAGS |= {"summary", "sup", "u", "ul", "var", "h1", "h2", "h3", "h4", "h5", "h6"}
_TAGS |= {"caption", "col", "colgroup", "table", "tbody", "td", "tfoot", "th", "thead", "tr"}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height"},
    "ol": {"start"},
    "table": {"border"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}
_NUMBERS = {"width", "height", "colspan", "rowspan", "start", "border"}
_PICTURE_URL = re.compile(r"data:image/(png|jpeg|gif);base64,([A-Za-z0-9+/=\s]+)", re.ASCII)
_LINK_URL = re.compile(r"(?:https?://|mailto:)[^\x00-\x20\x7f]+", re.IGNORECASE | re.ASCII)


def clean_html(html: str) -> str:
    """Return `html` with nothing in it that runs, loads, submits, covers the page or poses as ours.

    Kept: text markup, tables, lists, `http`/`https`/`mailto` links (with `rel="noopener"`), pictures given as
    verified PNG, JPEG or GIF data. Dropped: style, ids, forms, frames, all classes but those of colours.
    """
    html = plain_text(html)
    for _ in range(4):  # the parser repairs odd nesting, and the repaired text may be repaired once more
        cleaned = _clean_once(html)
        if cleaned == html:
            return html
        html = cleaned
    # It never came to rest: then it is shown as it was typed.
    return html_lib.escape(html)


def _clean_once(html: str) -> str:
    import nh3

    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_attribute,
        # `data` is for pictures alone: `_attribute` refuses it in links.
        url_schemes={"http", "https", "mailto", "data"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
        allowed_classes=_classes(),
    )


def _attribute(_tag: str, name: str, value: str) -> str | None:
    if name == "src":
        match = _PICTURE_URL.fullmatch(value)
        return value if match and picture(match[1], match[2]) else None
    if name == "href":
        return value if _LINK_URL.fullmatch(value) else None
    if name in _NUMBERS:
        return value if re.fullmatch(r"[0-9]{1,4}", value, re.ASCII) else None
    return value


@functools.cache
def _classes() -> dict[str, set[str]]:
    """Return the classes that only colour: those of pandas tables, Pygments and terminal colours."""
    from pygments.token import STANDARD_TYPES

    colours = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white", "default-inverse")
    names = [f"ansi-{colour}{strong}" for colour in colours for strong in ("", "-intense")]
    ansi = {f"{name}-{side}" for name in names for side in ("fg", "bg")} | {"ansi-bold", "ansi-underline"}
    return {"table": {"dataframe"}, "div": {"highlight"}, "span": {*STANDARD_TYPES.values(), *ansi} - {""}}


def plain_text(value: object) -> str:
    """Return any JSON value as text that UTF-8 can hold, without NUL; lists of text are joined."""
    if isinstance(value, list | tuple) and all(isinstance(line, str) for line in value):
        value = "".join(value)
    if not isinstance(value, str):
        value = "" if value is None else json.dumps(value, default=str, skipkeys=True)
    # Half a character (a lone surrogate) becomes a question mark.
    return value.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def picture(kind: str, text: str) -> bytes | None:
    """Decode base64 `text` if it is a real picture of sane size.

    Args:
        kind: `png`, `jpeg` or `gif`: what its header has to say.
        text: base64; whitespace is ignored.

    Returns:
        The file's bytes, or None.
    """
    try:
        content = base64.b64decode("".join(text.split()), validate=True)
        # Only the header is read: nothing is unpacked in order to see how large it is.
        width, height = _SIZES[kind](content)
    except (binascii.Error, ValueError, IndexError, struct.error):
        return None
    sane = 0 < width * height <= IMAGE_PIXELS and len(content) <= IMAGE_BYTES
    return content if sane else None


def _png_size(content: bytes) -> tuple[int, int]:
    if content[:8] != b"\x89PNG\r\n\x1a\n" or content[12:16] != b"IHDR":
        raise ValueError
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def _gif_size(content: bytes) -> tuple[int, int]:
    if content[:6] not in (b"GIF87a", b"GIF89a"):
        raise ValueError
    width, height = struct.unpack("<HH", content[6:10])
    return width, height


def _jpeg_size(content: bytes) -> tuple[int, int]:
    """Walk the segments to the first frame header (ITU T.81, B.1.1)."""
    if content[:3] != b"\xff\xd8\xff":
        raise ValueError
    at = 2
    while True:
        if content[at] != 0xFF:
            raise ValueError
        marker = content[at + 1]
        # These three are no frames: Huffman tables, an extension, conditions for arithmetic coding.
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        # The length counts its own two bytes: less than that is a lie.
        at += 2 + max(2, int.from_bytes(content[at + 2 : at + 4], "big"))


_SIZES: dict[str, Callable[[bytes], tuple[int, int]]] = {
    "png": _png_size,
    "jpeg": _jpeg_size,
    "gif": _gif_size,
}

# Readers decode entities, some of them twice; browsers skip tabs and newlines inside a URL's scheme.
# The `&` of an entity may be an entity itself, and so on.
_AMP = r"&(?:amp;?|#0*38;?|#x0*26;?)*"
_COLON = rf"(?:{_AMP}(?:colon;|#0*58;?|#x0*3a;?)|:)"
_JUNK = rf"(?:[\x00-\x20\x7f\\]|{_AMP}(?:tab;|newline;|#0*(?:9|1[0-3]|32);?|#x0*(?:9|[a-d]|20);?))*"


def _letter(letter: str) -> str:
    low, high = ord(letter.lower()), ord(letter.upper())
    return rf"(?:{letter}|{_AMP}#0*(?:{low}|{high});?|{_AMP}#x0*(?:{low:x}|{high:x});?)"


def _spelled(word: str, between: str = "") -> str:
    return between.join(_letter(letter) for letter in word)


_SCHEME = re.compile(
    rf"((?:{_spelled('javascript', _JUNK)}|{_spelled('vbscript', _JUNK)}){_JUNK})(?={_COLON})", re.IGNORECASE
)
_DATA_SCHEME = re.compile(rf"({_spelled('data', _JUNK)}{_JUNK})(?={_COLON}\S)", re.IGNORECASE)
_ATTACHMENT = re.compile(rf"({_spelled('attachment', _JUNK)}{_JUNK})(?={_COLON})", re.IGNORECASE)
_ATTACHMENT_NAME = re.compile(r":([\w.\-]+)(?=[)\s])", re.ASCII)
# JupyterLab draws fenced blocks of this language as diagrams.
_MERMAID = re.compile(rf"((?<![`~])[`~]{{3,}}[ \t{{]*)(?={_spelled('mermaid')})", re.IGNORECASE)
# MathJax commands that make links, set attributes or load extensions.
_TEX_COMMANDS = ("href", "require", "mmlToken", "cssId", "class", "style", "bbox", "data", "includegraphics")
_TEX = re.compile(
    rf"((?:\\|{_AMP}(?:bsol;|#0*92;?|#x0*5c;?)))(?=(?:{'|'.join(map(_spelled, _TEX_COMMANDS))})(?![a-z]))",
    re.IGNORECASE,
)
_TAG_START = re.compile(r"<(?=[A-Za-z/!?])")
_AUTOLINK = re.compile(r"<(https?://[\w.~:/?#@!$&*+,;=%\-]+)>(?![\w/])", re.ASCII)
_CONTROL = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]")
_CONTROLS = [*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0)]
# After the control characters: marks that turn the direction of writing, and separators of lines and paragraphs.
_TURNING = dict.fromkeys([*_CONTROLS, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x2028, 0x2029], SIGN)
_IMAGE = re.compile(r"!(?=\[)")
_IMAGE_KEPT = re.compile(
    r"\[[^\[\]\n!]*\]\((?:attachment:[\w.\-]+|data:image/(?:png|jpeg|gif);base64,[A-Za-z0-9+/=]+)"
    r"(?: \"[^\"\n]*\")?\)",
    re.ASCII,
)


def inert_markdown(text: str, attachments: Container[str] = ()) -> str:
    """Return Markdown that reads the same without HTML, script links, remote pictures and loading TeX.

    Tags show as text in every viewer, nbgrader's formgrader included, which passes raw HTML through.

    Args:
        text: Markdown, written by anyone.
        attachments: names of the cell's attachments; nbconvert fails on a reference to another one.
    """
    text = _CONTROL.sub("", plain_text(text).replace("\r\n", "\n").replace("\r", "\n"))
    # Before tags are broken: `<https://...>` looks like the start of one.
    text = _AUTOLINK.sub(r"\1", text)  # readers link bare addresses too
    text = without_tags(text)
    text = _ATTACHMENT.sub(lambda match: _attachment(match, attachments), text)
    text = inert_words(_MERMAID.sub(r"\1" + BREAK, text))
    return _IMAGE.sub(lambda match: "!" if _IMAGE_KEPT.match(text, match.end()) else "!" + BREAK, text)


def visible(text: str) -> str:
    """Return one line or several of text as they may be shown anywhere: a sign stands for what has none of its own.

    Escapes that steer a terminal, marks that turn the direction of writing, zero-width characters and halves of
    characters all become U+FFFD, so that no two names look alike by them.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character == "\n" else " " if character in "\t\xa0" else SIGN
        for character in text
    )


def shown_page(html: str) -> str:
    """Return a page without control characters and without marks that turn the direction of what follows them.

    Zero-width characters stay: scripts and emoji need them, and so does `BREAK`.
    """
    return html.translate(_TURNING)


def without_tags(text: str) -> str:
    """Put a break between `<` and what would make it the start of a tag or comment."""
    return _TAG_START.sub("<" + BREAK, text)


def inert_words(text: str) -> str:
    """Break script links and loading TeX commands in text or clean HTML: MathJax reads both."""
    text = _SCHEME.sub(r"\1" + BREAK, text)
    text = _TEX.sub(r"\1" + BREAK, text)
    return _DATA_SCHEME.sub(_data_scheme, text)


def _data_scheme(match: re.Match[str]) -> str:
    # A verified picture keeps its address; any other `data:` could be a page.
    data_url = _PICTURE_URL.match(match.string, match.start())
    harmless = data_url and picture(data_url[1], data_url[2])
    return match[1] if harmless else match[1] + BREAK


def _attachment(match: re.Match[str], names: Container[str]) -> str:
    named = _ATTACHMENT_NAME.match(match.string, match.end())
    harmless = match[1] == "attachment" and named and named[1] in names
    return match[1] if harmless else match[1] + BREAK


def printable(text: object, most: int = 300) -> str:
    """Keep what can be shown anywhere, a terminal included: no control characters, no halves of characters."""
    return (
        "".join(character if character.isprintable() else " " for character in text[:most])
        if isinstance(text, str)
        else ""
    )
