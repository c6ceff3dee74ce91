"""papermill's own way to run a notebook: slow cells, kernels that do not start, and good-byes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.support.papermill_runs import execute


def test_a_cell_may_take_its_time_and_no_longer(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError, match="timed out"):
        execute(tmp_path, "import time; time.sleep(30)", execution_timeout=1)


def broken_kernel(folder: Path, code: str) -> None:
    spec = folder / "kernels" / "broken"
    spec.mkdir(parents=True)
    argv = [sys.executable, "-c", code, "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "b", "language": "python"}))


BROKEN = {
    "raise SystemExit(1)": "'broken' did not start: its process ended while it was starting",
    "import time; time.sleep(60)": "'broken' did not start: it did not answer in time",
}


@pytest.mark.parametrize("code", BROKEN)
def test_a_kernel_that_does_not_start_is_told_from_one_that_is_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    broken_kernel(tmp_path, code)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))

    with pytest.raises(RuntimeError, match=BROKEN[code]):
        execute(tmp_path, kernel_name="broken", start_timeout=2)


def test_a_kernel_that_asked_for_it_may_say_good_bye(tmp_path: Path) -> None:
    code = f"import atexit, pathlib; atexit.register(pathlib.Path({str(tmp_path / 'bye')!r}).touch)"

    execute(tmp_path, code, shutdown_kernel="graceful")

    assert (tmp_path / "bye").exists()
