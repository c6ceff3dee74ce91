"""A kernel as the contracts see it: jupyter_client's own manager and blocking client, none of our engine."""

from __future__ import annotations

import ast
import contextlib
import os
import queue
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client import KernelManager
from jupyter_client.blocking.client import BlockingKernelClient

from grader.limits import Limits

BESIDE = Path(__file__).parent / "beside"
START_S = 120.0


@dataclass
class Outcome:
    """What one cell gave.

    Attributes:
        text: everything on stdout.
        stderr: everything on stderr.
        displays: MIME bundles of displays and of the result, in order.
        updates: MIME bundles of updated displays.
        error: the exception's name, or "".
        traceback_text: the traceback as sent, colours included.
        status: `ok`, `error`, `aborted`, or `silent` when no reply came in time.
    """

    text: str = ""
    stderr: str = ""
    displays: list[dict[str, Any]] = field(default_factory=list)
    updates: list[dict[str, Any]] = field(default_factory=list)
    error: str = ""
    traceback_text: str = ""
    status: str = "silent"

    @property
    def result(self) -> str:
        """The last display as plain text."""
        return str(self.displays[-1]["text/plain"]) if self.displays else ""

    def take(self, message: Mapping[str, Any]) -> bool:
        """Note one iopub message; return whether the cell is over."""
        kind, content = message["msg_type"], message["content"]
        if kind == "stream" and content["name"] == "stdout":
            self.text += content["text"]
        elif kind == "stream":
            self.stderr += content["text"]
        elif kind in {"display_data", "execute_result"}:
            self.displays.append(content["data"])
        elif kind == "update_display_data":
            self.updates.append(content["data"])
        elif kind == "error":
            self.error, self.traceback_text = content["ename"], "\n".join(content["traceback"])
        return bool(kind == "status" and content.get("execution_state") == "idle")


class Kernel:
    """One running kernel and its client; `close` ends both."""

    def __init__(
        self,
        provider: str,
        cwd: Path,
        *,
        limits: Limits | None = None,
        arguments: Sequence[str] = (),
        **config: Any,
    ) -> None:
        self.provider = provider
        self.cwd = cwd
        self.closed = False
        self.manager = _manager(provider, limits, **config)
        # What a second start of the same manager is given, too.
        self.start = {"cwd": str(cwd), "env": _environment(provider, cwd), "extra_arguments": list(arguments)}
        try:
            self.manager.start_kernel(**self.start)
            self.client = self._connected()
        except BaseException:
            _end(self.manager)
            raise

    def run(self, code: str, timeout_s: float = 30) -> Outcome:
        """Run a cell to its end and fail when it has none within `timeout_s`."""
        request = self.begin(code)
        outcome = self.finish(request, timeout_s)
        if outcome.status == "silent":
            raise TimeoutError(f"{self.provider}: no reply within {timeout_s} s to {code!r}; got {outcome}")
        return outcome

    def value(self, expression: str, timeout_s: float = 30) -> str:
        """Evaluate an expression and return its `print`ed form."""
        outcome = self.run(f"print({expression}, end='')", timeout_s)
        if outcome.error:
            raise RuntimeError(f"{self.provider}: {expression}\n{outcome.traceback_text}")
        return outcome.text

    def literal(self, expression: str, timeout_s: float = 30) -> Any:
        """Evaluate an expression and return its value: numbers, texts and collections of them."""
        return ast.literal_eval(self.value(expression, timeout_s))

    def begin(self, code: str) -> str:
        """Send a cell; return the request's id."""
        return str(self.client.execute(code, allow_stdin=False))

    def wait_for(self, request: str, text: str, timeout_s: float = 30) -> Outcome:
        """Read a running cell's messages until its stdout holds `text`."""
        return self._read(request, timeout_s, lambda outcome, idle: text in outcome.text or idle)

    def finish(self, request: str, timeout_s: float = 30) -> Outcome:
        """Read a cell's messages to the end, then its reply; `silent` when there is none in time or it died."""
        deadline = time.monotonic() + timeout_s
        outcome = self._read(request, timeout_s, lambda _, idle: idle)
        while time.monotonic() < deadline and self.manager.is_alive():
            with contextlib.suppress(queue.Empty):
                reply = self.client.get_shell_msg(timeout=0.2)
                if reply["parent_header"].get("msg_id") == request:
                    outcome.status = reply["content"]["status"]
                    return outcome
        return outcome

    def dies(self, timeout_s: float) -> bool:
        """Wait for the kernel's end; return whether it came in time."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if not self.manager.is_alive():
                return True
            time.sleep(0.02)
        return False

    def is_alive(self) -> bool:
        """Whether the manager believes that the kernel runs."""
        return not self.closed and bool(self.manager.is_alive())

    def interrupt(self) -> None:
        """Interrupt the running cell, as a notebook's stop button does."""
        self.manager.interrupt_kernel()

    def restart(self) -> None:
        """Restart as notebooks do; the client stays the same."""
        self.manager.restart_kernel(now=True)
        self.client.wait_for_ready(timeout=START_S)

    def close(self, *, now: bool = True) -> None:
        """End the kernel, its client and the sockets of both; once is enough."""
        if self.closed:
            return
        self.closed = True
        self.client.stop_channels()
        _end(self.manager, now=now)

    def _connected(self) -> BlockingKernelClient:
        client = self.manager.client()
        try:
            client.start_channels()
            client.wait_for_ready(timeout=START_S)
        except BaseException:
            client.stop_channels()
            raise
        return client

    def _read(self, request: str, timeout_s: float, over: Any) -> Outcome:
        outcome, deadline = Outcome(), time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            try:
                message = self.client.get_iopub_msg(timeout=0.2)
            except ValueError:
                continue  # not a message, or not signed: jupyter_client says so this way, and the next one may be
            except queue.Empty:
                if not self.manager.is_alive():
                    break
                continue
            if message["parent_header"].get("msg_id") != request:
                continue
            if over(outcome, outcome.take(message)):
                break
        return outcome


@contextlib.contextmanager
def running(provider: str, cwd: Path, **options: Any) -> Iterator[Kernel]:
    """Start a kernel of one's own beside the files that notebooks have, and end it; the options are those of `Kernel`."""
    kernel = Kernel(provider, notebook_folder(cwd), **options)
    try:
        yield kernel
    finally:
        kernel.close()


def notebook_folder(folder: Path) -> Path:
    """Fill a folder with what lies beside the notebooks of these tests."""
    shutil.copytree(BESIDE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def _manager(provider: str, limits: Limits | None, **config: Any) -> KernelManager:
    if provider == "stock":
        return KernelManager(kernel_name="python3")
    from grader.sandbox import kernelspecs

    manager = KernelManager()
    manager._kernel_spec = kernelspecs.kernel_spec(
        warm=provider == "warm", limits=limits or Limits(), **config
    )
    return manager


def _environment(provider: str, cwd: Path) -> dict[str, str]:
    """The grader's own environment: a sandbox keeps it out, and a stock kernel writes to no real home."""
    own_home = {"HOME": str(cwd), "IPYTHONDIR": str(cwd / ".ipython")} if provider == "stock" else {}
    return {**os.environ, **own_home}


def _end(manager: KernelManager, *, now: bool = True) -> None:
    try:
        if manager.has_kernel:
            manager.shutdown_kernel(now=now)
    finally:
        manager.cleanup_resources()
