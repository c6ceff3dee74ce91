"""What all tests share: hypothesis without a clock, a database or surprises."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Shared machines stall: a slow example is no failure. Derandomised, so that a red run is red again.
settings.register_profile(
    "pawgrade",
    deadline=None,
    database=None,
    derandomize=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("pawgrade")


@pytest.fixture(scope="session")
def toy_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder with the toy pets in it, drawn once for all tests."""
    from grader import cards, pets

    folder = tmp_path_factory.mktemp("cache")
    pets.find(cards.load_card("toy_pets"), None, folder)
    return folder
