"""Whatever a kernel claims to show, what is kept of it fits into a notebook."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import output_from_msg

from grader.execution.messages import DEPTH, NOT_KEPT, STORED, content_of

NAMES = st.sampled_from(
    [
        "name",
        "text",
        "data",
        "metadata",
        "ename",
        "evalue",
        "traceback",
        "execution_count",
        "transient",
        "display_id",
        "text/plain",
        "application/json",
        "application/jsonish",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(), inner, max_size=4),
    max_leaves=12,
)
SHAPED = st.fixed_dictionaries(
    {},
    optional={
        "name": st.just("stdout") | JSON,
        "text": st.text(st.characters()) | JSON,
        "data": st.dictionaries(NAMES, JSON, max_size=2) | JSON,
        "metadata": st.dictionaries(NAMES, JSON, max_size=2) | JSON,
        "ename": st.text() | JSON,
        "evalue": st.text() | JSON,
        "traceback": st.lists(st.text(), max_size=2) | JSON,
        "execution_count": st.integers() | JSON,
        "transient": JSON,
    },
)


@given(st.sampled_from(sorted(STORED)), SHAPED | JSON)
def test_what_is_kept_is_a_valid_output_that_any_reader_reads(kind: str, claimed: Any) -> None:
    content = content_of(kind, claimed)

    if content is not None:
        shown = "display_data" if kind == "update_display_data" else kind
        output = output_from_msg({"header": {"msg_type": shown}, "content": content})
        nbformat.validate(output, ref="output", version=4)
        json.dumps(output, allow_nan=False, ensure_ascii=False).encode()


def nested(levels: int) -> Any:
    return [nested(levels - 1)] if levels else 1


@pytest.mark.parametrize(("levels", "kept"), [(DEPTH - 2, True), (DEPTH, False)])
def test_an_output_may_be_nested_moderately(levels: int, kept: bool) -> None:
    content = {"data": {"application/json": nested(levels)}, "metadata": {}}

    assert (content_of("display_data", content) is not None) == kept


def test_nothing_is_made_of_a_kind_that_is_not_known() -> None:
    assert content_of("comm_open", {"data": {}, "metadata": {}}) is None


def test_only_known_parts_are_kept() -> None:
    claimed = {"name": "stdout", "text": "x", "execution_count": 5, "more": "y"}

    assert content_of("stream", claimed) == {"name": "stdout", "text": "x"}


def test_values_of_json_are_named_and_not_kept() -> None:
    data = {
        "application/json": [{}] * 1000,
        "text/plain": "x",
        "application/vnd.plotly.v1+json": {"data": [1]},
    }
    content = {"data": data, "metadata": {"a": [{}] * 1000}}

    found = content_of("display_data", content)

    assert found is not None
    assert found["data"] == {**dict.fromkeys(data, NOT_KEPT), "text/plain": "x"}
    assert found["metadata"] == {}
