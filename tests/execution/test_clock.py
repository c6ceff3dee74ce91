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
