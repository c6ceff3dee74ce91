"""What is left of three kernels, and for how long, when somebody is killed: grader, worker, zygote, box or keeper.

    .venv/bin/python -m benchmarks.kernel_endings [--rounds 3]

One kernel idles, one has a process of its own, one loops, ignores SIGINT and has a daemon. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks import kernels
from benchmarks.kernels import WARM, Running

VICTIMS = ("grader", "worker", "zygote", "box", "keeper")
REPOSITORY = Path(__file__).resolve().parent.parent
CELLS = (
    "1 + 1",
    "import subprocess\nchild = subprocess.Popen(['sleep', '600'])",
    "import signal, subprocess\n"
    "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    "subprocess.run(['setsid', '--fork', 'sleep', '600'], check=True)",
)
BUSY = "while True: pass"


@dataclass
class Grader:
    """A process that holds kernels, and does what it is told line by line."""

    process: subprocess.Popen[str]

    def ask(self, what: str) -> dict[str, Any]:
        """Tell it something and return what it says."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        return dict(json.loads(self.process.stdout.readline() or "{}"))

    def close(self) -> None:
        """Let it end as it likes, within ten seconds."""
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextlib.contextmanager
def grader(kernel: str, cwd: Path, *, through_worker: bool = False) -> Iterator[Grader]:
    """Start a process that can hold kernels; in the end it hangs up.

    Args:
        kernel: name of the kernelspec.
        cwd: the kernels' folder.
        through_worker: whether a child of it holds the kernels.
    """
    command = [sys.executable, "-m", "benchmarks.kernel_endings", "--hold", kernel, str(cwd)]
    held = Grader(
        subprocess.Popen(
            [*command, *(["--through-worker"] if through_worker else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
        )
    )
    try:
        yield held
    finally:
        held.close()


def serve(kernel: str, cwd: Path) -> None:
    """As the process that holds kernels: obey line by line; `start`, `launch`, or the end of input."""
    held: list[Running] = []
    for line in sys.stdin:
        said: dict[str, Any] = {"pid": os.getpid()}
        try:
            if line.strip() == "start":
                held += [_prepared(kernel, cwd, cell) for cell in CELLS]
                held[-1].client.execute(BUSY)
                said["kernels"] = [one.manager.provisioner.pid for one in held]
            else:
                with Running(kernel, cwd) as one:
                    one.run("1 + 1")
        except Exception as exc:
            said["error"] = f"{type(exc).__name__}: {exc}"
        print(json.dumps(said), flush=True)
    for one in held:
        with contextlib.suppress(Exception):  # most were killed
            one.close()


def _prepared(kernel: str, cwd: Path, cell: str) -> Running:
    running = Running(kernel, cwd)
    running.run(cell)
    return running


def pids_of(said: dict[str, Any]) -> dict[str, int]:
    """Return everybody's pid, given what a grader or its worker said."""
    from grader.sandbox.host.client import statuses

    (status,) = statuses()
    own = {"keeper": status["keeper"], "box": status["box"], "zygote": status["zygote"]["pid"]}
    return {"grader": said["pid"], "worker": said["pid"], **own}


def family(said: dict[str, Any]) -> list[psutil.Process]:
    """Return all processes of the kernels that a grader holds."""
    return [process for pid in said["kernels"] for process in kernels.tree(pid)]


def gone_after(processes: Sequence[psutil.Process], within_s: float) -> float:
    """Return after how many seconds all are gone; `inf` when some are there to the end."""
    begin = time.monotonic()
    left = list(processes)
    while left := [one for one in left if kernels.runs(one)]:
        if time.monotonic() - begin > within_s:
            return float("inf")
        time.sleep(0.002)
    return time.monotonic() - begin


def left(place: Path, keeper: int) -> list[str]:
    """Return what of a keeper's kernels is left on this machine: files, mounts, control groups."""
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    return [
        *(f"file {path}" for path in (place / "run").rglob("*") if not path.is_dir()),
        *(f"mount {line}" for line in mounts if str(place) in line or "/pawgrade/" in line),
        *(f"group {group}" for group in kernels.groups_of(keeper)),
    ]


@dataclass(frozen=True)
class Ending:
    """What became of three kernels when somebody was killed.

    Attributes:
        seconds: until every process of them was gone; `inf` after ten.
        processes: how many those were.
        next_launch: `works`, or what went wrong.
        left: files, mounts and control groups that were there after the next launch had ended, too.
    """

    seconds: float
    processes: int
    next_launch: str
    left: list[str]


def measured(victim: str, place: Path) -> Ending:
    """Kill somebody once."""
    with grader(WARM, place / "work", through_worker=victim == "worker") as held:
        said = held.ask("start")
        doomed, pids = family(said), pids_of(said)
        os.kill(pids[victim], signal.SIGKILL)
        seconds = gone_after(doomed, 10)
        survivor = held if victim not in {"grader", "worker"} else None
        with contextlib.nullcontext(survivor) if survivor else grader(WARM, place / "work") as another:
            outcome = another.ask("launch").get("error", "works")
    deadline = time.monotonic() + 3
    while (remains := left(place, pids["keeper"])) and time.monotonic() < deadline:
        time.sleep(0.02)
    return Ending(seconds, len(doomed), outcome, remains)


def main() -> None:
    """Measure and print; or hold kernels for somebody who does."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--hold", nargs=2, default=None, help=argparse.SUPPRESS)
    parser.add_argument("--through-worker", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.hold and chosen.through_worker:
        command = [sys.executable, "-m", "benchmarks.kernel_endings", "--hold", *chosen.hold]
        sys.exit(subprocess.call(command))
    elif chosen.hold:
        serve(chosen.hold[0], Path(chosen.hold[1]))
        return
    print(f"before: {kernels.machine()}")
    rows = []
    with kernels.own_place(preload=["torch"]) as place:
        for victim in VICTIMS:
            found = [measured(victim, place) for _ in range(chosen.rounds)]
            seconds, outcomes = [one.seconds for one in found], sorted({one.next_launch for one in found})
            middle, worst, remains = (
                statistics.median(seconds),
                max(seconds),
                max(len(one.left) for one in found),
            )
            processes = found[0].processes
            rows.append([victim, processes, middle, worst, "; ".join(outcomes), remains, len(found)])
    head = ("killed", "processes", "all gone after, s: median", "max", "next launch", "left after that", "n")
    print(kernels.table(head, rows), end="\n\n")
    print(f"after: {kernels.machine()}")


if __name__ == "__main__":
    main()
