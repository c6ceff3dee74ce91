"""What the kernel benchmarks share: kernelspecs in a temporary place, the five-cell notebook, tables, the machine's load.

.venv/bin/python -m benchmarks.kernel_speed        the five-cell notebook, four ways to run it
.venv/bin/python -m benchmarks.kernel_memory       five kernels at a time
.venv/bin/python -m benchmarks.kernel_endurance    a thousand launches on a busy machine
.venv/bin/python -m benchmarks.kernel_endings      what is left after a SIGKILL, and for how long
.venv/bin/python -m benchmarks.nbgrader_autograde  a classic nbgrader course
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat
import psutil
from jupyter_client import KernelManager

STOCK, WARM, COLD = "python3", "pawgrade-warm", "pawgrade-cold"
PRELOAD = ("numpy", "matplotlib.pyplot", "torch", "torchvision")
START_S = 120.0
CELLS = (
    "import torch, torchvision\nfrom matplotlib import pyplot",
    "torch.manual_seed(0)\n"
    "model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(1568, 10))\n"
    "photos, labels = torch.rand(64, 3, 16, 16), torch.randint(10, (64,))",
    "step = torch.optim.SGD(model.parameters(), lr=0.1)\n"
    "losses = []\n"
    "for _ in range(20):\n"
    "    loss = torch.nn.functional.cross_entropy(model(photos), labels)\n"
    "    step.zero_grad()\n"
    "    loss.backward()\n"
    "    step.step()\n"
    "    losses.append(loss.item())",
    "pyplot.plot(losses)\npyplot.show()",
    "print(f'{losses[0]:.3f} -> {losses[-1]:.3f}, torchvision {torchvision.__version__}')",
)


@contextlib.contextmanager
def own_place(preload: Sequence[str] = PRELOAD, **options: Any) -> Iterator[Path]:  # noqa: ANN401
    """Make kernelspecs and runtime files a temporary home; what was in it is gone in the end, zygotes included.

    Args:
        preload: modules of the warm kernelspec.
        options: more of its provisioner's traits.

    Yields:
        A folder; `work` in it is empty.
    """
    from grader.sandbox import kernelspecs
    from grader.sandbox.host.client import release_zygotes

    with tempfile.TemporaryDirectory(prefix="paw-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for part in ("work", "run"):
            (folder / part).mkdir(mode=0o700)
        places = {"JUPYTER_PATH": str(folder / "share" / "jupyter"), "XDG_RUNTIME_DIR": str(folder / "run")}
        kept = {key: os.environ.get(key) for key in places}
        os.environ.update(places)
        own = 600 + time.monotonic_ns() % 10**9 / 1e9  # so that no other zygote has our key
        options = {"idle_s": own, **options}
        kernelspecs.install(WARM, prefix=name, preload=list(preload), **options)
        kernelspecs.install(COLD, prefix=name, warm=False)
        try:
            yield folder
        finally:
            release_zygotes()
            for key, text in kept.items():
                os.environ.pop(key) if text is None else os.environ.update({key: text})


def notebook(kernel: str) -> Any:  # noqa: ANN401 - nbformat has no types
    """Return the five-cell notebook for a kernel."""
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    kernelspec = {"name": kernel, "display_name": kernel, "language": "python"}
    metadata = {"kernelspec": kernelspec, "language_info": {"name": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


class Running:
    """A kernel and its client through jupyter_client alone; a context manager that ends both at once."""

    def __init__(self, kernel: str, cwd: Path) -> None:
        self.manager = KernelManager(kernel_name=kernel)
        try:
            self.manager.start_kernel(cwd=str(cwd), stderr=subprocess.DEVNULL)
        except BaseException:
            self.manager.cleanup_resources()
            raise
        self.client = self.manager.client()
        self.client.start_channels(hb=False)  # its thread may start after we have closed

    def answer(self, timeout_s: float = START_S) -> None:
        """Wait until the kernel has answered a first request."""
        reply_to(self.client, self.client.kernel_info(), timeout_s)

    def run(self, code: str, timeout_s: float = START_S) -> None:
        """Execute a cell; raise RuntimeError when it fails."""
        content = reply_to(self.client, self.client.execute(code, allow_stdin=False), timeout_s)
        if content["status"] != "ok":
            raise RuntimeError(f"{content.get('ename')}: {content.get('evalue')}")

    def close(self) -> None:
        """End the kernel without its leave."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def reply_to(client: Any, request: str, timeout_s: float) -> dict[str, Any]:  # noqa: ANN401 - a kernel client
    """Return the content of a kernel's reply to one request; raise `queue.Empty` when it does not come in time."""
    deadline = time.monotonic() + timeout_s
    while True:
        message = client.get_shell_msg(timeout=max(0.0, deadline - time.monotonic()))
        if message["parent_header"].get("msg_id") == request:
            return dict(message["content"])


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def tree(pid: int) -> list[psutil.Process]:
    """Return a process and all below it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    return []


def runs(process: psutil.Process) -> bool:
    """Whether a process still does something; a zombie does not."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def groups_of(keeper: int) -> list[Path]:
    """Return the control groups that a keeper has made and that are there."""
    from grader.sandbox.host import cgroups

    hierarchy = cgroups.find()
    parents = {hierarchy.memory, hierarchy.pids} if hierarchy else set()
    return [group for parent in parents for group in parent.glob(f"pawgrade-{keeper}-*")]


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table; numbers with two digits after the point."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_text, line))} |" for line in lines)


def _text(cell: object) -> str:
    return f"{cell:.2f}" if isinstance(cell, float) else str(cell)


def machine() -> str:
    """Say what this machine is and how busy it was in the last one, five and fifteen minutes."""
    load = " ".join(f"{one:.2f}" for one in os.getloadavg())
    user = "root" if os.getuid() == 0 else "an ordinary user"
    return f"{os.cpu_count()} cores, load {load}, as {user}"
