"""What a notebook is charged, from what the clocks say."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.execution.clock import GENEROUS, Reading, charged_s, is_overloaded
from grader.sandbox.work_times import Waits, cpu_s, machine_s


def test_on_a_quiet_machine_a_second_is_a_second_whatever_a_notebook_does() -> None:
    busy = Reading(10, cpu_s=20, waited_s=0.1, machine_s=20.2)
    one_thread = Reading(10, cpu_s=10, waited_s=0, machine_s=10.1)
    asleep = Reading(10, cpu_s=0, waited_s=0, machine_s=0.1)

    assert [round(charged_s(passed, cpus=2), 1) for passed in (busy, one_thread, asleep)] == [10, 10, 10]
    assert not any(is_overloaded(passed, cpus=2) for passed in (busy, one_thread, asleep))


@pytest.mark.parametrize("others", [1, 4, 8])
def test_what_others_take_is_not_charged(others: int) -> None:
    """Two threads of ours and so many of others share two processors fairly; the work is that of ten quiet seconds."""
    wall = 10 * (2 + others) / 2
    passed = Reading(wall, cpu_s=20, waited_s=2 * (wall - 10), machine_s=2 * wall)

    assert charged_s(passed, cpus=2) == pytest.approx(10)
    assert is_overloaded(passed, cpus=2)


def test_a_single_thread_among_others_is_charged_its_own_time() -> None:
    passed = Reading(30, cpu_s=10, waited_s=20, machine_s=60)

    assert charged_s(passed, cpus=2) == pytest.approx(10)


def test_threads_that_wait_for_each_other_win_no_time() -> None:
    """A hundred threads of one notebook, on one processor of two, and nobody else on the machine."""
    passed = Reading(10, cpu_s=10, waited_s=990, machine_s=10)

    assert charged_s(passed, cpus=2) == 10
    assert not is_overloaded(passed, cpus=2)


def test_more_processors_than_the_limits_speak_of_are_charged() -> None:
    assert charged_s(Reading(10, cpu_s=160, waited_s=0, machine_s=170), cpus=2) == 80


def test_nobody_stays_longer_than_the_generous_clock() -> None:
    passed = Reading(80, cpu_s=0.1, waited_s=1000, machine_s=160)

    assert charged_s(passed, cpus=2) == 80 / GENEROUS


def test_where_the_machine_tells_nothing_the_clock_on_the_wall_counts() -> None:
    assert charged_s(Reading(10), cpus=2) == 10
    assert machine_s(Path("/nowhere")) is None
    assert (cpu_s([1], Path("/nowhere")), Waits(Path("/nowhere")).waited_s([1])) == (0, 0)


def test_a_clock_that_runs_backwards_charges_nothing_less() -> None:
    passed = Reading(10, cpu_s=0, waited_s=0).since(Reading(5, cpu_s=3, waited_s=3))

    assert charged_s(passed, cpus=2) == 5


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
