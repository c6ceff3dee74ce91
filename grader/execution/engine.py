"""Run a notebook in a leased kernel through papermill, within limits.

Unlike papermill's own engine it goes on after a cell that raises, ends a cell or the whole run at a limit, and caps
what the notebook may print. What comes back is a value: a crash of the student's code is normal.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import functools
import logging
import subprocess
import threading
import time
from collections.abc import Mapping
from typing import Any

import nbformat
import papermill
from jupyter_client.utils import run_sync
from nbclient.exceptions import CellControlSignal, DeadKernelError
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine
from papermill.exceptions import PapermillExecutionError

from grader.errors import KernelDied, WorldEnded
from grader.execution.clock import GENEROUS, Meter
from grader.execution.kernel_client import Allowance, IntakeClient
from grader.execution.limit_hits import describe, fills_a_gpu, limit_behind, new_hits, unformatted
from grader.execution.run import Execution, Run, is_near
from grader.execution.stock_engine import until_ready
from grader.messages import NOTHING, Message, quoted
from grader.notebooks.places import jupyter_numbers
from grader.notebooks.sanitise_text import printable
from grader.records import FailedCell, Limit

__all__ = ["Execution", "GradingClient", "GradingEngine", "Run", "run"]

GRACE_S = 10.0  # after an interrupt, before the kernel is killed
START_S = 60.0
WATCHDOG_S = 15.0  # beyond the wall limit: for the case that our own event loop is stuck
RECOVER = "from grader.judging.in_kernel import recover as _recover\n_recover()\ndel _recover"
RECOVER_S = 20.0
LOOK_S = 1.0  # between two looks at the clocks
DROPPED_S = 1  # for the sign that a cell has ended, when a flood may have made the kernel drop it


class GradingClient(PapermillNotebookClient):  # type: ignore[misc]
    """A papermill client that outlives failing cells and keeps limits; what happens in a run is noted here.

    Attributes:
        lease: the kernel.
        limits: what the run may use.
        meter: the seconds that the run is charged.
        hits: which limits were hit, and in which cell (None: outside any cell).
        ended: the limit that ended a cell, by the cell's place.
        failed: cells that raised or hit a limit.
        dead: whether the kernel has ended.
        broken: how the notebook broke its kernel's world; `NOTHING` when it did not.
        cell_s: seconds that the cell that took longest is charged.
        gpu_full: whether the memory that was full first is that of the GPU.
    """

    def __init__(self, nb_man: Any, run: Run, **options: Any) -> None:  # noqa: ANN401 - papermill's own types
        super().__init__(
            nb_man, km=run.lease.manager, raise_on_iopub_timeout=False, allow_errors=True, **options
        )
        self.lease, self.limits, self._gpu, self._step = run.lease, run.limits, run.gpu, run.step
        self.meter = Meter(run.lease, run.limits)
        self.allowance = Allowance(run.limits.output_kb)
        self.hits: dict[Limit, int | None] = {}
        self.ended: dict[int, Limit] = {}
        self.failed: list[FailedCell] = []
        self.dead, self.broken = False, NOTHING
        self.cell_s, self.gpu_full = 0.0, False
        self._alive: asyncio.Task[None] | None = None

    async def async_start_new_kernel_client(self) -> IntakeClient:
        """Connect to the kernel and wait until it answers."""
        self.km._close_control_socket()  # libzmq's, which would take in any flood; signals interrupt as well
        self.kc = IntakeClient(self.allowance, parent=self.km, **self.km.get_connection_info(session=True))
        deadline = time.monotonic() + START_S
        await self.kc.connect(START_S)
        await until_ready(self.kc, deadline - time.monotonic())
        return self.kc

    start_new_kernel_client = run_sync(async_start_new_kernel_client)

    def papermill_execute_cells(self) -> None:
        """Execute every cell, whatever the ones before did, until the kernel or the time is gone."""
        numbers = jupyter_numbers(self.nb.cells)
        for index, cell in enumerate(self.nb.cells):
            if cell.cell_type != "code":
                continue
            if self.dead:
                return
            if numbers[index] > [0, *numbers][index]:  # neither an empty cell nor the injected one
                self._step(numbers[index], numbers[-1])
            begin = self.meter.reading()
            try:
                self.nb_man.cell_start(cell, index)
                self.execute_cell(cell, index)
            except DeadKernelError:
                self._die()
            # A reply is the student's word: nbclient was not written for hostile ones.
            except Exception:
                cell.outputs.append(
                    _error("UnreadableReply", "the kernel's answer to this cell made no sense")
                )
            finally:
                charged = self.meter.charged_s(self.meter.reading(), begin)
                self.cell_s = max(self.cell_s, charged)
                self._note_cut(cell, index)
                self.nb_man.cell_complete(self.nb.cells[index], cell_index=index)
            self._note(cell, index)
            # `_note` has found the hit, so it comes before this.
            if self.hits.get(Limit.MEMORY) == index and not self.dead:
                self.request(RECOVER, RECOVER_S)  # what the cell left behind would starve those after it

    async def async_execute_cell(self, cell: NotebookNode, cell_index: int, **options: Any) -> NotebookNode:  # noqa: ANN401
        """Execute one cell within what is left of its limit and of the wall limit."""
        if self.allowance.used_up:
            self.iopub_timeout = DROPPED_S
        running = asyncio.ensure_future(super().async_execute_cell(cell, cell_index, **options))
        try:
            await self._bounded(running, self.limits.cell_s, cell_index)
            return await running
        finally:
            if self._alive is not None:
                self._alive.cancel()

    execute_cell = run_sync(async_execute_cell)

    async def _async_poll_kernel_alive(self) -> None:
        self._alive = asyncio.current_task()  # nbclient forgets it when a cell ends in an unusual way
        await super()._async_poll_kernel_alive()

    async def _bounded(
        self, running: asyncio.Future[Any], most_s: float, index: int | None, limit: Limit | None = Limit.CELL
    ) -> None:
        """Wait for a request; interrupt it at its own limit, kill the kernel at the wall limit or if it goes on."""
        left = await self._until_spent(running, most_s)
        if running.done():
            return
        # Only this request is over its limit: an interrupt may save the run. At the wall limit there is no
        # grace.
        if left > 0:
            if limit is not None:
                self._hit(limit, index)
            with contextlib.suppress(RuntimeError):
                await self.km.interrupt_kernel()
                self.km._close_control_socket()
            await asyncio.wait({running}, timeout=GRACE_S)
        if not running.done():
            # The wall limit may have passed during the grace.
            if self.meter.left_s() == 0:
                self._hit(Limit.WALL, index)
            self.dead = True
            self.lease.stop()
            await asyncio.wait({running}, timeout=5)
            if not running.done():
                running.cancel()
                raise DeadKernelError("Kernel died")

    async def _until_spent(self, running: asyncio.Future[Any], most_s: float) -> float:
        """Wait until a request is done or has used its seconds; returns what is left of the wall limit."""
        begin = self.meter.reading()
        left, request_left = self.meter.left_s(begin), most_s
        while not running.done() and min(left, request_left) > 0:
            await asyncio.wait({running}, timeout=min(left, request_left, LOOK_S))
            now = self.meter.reading()
            left, request_left = self.meter.left_s(now), most_s - self.meter.charged_s(now, begin)
        return left

    def _hit(self, limit: Limit, index: int | None) -> None:
        self.hits.setdefault(limit, index)
        if index is not None:
            self.ended[index] = limit

    def _die(self) -> None:
        """Note that the kernel is gone.

        Raises:
            KernelDied: the notebook is not to blame.
        """
        if not self.dead:
            self.dead = True
            reason = self.lease.lost()
            if reason:
                raise KernelDied(reason)

    def request(self, code: str, budget_s: float) -> float:
        """Execute code of ours in the notebook's kernel, silently; what it prints is dropped.

        Returns:
            Seconds that it is charged.
        """
        begin = self.meter.reading()
        if not self.dead:
            with contextlib.suppress(DeadKernelError):
                self._request(code, budget_s)
            for limit in new_hits(self.lease.usage(), self.hits):
                self.hits[limit] = None
        return self.meter.charged_s(self.meter.reading(), begin)

    async def _async_request(self, code: str, budget_s: float) -> None:
        message = self.kc.execute(code, silent=True, store_history=False, allow_stdin=False)
        self.kc.outputs.expect("")
        running = asyncio.ensure_future(self.async_wait_for_reply(message))
        try:
            await self._bounded(running, budget_s, None, None)
            await running
        except DeadKernelError:
            self._die()

    _request = run_sync(_async_request)

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:  # noqa: ANN401
        """Take a message that the intake let through; one that nbclient chokes on is dropped."""
        if msg.get("cut"):
            self.hits.setdefault(Limit.OUTPUT, cell_index)
            self.iopub_timeout = DROPPED_S
        if not self._afford_copies(msg):
            return None
        before = len(cell.outputs)
        try:
            return super().process_message(msg, cell, cell_index)
        except CellControlSignal:
            raise
        except Exception:
            del cell.outputs[before:]
            return None

    def _afford_copies(self, msg: dict[str, Any]) -> bool:
        """Charge a display for every place that shows it: a notebook repeats the whole of it there."""
        display_id = msg["content"].get("transient", {}).get("display_id")
        places = sum(len(where) for where in self._display_id_map.get(display_id, {}).values())
        if places <= 1 or self.allowance.spend((places - 1) * msg["size"]):
            return True
        self.kc.outputs.told = True  # `_note_cut` tells it: the request may be over on the wire
        return False

    async def async_close(self) -> None:
        """Close the connections to the kernel."""
        self.kc.stop_channels()
        await asyncio.sleep(0)  # the event loop closes them in its next round

    close = run_sync(async_close)

    def _note_cut(self, cell: NotebookNode, index: int) -> None:
        """Note that the output was cut when the cell ended before its messages were all worked off."""
        if self.kc.outputs.told and Limit.OUTPUT not in self.hits:
            self.hits[Limit.OUTPUT] = index
            text = self.kc.outputs.notice
            cell.outputs.append(nbformat.v4.new_output("stream", name="stderr", text=text))

    def _note(self, cell: NotebookNode, index: int) -> None:
        """Note which limits a cell has hit, and how it failed if it did."""
        failure = self._failure(cell, index, jupyter_numbers(self.nb.cells)[index])
        if failure is not None:
            self.failed.append(failure)

    def _failure(self, cell: NotebookNode, index: int, number: int) -> FailedCell | None:
        """Return how a cell failed, when it raised, hit a limit or ended the kernel."""
        usage = self.lease.usage()
        failed = functools.partial(
            FailedCell, index, number, cell.metadata.get("nbgrader", {}).get("grade_id")
        )
        hits = new_hits(usage, self.hits)
        self.hits.update(dict.fromkeys(hits, index))
        output = next((output for output in cell.get("outputs", []) if output.output_type == "error"), None)
        raised = (
            (printable(output.get("ename"), 100), printable(output.get("evalue"), 500))
            if output
            else unformatted(cell.get("outputs", []))
        )
        limit = self.ended.get(index)
        if limit is not None:
            message = describe(limit, self.limits, number)
            return failed(f"limit: {limit}", message, limit)
        if self.dead:
            # A dead kernel explains nothing: only the sandbox can.
            limit = Limit.MEMORY if usage.memory_hit else None
        elif raised is not None:
            sandboxed = self.lease.sandbox != "none"
            limit = limit_behind(*raised, usage, sandboxed=sandboxed) or next(iter(hits), None)
        full = self._gpu and raised is not None and not self.dead and fills_a_gpu(*raised)
        if full:
            limit, self.gpu_full = Limit.MEMORY, self.gpu_full or Limit.MEMORY not in self.hits
        if limit is None:
            if self.dead:
                return failed("KernelDied", Message("the kernel died in this cell"))
            return failed(raised[0], quoted(raised[1]), None, *raised) if raised else None
        self.hits.setdefault(limit, index)
        message = describe(limit, self.limits, number, on_gpu=full)
        if raised is None:
            return failed(f"limit: {limit}", message, limit)
        message = Message("{limit} ({error}: {text})", limit=message, error=raised[0], text=raised[1])
        return failed(f"limit: {limit}", message, limit, *raised)


class GradingEngine(Engine):  # type: ignore[misc]
    """What `papermill.execute_notebook(..., engine_name="pawgrade", run=run)` runs; see `papermill_engine`."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> None:  # noqa: ANN401
        """Run the notebook as `options["run"]` says, and hand what became of it to `options["report"]`."""
        run: Run = options["run"]
        client = GradingClient(nb_man, run, kernel_name=kernel_name, log_output=False)
        client.reset_execution_trackers()
        begin = time.monotonic()
        quiet = subprocess.DEVNULL  # what a kernel prints outside its messages is nobody's business
        client.start_new_kernel(cwd=str(run.lease.cwd), env=run.lease.environment, stdout=quiet, stderr=quiet)
        try:
            client.start_new_kernel_client()
        except RuntimeError as exc:
            client.close()
            raise KernelDied(
                f"the kernel {kernel_name!r} did not start: {run.lease.lost().rstrip('.') or exc}."
            ) from exc
        ready = time.monotonic()
        client.meter.begin()
        watchdog = threading.Timer(GENEROUS * run.limits.wall_s + WATCHDOG_S, run.lease.stop)
        watchdog.daemon = True
        watchdog.start()
        # The kernel is ready and no cell has run: from here on errors may be the notebook's.
        run.begin()
        walked = ready
        try:
            client.papermill_execute_cells()
            walked = time.monotonic()
            # While the kernel lives: entry points are objects in it.
            run.ask(client)
        except WorldEnded as exc:
            client.dead, client.broken = True, exc.words
        finally:
            watchdog.cancel()
            # Read before the kernel ends, which takes its clocks and counters along.
            now, peak_mb = client.meter.reading(), run.lease.usage().peak_mb
            run.lease.stop()
            client.close()
        options["report"](
            Execution(
                # A copy: papermill goes on to put cells about the first error into its own.
                notebook=copy.deepcopy(nb_man.nb),
                failed=tuple(client.failed),
                hits=dict(client.hits),
                dead=client.dead,
                broken=client.broken,
                kernel_s=ready - begin,
                execute_s=walked - ready,
                probe_s=time.monotonic() - walked,
                wall_s=client.meter.charged_s(now),
                cell_s=client.cell_s,
                overloaded=client.meter.overloaded(now),
                peak_mb=peak_mb,
                near_memory=is_near(peak_mb, run.limits),
                gpu_full=client.gpu_full,
                output_bytes=client.allowance.spent_bytes,
            )
        )


logging.getLogger("papermill").setLevel(logging.ERROR)


def run(notebook: NotebookNode, given: Run, parameters: Mapping[str, Any]) -> Execution:
    """Execute a notebook with papermill in the leased kernel.

    Args:
        notebook: a valid nbformat 4 notebook with a cell tagged `parameters`; it is not changed.
        given: the kernel, the limits, what to ask afterwards.
        parameters: values to inject.

    Raises:
        KernelDied: the kernel never got ready, or was lost through no fault of the notebook: ours to mend.
    """
    reports: list[Execution] = []
    # Raised for any cell with an error, after the report was made; here that is nothing unusual.
    with contextlib.suppress(PapermillExecutionError):
        papermill.execute_notebook(
            copy.deepcopy(notebook),
            None,
            parameters=dict(parameters),
            engine_name="pawgrade",
            kernel_name=given.lease.manager.kernel_name,
            progress_bar=False,
            run=given,
            report=reports.append,
        )
    if not reports:
        raise KernelDied("the notebook was never executed.")
    return reports[0]


def _error(name: str, text: str) -> NotebookNode:
    return nbformat.v4.new_output("error", ename=name, evalue=text, traceback=[f"{name}: {text}"])
