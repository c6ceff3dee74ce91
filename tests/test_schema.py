"""Files that people write: a mistake in one is named together with what would have been right."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from grader.schema import Strict, mistakes, refuse


class Bowl(Strict):
    """A model as those of assignments and data cards are."""

    litres: float = 1.0
    label: str = ""


class Shelf(Strict):
    """A model with another one in it."""

    bowl: Bowl
    height: float


def test_an_unknown_key_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValidationError, match="unknown key 'litters'; known are litres, label"):
        Bowl.model_validate({"litters": 2})


def test_all_mistakes_of_a_table_are_told_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        Shelf.model_validate({"bowl": {"litters": 2, "labl": "x", "litres": "many"}, "colour": 1})

    assert mistakes(caught.value) == [
        "the file: unknown key 'colour'; known are bowl, height, found 1",
        "bowl: unknown key 'labl'; known are litres, label, found 'x'",
        "bowl: unknown key 'litters'; known are litres, label, found 2",
        "bowl.litres: Input should be a valid number, unable to parse string as a number, found 'many'",
        "height: Field required",
    ]


def test_what_does_not_fit_together_is_told_in_one_go() -> None:
    with pytest.raises(ValidationError) as caught:
        refuse(Bowl, ["too {small}", "too blue"])

    assert mistakes(caught.value) == ["the file: too {small}", "the file: too blue"]
    refuse(Bowl, [])


def test_what_was_found_is_cut() -> None:
    with pytest.raises(ValidationError) as caught:
        Bowl.model_validate({"litres": "x" * 500})

    (told,) = mistakes(caught.value)
    assert told.endswith("xxx...")
    assert len(told) < 200


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
