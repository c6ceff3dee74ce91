"""What five kernels cost at a time: warm sandboxed ones against cold stock ones, each after the five-cell notebook.

    .venv/bin/python -m benchmarks.kernel_memory [--kernels 5]

USS is what would come back if the kernel ended; PSS counts shared pages in part. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks import kernels
from benchmarks.kernels import STOCK, WARM, Running


@dataclass(frozen=True)
class Memory:
    """Memory of some processes, in MiB.

    Attributes:
        uss: pages that nobody else has.
        pss: all pages, shared ones by the share of each sharer.
        processes: how many processes that is.
    """

    uss: float = 0.0
    pss: float = 0.0
    processes: int = 0

    def __add__(self, other: Memory) -> Memory:
        return Memory(self.uss + other.uss, self.pss + other.pss, self.processes + other.processes)


def memory(processes: Sequence[psutil.Process]) -> Memory:
    """Measure processes; one that may not be looked into is an error, not zero."""
    found = [one.memory_full_info() for one in processes]
    return Memory(
        sum(one.uss for one in found) / 2**20, sum(one.pss for one in found) / 2**20, len(processes)
    )


def measured(kernel: str, number: int, cwd: Path) -> dict[str, Memory]:
    """Run that many kernels at a time and measure them together.

    Returns:
        What is in them: `kernels`, for sandboxed ones `pid 1` (part of `kernels`), `zygote`, `box and keeper`.
    """
    from grader.sandbox.host.client import statuses

    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(Running(kernel, cwd)) for _ in range(number)]
        for one in running:
            for cell in kernels.CELLS:
                one.run(cell)
        pids = [one.manager.provisioner.pid for one in running]
        found = {"kernels": sum((memory(kernels.tree(pid)) for pid in pids), Memory())}
        if kernel == STOCK:
            return found
        found["pid 1"] = sum((memory([psutil.Process(pid)]) for pid in pids), Memory())
        for status in statuses():
            found["zygote"] = memory([psutil.Process(status["zygote"]["pid"])])
            keepers = {
                status["keeper"],
                *(one.pid for one in psutil.Process(status["zygote"]["pid"]).parents()),
            }
            ours = [
                psutil.Process(pid) for pid in keepers & {one.pid for one in kernels.tree(status["keeper"])}
            ]
            found["box and keeper"] = memory(ours)
        return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kernels", type=int, default=5)
    number = parser.parse_args().kernels
    print(f"before: {kernels.machine()}")
    with kernels.own_place() as place:
        stock = measured(STOCK, number, place / "work")["kernels"]
        warm = measured(WARM, number, place / "work")
    rows = [
        _row(f"{number} stock kernels, cold", stock, number),
        _row(f"{number} sandboxed kernels, warm", warm["kernels"], number),
        _row("- of which pid 1 of each", warm["pid 1"], number),
        _row("the zygote, once for all", warm["zygote"], 1),
        _row("its box and its keeper, once for all", warm["box and keeper"], 1),
    ]
    print(
        kernels.table(("MiB", "processes", "USS", "PSS", "USS of one kernel", "PSS of one kernel"), rows),
        end="\n\n",
    )
    print(f"USS: 1/{stock.uss / warm['kernels'].uss:.1f} of the stock kernels'")
    print(f"after: {kernels.machine()}")


def _row(title: str, found: Memory, number: int) -> list[object]:
    return [
        title,
        found.processes,
        *(f"{one:.1f}" for one in (found.uss, found.pss, found.uss / number, found.pss / number)),
    ]


if __name__ == "__main__":
    main()
