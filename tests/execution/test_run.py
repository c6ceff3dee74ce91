"""What came out of a run, and what of it matters most."""

from __future__ import annotations

from nbformat.v4 import new_notebook

from grader.execution.engine import Execution
from grader.records import Limit


def test_the_limit_that_ended_the_run_matters_most() -> None:
    hits, order = dict.fromkeys(Limit), []
    while (limit := Execution(new_notebook(), hits=hits).limit) is not None:
        order.append(limit)
        del hits[limit]

    assert order == [Limit.WALL, Limit.MEMORY, Limit.CELL, Limit.PROCESSES, Limit.DISK, Limit.OUTPUT]
