"""Files that people write: a mistake in one is named together with what would have been right."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from grader.schema import Strict


class Bowl(Strict):
    """A model as those of assignments and data cards are."""

    litres: float = 1.0
    label: str = ""


def test_an_unknown_key_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValidationError, match="unknown key 'litters'; known are litres, label"):
        Bowl.model_validate({"litters": 2})


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf"), "nan"])
def test_what_is_no_finite_number_is_refused(number: object) -> None:
    with pytest.raises(ValidationError, match="finite number"):
        Bowl.model_validate({"litres": number})


def test_what_was_read_cannot_be_changed() -> None:
    bowl = Bowl(litres=2)

    with pytest.raises(ValidationError, match="frozen"):
        bowl.litres = 3  # type: ignore[misc]

    assert bowl.litres == 2


@pytest.mark.parametrize("value", [None, [], "litres", 3])
def test_what_is_no_table_is_refused_without_an_error_of_ours(value: object) -> None:
    with pytest.raises(ValidationError):
        Bowl.model_validate(value)
