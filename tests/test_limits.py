"""What a run may use: bounds that an assignment may set, and the words for each of them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from grader.limits import Limits, explain
from grader.messages import Message
from grader.records import Limit


@pytest.mark.parametrize("name", sorted(Limits.model_fields))
def test_no_limit_is_below_zero_and_only_gpus_may_be_none(name: str) -> None:
    with pytest.raises(ValidationError):
        Limits.model_validate({name: -1})
    if name != "gpus":
        with pytest.raises(ValidationError):
            Limits.model_validate({name: 0})


def test_a_sandbox_gets_what_it_enforces_and_the_engine_keeps_the_rest() -> None:
    limits = Limits(memory_mb=100, disk_mb=20, processes=7, cpus=3, wall_s=9, cell_s=8, output_kb=5)

    assert limits.of_a_kernel() == {"memory_mb": 100, "disk_mb": 20, "processes": 7, "cpus": 3}


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        (Limit.WALL, "901 s"),
        (Limit.CELL, "902 s"),
        (Limit.MEMORY, "903 MB"),
        (Limit.DISK, "904 MB"),
        (Limit.PROCESSES, "905 processes"),
        (Limit.OUTPUT, "906 KB"),
    ],
)
def test_each_limit_is_told_with_its_own_value_and_place(limit: Limit, told: str) -> None:
    limits = Limits(wall_s=901, cell_s=902, memory_mb=903, disk_mb=904, processes=905, output_kb=906)

    explanation = explain(limit, limits, Message("in code cell {number}", number=7), cell=7)

    assert told in str(explanation.short)
    assert told in str(explanation.notice)
    assert "in code cell 7" in str(explanation.notice)


@pytest.mark.parametrize("limit", Limit)
def test_every_limit_has_words_for_every_place_and_none_is_left_open(limit: Limit) -> None:
    explanation = explain(limit)
    parts = (explanation.short, explanation.notice, explanation.headline, explanation.advice)
    texts = [str(words) for words in parts]

    assert all(texts)
    assert not any("{" in text or "}" in text for text in texts)
