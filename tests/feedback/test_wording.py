"""Words of others stay words, whatever stands in backticks."""

from __future__ import annotations

import pytest

from grader.feedback.wording import coded, tagged
from grader.messages import Message


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("use `a` and `b`", "use <code>a</code> and <code>b</code>"),
        ("one ` alone", "one ` alone"),
        ("`` nothing", "`` nothing"),
        ("`<b>`&", "<code>&lt;b&gt;</code>&amp;"),
        ("`two\nlines`", "`two\nlines`"),
    ],
)
def test_backticks_become_code(text: str, html: str) -> None:
    assert coded(text) == html
    assert coded(Message("{words}", words=text)) == html


def test_a_tag_is_put_around_a_parameter_and_nothing_else() -> None:
    assert tagged(Message("for <{who}>", who="<i>"), who="bdi") == "for &lt;<bdi>&lt;i&gt;</bdi>&gt;"
