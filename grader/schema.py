"""Models of files that people write: an unknown key is a mistake, the known ones are named, and all mistakes are told at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

LONGEST_INPUT = 80  # characters of what was found


class Strict(BaseModel):
    """Frozen, without unknown keys and without NaN or infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    # Around pydantic's own refusal, which does not name the known keys.
    @model_validator(mode="wrap")
    @classmethod
    def _known_keys(cls, values: Any, handler: ModelWrapValidatorHandler[Strict]) -> Strict:  # noqa: ANN401
        unknown = sorted(set(values) - set(cls.model_fields)) if isinstance(values, dict) else []
        if not unknown:
            return handler(values)
        errors = [
            InitErrorDetails(
                type=PydanticCustomError(
                    "unknown_key", "unknown key {key}; known are {known}",
                    {"key": repr(key), "known": ", ".join(cls.model_fields)},
                ),
                input=values[key],
            )
            for key in unknown
        ]  # fmt: skip
        try:
            handler({key: value for key, value in values.items() if key not in unknown})
        except ValidationError as exc:  # what is wrong beside the unknown keys
            errors += _again(exc)
        raise ValidationError.from_exception_data(cls.__name__, errors)


def refuse(model: type, problems: list[str]) -> None:
    """Raise a ValidationError with all problems of a whole model, if there are any."""
    if problems:
        errors = [
            InitErrorDetails(type=PydanticCustomError("inconsistent", "{text}", {"text": text}), input=None)
            for text in problems
        ]
        raise ValidationError.from_exception_data(model.__name__, errors)


def mistakes(exc: ValidationError) -> list[str]:
    """Say each mistake of a file: its key, what is allowed, what was found."""
    return [_told(error) for error in exc.errors()]


def told(where: str, problems: Sequence[str]) -> str:
    """Say what is wrong with a file: in a line where it is one thing, else each in a line of its own."""
    if len(problems) == 1:
        return f"{where}: {problems[0]}."
    return "\n".join([f"{where}: {len(problems)} mistakes:", *(f"  - {problem}" for problem in problems)])


def _told(error: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    where = ".".join(str(step) for step in error["loc"]) or "the file"
    # pydantic's prefix stands before the words of our own validators.
    text = f"{where}: {error['msg'].removeprefix('Value error, ')}"
    if error["type"] in ("inconsistent", "missing"):  # about the whole table, which would be what was found
        return text
    found = repr(error["input"])
    return f"{text}, found {found if len(found) <= LONGEST_INPUT else found[: LONGEST_INPUT - 3] + '...'}"


def _again(exc: ValidationError) -> Iterator[InitErrorDetails]:
    for error in exc.errors():
        details = InitErrorDetails(
            type=PydanticCustomError(error["type"], "{text}", {"text": error["msg"]}),
            loc=error["loc"],
            input=error["input"],
        )
        yield details
