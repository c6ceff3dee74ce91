"""papermill's own way to run a notebook, without its fixed waits.

jupyter_client waits 0.2 s for silence before the first cell, libzmq 0.1 s between two tries to connect, and a kernel
that was killed is looked at every 0.1 s. None of that is needed: an answer can be told from silence.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from queue import Empty
from typing import Any

import zmq
from jupyter_client.utils import run_sync
from nbclient.exceptions import DeadKernelError
from nbclient.util import run_hook
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine
from papermill.log import logger

RECONNECT_MS = 10
ALIVE_S = 0.1  # between two looks at whether a silent kernel lives
HEARD_S = 0.05  # a kernel that has answered is heard on iopub within this, or it is asked again
KILL_S, LOOK_S = 5.0, 0.005


async def until_ready(client: Any, timeout_s: float) -> dict[str, Any]:  # noqa: ANN401 - any async kernel client
    """Wait until a kernel has answered, and has been heard on iopub, too.

    Returns:
        Its `kernel_info_reply`.

    Raises:
        RuntimeError: it died while starting, or did not answer in time.
    """
    deadline = time.monotonic() + timeout_s
    asked: set[str] = set()
    while True:
        asked.add(client.kernel_info())
        reply = await _answer(client.shell_channel, asked, client, deadline)
        heard_by = min(time.monotonic() + HEARD_S, deadline)
        with contextlib.suppress(Empty):  # else the subscription came too late for this answer
            await _next(client.iopub_channel, asked, heard_by)
            return reply


async def _answer(channel: Any, asked: set[str], client: Any, deadline: float) -> dict[str, Any]:  # noqa: ANN401
    while time.monotonic() < deadline:
        with contextlib.suppress(Empty, DeadKernelError):
            return await _next(channel, asked, min(time.monotonic() + ALIVE_S, deadline))
        if not await client.is_alive():
            raise RuntimeError("its process ended while it was starting")
        if getattr(channel, "closed", False):
            raise RuntimeError("it closed the connection while it was starting")
    raise RuntimeError("it did not answer in time")


async def _next(channel: Any, asked: set[str], until: float) -> dict[str, Any]:  # noqa: ANN401
    """Return the next message that answers one of our requests."""
    while True:
        message: dict[str, Any] = await channel.get_msg(timeout=max(0.0, until - time.monotonic()))
        if message["parent_header"].get("msg_id") in asked:
            return message


class StockClient(PapermillNotebookClient):  # type: ignore[misc]
    """papermill's client: stops at the first error, and does not wait for nothing."""

    async def async_start_new_kernel(self, **options: Any) -> None:  # noqa: ANN401 - nbclient's own
        """Start the kernel."""
        self.km.context.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
        await super().async_start_new_kernel(**options)

    start_new_kernel = run_sync(async_start_new_kernel)

    async def async_start_new_kernel_client(self) -> Any:  # noqa: ANN401 - a kernel client
        """Connect to the kernel and wait until it answers."""
        self.kc = self.km.client()
        try:
            self.kc.start_channels()
            reply = await until_ready(self.kc, self.startup_timeout)
            self.kc._handle_kernel_info_reply(reply)
        except RuntimeError as exc:
            await self._async_cleanup_kernel()
            raise RuntimeError(f"the kernel {self.kernel_name!r} did not start: {exc}.") from exc
        except BaseException:
            await self._async_cleanup_kernel()
            raise
        self.kc.allow_stdin = False
        await run_hook(self.on_notebook_start, notebook=self.nb)
        return self.kc

    start_new_kernel_client = run_sync(async_start_new_kernel_client)

    async def _async_cleanup_kernel(self) -> None:
        """End the kernel; without its leave, unless the caller asked for a graceful end."""
        if self.shutdown_kernel == "immediate" and self.km.has_kernel:
            await self.km.provisioner.kill()
            deadline = time.monotonic() + KILL_S
            while await self.km.is_alive() and time.monotonic() < deadline:
                await asyncio.sleep(LOOK_S)
        await super()._async_cleanup_kernel()

    _cleanup_kernel = run_sync(_async_cleanup_kernel)


class StockEngine(Engine):  # type: ignore[misc]
    """papermill's engine for anybody's notebook and any kernel."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,  # noqa: ANN401 - papermill's
        kernel_name: str,
        start_timeout: int = 60,
        execution_timeout: int | None = None,
        **options: Any,  # noqa: ANN401 - papermill's
    ) -> None:
        """Run the notebook as papermill's own engine does.

        Args:
            nb_man: papermill's view of the notebook.
            kernel_name: the kernelspec's name.
            start_timeout: seconds that the kernel may take to start.
            execution_timeout: seconds that a cell may take; None: any time.
            options: those of nbclient.
        """
        timeout = execution_timeout or options.get("timeout")
        ours = {"shutdown_kernel": "immediate", "log": logger, **options}
        for name in ("input_path", "timeout", "startup_timeout"):
            ours.pop(name, None)
        StockClient(
            nb_man, kernel_name=kernel_name, timeout=timeout, startup_timeout=start_timeout, **ours
        ).execute()
