"""Mixtures of hostile words, and what a browser could act on: for the tests of what makes them inert."""

from __future__ import annotations

import html
import re

from hypothesis import strategies as st

from grader.notebooks.sanitise_text import BREAK
from tests.support import pages

FRAGMENTS = st.sampled_from(
    [
        *pages.HOSTILE,
        *(
            "<",
            ">",
            "`",
            "```",
            "~~~",
            "\n",
            "\t",
            "\\",
            "[",
            "](",
            ")",
            "![",
            "$",
            "&",
            "&amp;",
            "&lt;",
            "&#58;",
            ":",
        ),
        *(
            "javascript:",
            "java",
            "script",
            "vbscript",
            "data:",
            "mermaid",
            "attachment:",
            "a.png",
            "href",
            "<!--",
            "-->",
        ),
        *(
            "<script",
            "<img src=x onerror=pwn()",
            "onerror=",
            "<a href=",
            '"',
            "'",
            "<table>",
            "<td>",
            "<svg>",
            "</",
            " ",
        ),
        *(
            "&#x6a;",
            "&Tab;",
            "&colon;",
            "https://a.example/x",
            "data:image/png;base64,",
            pages.png(2, 2),
            BREAK,
            "é",
        ),
    ]
)
TEXTS = st.one_of(st.lists(FRAGMENTS, max_size=12).map("".join), st.text(max_size=60))


def dangerous(page: str) -> list[str]:
    """Return what a browser could act on: tags and attributes of rendered HTML, and script links."""
    tags = re.findall(r"<[a-zA-Z/!?][^>]*", page)
    bad = re.compile(
        r"<(script|svg|iframe|object|embed|form|input|meta|link|base|style|math|video)\b", re.IGNORECASE
    )
    event = re.compile(r"\son\w+\s*=", re.IGNORECASE)
    unquoted = [re.sub(r'"[^"]*"', '""', tag) for tag in tags]
    links = [html.unescape(url) for tag in tags for url in re.findall(r'(?:href|src)="([^"]*)"', tag)]
    script = re.compile(r"[\x00-\x20]*(javascript:|vbscript:|data:(?!image/(png|jpeg|gif);))", re.IGNORECASE)
    return [
        *(tag for tag in unquoted if bad.match(tag) or event.search(tag)),
        *(url for url in links if script.match(re.sub(r"[\t\r\n]", "", url))),
    ]
