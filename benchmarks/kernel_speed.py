"""How fast a submission gets its kernel: a five-cell torch notebook through papermill, in four ways, by turns.

    .venv/bin/python -m benchmarks.kernel_speed [--rounds 10]

Prints Markdown tables: the whole notebook, then where the time of the warm kernel goes.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import time
import warnings
from pathlib import Path

import nbformat
import papermill

from benchmarks import kernels
from benchmarks.kernels import COLD, STOCK, WARM, Running

WAYS = (
    ("stock, cold", STOCK, "nbclient"),
    ("sandboxed, cold", COLD, "nbclient"),
    ("sandboxed, warm", WARM, "nbclient"),
    ("sandboxed, warm, our engine", WARM, "pawgrade"),
)
STEPS = (
    "the launch, until its pid 1 is known",
    "what is left of making its world: mounts, the last fork",
    "its rights given up, ipykernel, until it answers",
    "cell 1 (imports): the first reply",
    "cell 2 (a model)",
    "cell 3 (20 training steps)",
    "cell 4 (a plot)",
    "cell 5 (a line of text)",
    "the end, until nothing is left",
)


def through_papermill(folder: Path, kernel: str, engine: str) -> float:
    """Return the seconds for the whole notebook."""
    source, target = folder / f"{kernel}.ipynb", folder / "executed.ipynb"
    if not source.exists():
        nbformat.write(kernels.notebook(kernel), source)
    return kernels.timed(
        lambda: papermill.execute_notebook(
            source, target, kernel_name=kernel, engine_name=engine, progress_bar=False, cwd=folder
        )
    )


def by_steps(kernel: str, cwd: Path) -> list[float]:
    """Return the seconds of each of `STEPS` in one kernel."""
    marks = [_now()]
    running = Running(kernel, cwd)
    marks.append(_now())
    running.answer()
    answered = _now()
    marks += [min(max(_last_fork(running), marks[-1]), answered), answered]
    for cell in kernels.CELLS:
        running.run(cell)
        marks.append(_now())
    running.close()
    marks.append(_now())
    return [after - before for before, after in itertools.pairwise(marks)]


def _now() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)  # the clock of processes' starts


def _last_fork(running: Running) -> float:
    """Return when the kernel's last process was started, to 10 ms; the stock kernel has one, started by the launch."""
    ticks = [
        int(Path(f"/proc/{one.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[19])
        for one in kernels.tree(running.manager.provisioner.pid)
    ]
    return max(ticks) / os.sysconf("SC_CLK_TCK")


def first_reply(steps: list[float]) -> float:
    """Return the seconds from asking for a kernel to its first `execute_reply`."""
    return sum(steps[:4])


def warm_up(cwd: Path) -> str:
    """Start both zygotes; return what that cost."""
    from grader.sandbox.host.client import statuses

    said = []
    for kernel in (WARM, COLD):
        seconds = kernels.timed(lambda kernel=kernel: Running(kernel, cwd).close())  # type: ignore[misc]
        said.append(f"{kernel}: {seconds:.1f} s for the first kernel")
    for one in statuses():
        said.append(f"a zygote preloaded {one['preload']} in {one['zygote']['seconds']} s")
        said += [f"left out {name}: {why}" for name, why in one["zygote"]["left_out"].items()]
    return "; ".join(said)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    warnings.simplefilter("ignore")
    whole: dict[str, list[float]] = {title: [] for title, _, _ in WAYS}
    steps: dict[str, list[list[float]]] = {STOCK: [], WARM: []}
    print(f"before: {kernels.machine()}")
    with kernels.own_place() as place:
        work = place / "work"
        print(f"once: {warm_up(work)}\n", flush=True)
        for _ in range(rounds):
            for title, kernel, engine in WAYS:
                whole[title].append(through_papermill(work, kernel, engine))
            for kernel, found in steps.items():
                found.append(by_steps(kernel, work))
    print(whole_table(whole), end="\n\n")
    print(steps_table(steps), end="\n\n")
    print(f"after: {kernels.machine()}")


def whole_table(whole: dict[str, list[float]]) -> str:
    """Return the table of the whole notebook; ratios are medians of the rounds' ratios."""
    stock = next(iter(whole.values()))
    rows = []
    for title, seconds in whole.items():
        ratio = statistics.median(a / b for a, b in zip(stock, seconds, strict=True))
        middle, best, worst = statistics.median(seconds), min(seconds), max(seconds)
        rows.append([title, middle, best, worst, f"{ratio:.1f}x", len(seconds)])
    return kernels.table(("five cells through papermill", "median s", "min", "max", "faster", "n"), rows)


def steps_table(steps: dict[str, list[list[float]]]) -> str:
    """Return the table of where the time goes, in milliseconds, without papermill."""
    middle = {
        kernel: [1000 * statistics.median(column) for column in zip(*rows, strict=True)]
        for kernel, rows in steps.items()
    }
    lines = [
        [step, f"{warm:.0f}", f"{stock:.0f}"]
        for step, warm, stock in zip(STEPS, middle[WARM], middle[STOCK], strict=True)
    ]
    for title, measure in (("from request to first reply", first_reply), ("all of it", sum)):
        pair = [1000 * statistics.median(map(measure, steps[kernel])) for kernel in (WARM, STOCK)]
        lines.append([f"**{title}**", *(f"**{one:.0f}**" for one in pair)])
    return kernels.table(("median ms, jupyter_client alone", "sandboxed, warm", "stock, cold"), lines)


if __name__ == "__main__":
    main()
