"""The engine: walks a notebook in a leased kernel, through papermill.

Unlike papermill's own engine it goes on after a cell that raises, ends a cell or the whole run at a limit, and caps
what the notebook may print. What comes back is a value: a crash of the student's code is normal.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import logging
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import nbformat
import papermill
from jupyter_client.utils import run_sync
from nbclient.exceptions import CellControlSignal, DeadKernelError
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, papermill_engines
from papermill.exceptions import PapermillExecutionError

from grader.artifacts import printable
from grader.errors import KernelDied
from grader.kernels import Lease
from grader.records import FailedCell, Limit
from grader.spec import Limits

GRACE_S = 10.0  # after an interrupt, before the kernel is killed
START_S = 60.0
WATCHDOG_S = 15.0  # beyond the wall limit: for the case that our own event loop is stuck
STORED = {"stream", "display_data", "execute_result", "update_display_data", "error"}
ERROR_KB = 16  # an error's traceback is kept, up to this, even when the output limit is used up


@dataclass
class Walk:
    """What one run of a notebook is given, and what became of it.

    Attributes:
        lease: the kernel.
        limits: what the run may use.
        ask: called with the running client after the last cell, while the kernel lives.
        deadline: monotonic time of the wall limit, set when the run starts.
        hits: which limits were hit, and in which cell (None: outside any cell).
        ended: the limit that ended a cell, by the cell's place.
        failed: cells that raised or hit a limit.
        output_bytes: what the notebook has printed and displayed.
        dead: whether the kernel ended before everything was asked.
        notebook: the notebook as far as it ran.
        kernel_s: seconds until the kernel was ready.
        execute_s: seconds for the cells.
        probe_s: seconds for `ask`.
    """

    lease: Lease
    limits: Limits
    ask: Callable[[GradingClient], None]
    deadline: float = 0.0
    hits: dict[Limit, int | None] = field(default_factory=dict)
    ended: dict[int, Limit] = field(default_factory=dict)
    failed: list[FailedCell] = field(default_factory=list)
    output_bytes: int = 0
    dead: bool = False
    notebook: NotebookNode | None = None
    kernel_s: float = 0.0
    execute_s: float = 0.0
    probe_s: float = 0.0

    @property
    def limit(self) -> Limit | None:
        """The limit that matters most: the one that ended the run, else one that ended a cell, else one that cut."""
        order = (Limit.WALL, Limit.MEMORY, Limit.CELL, Limit.OUTPUT)
        return next((limit for limit in order if limit in self.hits), None)

    def left_s(self) -> float:
        """Seconds until the wall limit; never negative."""
        return max(0.0, self.deadline - time.monotonic())


class GradingClient(PapermillNotebookClient):  # type: ignore[misc]
    """A papermill client that outlives failing cells and keeps limits."""

    def __init__(self, nb_man: Any, walk: Walk, **options: Any) -> None:  # noqa: ANN401 - papermill's own types
        super().__init__(
            nb_man, km=walk.lease.manager, raise_on_iopub_timeout=False, allow_errors=True, **options
        )
        self.walk = walk

    def papermill_execute_cells(self) -> None:
        """Execute every cell, whatever the ones before did, until the kernel or the time is gone."""
        for index, cell in enumerate(self.nb.cells):
            if self.walk.dead or cell.cell_type != "code":
                continue
            try:
                self.nb_man.cell_start(cell, index)
                self.execute_cell(cell, index)
            except DeadKernelError:
                self.walk.dead = True
            except Exception:
                cell.outputs.append(
                    _error("UnreadableReply", "the kernel's answer to this cell made no sense")
                )
            finally:
                self.nb_man.cell_complete(self.nb.cells[index], cell_index=index)
            self._note_failure(cell, index)

    async def async_execute_cell(self, cell: NotebookNode, cell_index: int, **options: Any) -> NotebookNode:  # noqa: ANN401
        """Execute one cell within what is left of its limit and of the wall limit."""
        running = asyncio.ensure_future(super().async_execute_cell(cell, cell_index, **options))
        await self._bounded(running, self.walk.limits.cell_s, cell_index)
        return await running

    execute_cell = run_sync(async_execute_cell)

    async def _bounded(self, running: asyncio.Future[Any], cell_s: float, index: int | None) -> None:
        """Wait for a request; interrupt it at its own limit, kill the kernel at the wall limit or if it goes on."""
        left = self.walk.left_s()
        await asyncio.wait({running}, timeout=min(cell_s, left))
        if running.done():
            return
        if cell_s < left:
            self._hit(Limit.CELL, index)
            with contextlib.suppress(RuntimeError):
                await self.km.interrupt_kernel()
            await asyncio.wait({running}, timeout=min(GRACE_S, self.walk.left_s()))
        if not running.done():
            if self.walk.left_s() == 0:
                self._hit(Limit.WALL, index)
            self.walk.dead = True
            self.walk.lease.kill()
            await asyncio.wait({running}, timeout=5)
            if not running.done():
                running.cancel()
                raise DeadKernelError("Kernel died")

    def _hit(self, limit: Limit, index: int | None) -> None:
        self.walk.hits.setdefault(limit, index)
        if index is not None:
            self.walk.ended[index] = limit

    def request(self, code: str, budget_s: float) -> None:
        """Execute code of ours in the notebook's kernel, silently; what it prints is dropped."""
        if not self.walk.dead:
            with contextlib.suppress(DeadKernelError):
                self._request(code, budget_s)

    async def _async_request(self, code: str, budget_s: float) -> None:
        message = self.kc.execute(code, silent=True, store_history=False, allow_stdin=False)
        running = asyncio.ensure_future(self.async_wait_for_reply(message))
        try:
            await self._bounded(running, budget_s, None)
            await running
        except DeadKernelError:
            self.walk.dead = True

    _request = run_sync(_async_request)

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:  # noqa: ANN401
        """Take a message of the kernel, unless the notebook has said enough already."""
        size = _message_bytes(msg)
        self.walk.output_bytes += size
        if size == 0 or self.walk.output_bytes <= self.walk.limits.output_kb * 1024:
            return self._take(msg, cell, cell_index)
        if Limit.OUTPUT not in self.walk.hits:
            self.walk.hits[Limit.OUTPUT] = cell_index
            notice = (
                f"\n[cut: the notebook printed and displayed more than {self.walk.limits.output_kb} KB]\n"
            )
            cell.outputs.append(nbformat.v4.new_output("stream", name="stderr", text=notice))
        if msg["msg_type"] == "error" and size <= ERROR_KB * 1024:
            return self._take(msg, cell, cell_index)
        return None

    def _take(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:  # noqa: ANN401
        """Let nbclient store a message; one that is malformed is dropped, whatever it makes nbclient raise."""
        before = len(cell.outputs)
        try:
            output = super().process_message(msg, cell, cell_index)
            if output is not None:
                nbformat.validate(output, ref="output", version=4)
        except CellControlSignal:
            raise
        except Exception:
            del cell.outputs[before:]
            return None
        return output

    def _note_failure(self, cell: NotebookNode, index: int) -> None:
        failure = self._failure(cell, index)
        if failure is not None:
            number = sum(1 for one in self.nb.cells[: index + 1] if one.cell_type == "code")
            grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
            self.walk.failed.append(FailedCell(index, number, grade_id, *failure))

    def _failure(self, cell: NotebookNode, index: int) -> tuple[str, str] | None:
        """Return the error's name and text, when a cell raised, hit a limit or ended the kernel."""
        limit = self.walk.ended.get(index)
        if limit is Limit.WALL:
            return f"limit: {limit}", f"stopped after {self.walk.limits.wall_s:g} s for the whole notebook"
        if limit is not None:
            return f"limit: {limit}", f"stopped after {self.walk.limits.cell_s:g} s"
        if self.walk.dead:
            return "KernelDied", "the kernel died in this cell"
        error = next((output for output in cell.get("outputs", []) if output.output_type == "error"), None)
        if error is None:
            return None
        return printable(error.get("ename"), 100), printable(error.get("evalue"), 500)


class PawgradeEngine(Engine):  # type: ignore[misc]
    """papermill's seam: `papermill.execute_notebook(..., engine_name="pawgrade", walk=walk)`."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> None:  # noqa: ANN401
        """Run the notebook as `options["walk"]` says."""
        walk: Walk = options["walk"]
        client = GradingClient(
            nb_man, walk, kernel_name=kernel_name, startup_timeout=START_S, log_output=False
        )
        client.reset_execution_trackers()
        begin = time.monotonic()
        walk.deadline = begin + START_S + walk.limits.wall_s
        quiet = subprocess.DEVNULL  # what a kernel prints outside its messages is nobody's business
        client.start_new_kernel(
            cwd=str(walk.lease.cwd), env=walk.lease.environment, stdout=quiet, stderr=quiet
        )
        try:
            client.start_new_kernel_client()
        except RuntimeError as exc:
            raise KernelDied(f"the kernel {kernel_name!r} did not start: {exc}.") from exc
        ready = time.monotonic()
        walk.deadline = ready + walk.limits.wall_s
        watchdog = threading.Timer(walk.limits.wall_s + WATCHDOG_S, walk.lease.kill)
        watchdog.daemon = True
        watchdog.start()
        try:
            client.papermill_execute_cells()
            walked = time.monotonic()
            walk.ask(client)
        finally:
            watchdog.cancel()
            walk.notebook = copy.deepcopy(nb_man.nb)
            walk.lease.kill()
            with contextlib.suppress(Exception):
                client.kc.stop_channels()
        walk.kernel_s, walk.execute_s, walk.probe_s = ready - begin, walked - ready, time.monotonic() - walked


papermill_engines.register("pawgrade", PawgradeEngine)
logging.getLogger("papermill").setLevel(logging.ERROR)


def run(notebook: NotebookNode, walk: Walk, parameters: Mapping[str, Any]) -> NotebookNode:
    """Execute a notebook with papermill in the leased kernel.

    Args:
        notebook: a valid nbformat 4 notebook with a cell tagged `parameters`; it is not changed.
        walk: the kernel, the limits, what to ask afterwards; it is filled with what happened.
        parameters: values to inject.

    Returns:
        The executed notebook, complete up to the moment a limit hit.

    Raises:
        KernelDied: the kernel never got ready: ours to mend.
    """
    with contextlib.suppress(PapermillExecutionError):
        papermill.execute_notebook(
            copy.deepcopy(notebook),
            None,
            parameters=dict(parameters),
            engine_name="pawgrade",
            kernel_name=walk.lease.manager.kernel_name,
            progress_bar=False,
            walk=walk,
        )
    if walk.notebook is None:
        raise KernelDied("the notebook was never executed.")
    return walk.notebook


def _error(name: str, text: str) -> NotebookNode:
    return nbformat.v4.new_output("error", ename=name, evalue=text, traceback=[f"{name}: {text}"])


def _message_bytes(msg: Mapping[str, Any]) -> int:
    """Estimate how much a message adds to the notebook; 0 for messages that add nothing."""
    kind = str(msg.get("msg_type"))
    if kind in STORED or kind.startswith("comm"):
        return len(str(msg.get("content", ""))) + sum(len(buffer) for buffer in msg.get("buffers", []))
    return 0
