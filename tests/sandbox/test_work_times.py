"""Work and waiting, read from a /proc."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.sandbox.work_times import Waits, cpu_s, machine_s


def proc(folder: Path, pid: int, stat: str, waits: dict[int, int]) -> None:
    for task, waited_ns in waits.items():
        (folder / str(pid) / "task" / str(task)).mkdir(parents=True, exist_ok=True)
        (folder / str(pid) / "task" / str(task) / "schedstat").write_text(f"5 {waited_ns} 1\n")
    (folder / str(pid) / "stat").write_text(stat)


def test_work_is_that_of_a_process_and_of_its_children_that_ended(tmp_path: Path) -> None:
    proc(tmp_path, 7, "7 (a) b) R 1 7 7 0 -1 4194304 1 2 3 4 100 20 30 50 20 0 1 0 9", {7: 0})

    assert cpu_s([7, 8], tmp_path) == pytest.approx(2.0)


def test_what_a_thread_waited_still_counts_when_it_has_ended(tmp_path: Path) -> None:
    waits = Waits(tmp_path)
    proc(tmp_path, 7, "", {7: 10**9, 8: 2 * 10**9})
    assert waits.waited_s([7]) == pytest.approx(3)

    (tmp_path / "7" / "task" / "8" / "schedstat").unlink()

    assert waits.waited_s([7]) == pytest.approx(3)
    assert waits.waited_s([7]) == pytest.approx(3)


def test_the_machine_counts_all_that_keeps_it_busy(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("cpu  100 200 300 9999 9999 10 20 70 5 5\ncpu0 1 1 1 1\n")

    assert machine_s(tmp_path) == pytest.approx(7.0)
