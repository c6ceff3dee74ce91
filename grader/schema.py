"""Models of files that people write: an unknown key is a mistake, and the known ones are named."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, model_validator


class Strict(BaseModel):
    """Frozen, without unknown keys and without NaN or infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    # Before pydantic's own refusal, which does not name the known keys.
    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, values: object) -> object:
        unknown = sorted(set(values) - set(cls.model_fields)) if isinstance(values, dict) else []
        if unknown:
            raise ValueError(f"unknown key {unknown[0]!r}; known are {', '.join(cls.model_fields)}")
        return values
