"""Whether launches leak: many in a row and many at a time, while another program keeps every core busy.

    .venv/bin/python -m benchmarks.kernel_endurance [--launches 500] [--plot endurance.png]

Each launch executes a cell and is shut down. What is open is counted between batches, when no kernel runs.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks import kernels
from benchmarks.kernels import WARM, Running

AT_A_TIME = 8
BATCHES = 25  # of each phase
SPIN = "while True: pass"


@dataclass
class Course:
    """What was counted, over the launches.

    Attributes:
        launches: how many there were before each count.
        counts: name of what is counted -> its counts.
        failures: what went wrong, in words.
        seconds: of every launch that went well, to its end.
        turn: how many launches were in a row, before those at a time.
    """

    launches: list[int] = field(default_factory=list)
    counts: dict[str, list[float]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    turn: int = 0

    def note(self, launches: int, counted: dict[str, float]) -> None:
        """Add counts."""
        self.launches.append(launches)
        for name, value in counted.items():
            self.counts.setdefault(name, []).append(value)


@contextlib.contextmanager
def busy_machine() -> Iterator[None]:
    """Keep every core busy with other programs."""
    spinners = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for one in spinners:
            one.kill()
            one.wait()


def launch(cwd: Path, course: Course) -> None:
    """Get a kernel, execute a cell, end it; note a failure instead of raising it."""
    try:
        course.seconds.append(kernels.timed(lambda: _run_a_cell(cwd)))
    except Exception as exc:
        course.failures.append(f"{type(exc).__name__}: {exc}"[:300])


def _run_a_cell(cwd: Path) -> None:
    with Running(WARM, cwd) as kernel:
        kernel.run("import torch\nassert torch.ones(9).sum() == 9")


def counted(runtime: Path) -> dict[str, float]:
    """Count what a launch could leave behind; call it while no kernel runs."""
    from grader.sandbox.host.client import statuses

    (status,) = statuses()
    found: dict[str, float] = {}
    roles = {"client": os.getpid(), "keeper": status["keeper"], "zygote": status["zygote"]["pid"]}
    for role, pid in roles.items():
        process = psutil.Process(pid)
        found[f"descriptors of the {role}"] = process.num_fds()
        found[f"RSS of the {role}, MiB"] = process.memory_info().rss / 2**20
    own = Path("/proc/self/mountinfo"), Path("/proc", str(status["zygote"]["pid"]), "mountinfo")
    return found | {
        "mounts of the machine": _lines(own[0]),
        "mounts of the box": _lines(own[1]),
        "processes": len(kernels.tree(status["keeper"])),
        "control groups": len(kernels.groups_of(status["keeper"])),
        "runtime files": sum(not path.is_dir() for path in runtime.rglob("*")),
    }


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def run(launches: int, place: Path) -> Course:
    """Launch one after the other, then several at a time; count between batches."""
    course, work, runtime = Course(turn=launches), place / "work", place / "run"
    launch(work, course)  # the zygote starts
    course.seconds.clear()
    course.note(0, counted(runtime))
    for phase, workers in enumerate((1, AT_A_TIME)):
        size = max(workers, -(-launches // BATCHES))
        with ThreadPoolExecutor(
            workers
        ) as pool:  # one for all batches: Jupyter keeps an event loop per thread
            for begin in range(0, launches, size):
                number = min(size, launches - begin)
                list(pool.map(lambda _: launch(work, course), range(number)))
                course.note(phase * launches + begin + number, counted(runtime))
                print(".", end="", flush=True, file=sys.stderr)
    return course


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--launches", type=int, default=500, help="in a row, and then again, 8 at a time")
    parser.add_argument("--plot", type=Path, default=None, help="where to draw the counts: a PNG")
    chosen = parser.parse_args()
    print(f"before: {kernels.machine()}")
    with kernels.own_place() as place, busy_machine():
        begin = time.monotonic()
        course = run(chosen.launches, place)
        took_s = time.monotonic() - begin
        print(f"at the end: {kernels.machine()}", end="\n\n")
    print(kernels.table(("between batches", "first", "last", "max"), _rows(course)), end="\n\n")
    print(_seconds(course))
    print(f"{2 * chosen.launches} launches in {took_s:.0f} s; failures: {len(course.failures)}")
    for failure in sorted({*course.failures}):
        print(f"  {course.failures.count(failure)} x {failure}")
    if chosen.plot is not None:
        draw(course, chosen.plot)
    sys.exit(bool(course.failures))


def _rows(course: Course) -> list[list[object]]:
    return [
        [
            name,
            *(f"{one:.1f}" if "MiB" in name else f"{one:.0f}" for one in (found[0], found[-1], max(found))),
        ]
        for name, found in course.counts.items()
    ]


def _seconds(course: Course) -> str:
    return f"a launch, a cell, the end: median {statistics.median(course.seconds):.2f} s, longest {max(course.seconds):.2f} s"


def draw(course: Course, path: Path) -> None:
    """Draw every count over the launches."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(3, 1, figsize=(8, 9), sharex=True, layout="constrained")
    for name, found in course.counts.items():
        kind = 0 if "RSS" in name else 1 if "descriptors" in name else 2
        axes[kind].plot(course.launches, found, marker=".", label=name)
    for axis, title in zip(axes, ("RSS, MiB", "open descriptors", "on the machine"), strict=True):
        axis.axvline(course.turn, color="grey", linestyle=":")
        axis.set_ylabel(title)
        axis.set_ylim(bottom=0)
        axis.legend(fontsize="small")
    axes[-1].set_xlabel(f"launches; after the dotted line {AT_A_TIME} at a time")
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    main()
