"""The zygote: a single-threaded process in the box that has imported the heavy libraries and forks kernels.

Forks inherit all of its memory, so it may know nothing: no secret, no label, no other student's work. It checks itself
after each import of its preload list; a module that starts threads, opens files, touches a GPU or sets a secret is
left out, by name, by starting again without it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from grader import kernel_env, visible
from grader.sandbox.inside import isolation, syscalls
from grader.sandbox.packets import MAX_MESSAGE
from grader.sandbox.paths import CHANNELS

SECRET = re.compile(r"(?i)(secret|token|passw|credential|api_?key|access_?key)")


def main() -> None:
    """Run the zygote; its argument is JSON: `control` (descriptor), `preload`, `left_out`, `warm`."""
    begin = time.monotonic()
    config = json.loads(sys.argv[1])
    control = socket.socket(fileno=config["control"])
    # A ends as soon as it has forked B: without this B would go to the box's pid 1 instead of us.
    syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    left_out = preload(config)
    kernel = _warm_kernel() if config["warm"] else _cold_kernel()
    # Garbage first, or the permanent generation would hold it for ever.
    gc.collect()
    gc.freeze()  # forks share these pages as long as nobody writes to them
    ready = {"event": "ready", "left_out": left_out, "seconds": round(time.monotonic() - begin, 2)}
    control.send(json.dumps(ready).encode())
    serve(control, kernel)


def preload(config: dict[str, Any]) -> dict[str, str]:
    """Import the modules of the list; return why some were left out, by name."""
    left_out: dict[str, str] = config["left_out"]
    for name in config["preload"]:
        if name in left_out:
            continue
        before = _traces()
        try:
            importlib.import_module(name)
        except Exception as exc:
            left_out[name] = f"{type(exc).__name__}: {exc}"[:200]
            continue
        if reason := _broken_rule(before):
            left_out[name] = reason
            config = {**config, "left_out": left_out}
            # What a module has done to the process cannot be undone: a new one skips it.
            again = [sys.executable, "-P", "-m", "grader.sandbox.inside.zygote", json.dumps(config)]
            os.execv(sys.executable, again)  # noqa: S606 - the descriptor of `control` goes along
    return left_out


def _traces() -> dict[str, set[str]]:
    return {"files": _open_files(), "secrets": {name for name in os.environ if SECRET.search(name)}}


def _broken_rule(before: dict[str, set[str]]) -> str:
    """Return which rule of a zygote the last import has broken, "" if none."""
    # The system's count: threads of a C library are in no list of Python's.
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads > 1:
        return f"starts {threads - 1} threads when it is imported: forks of it would hang"
    after = _traces()
    # A fork closes whatever it was not given: the module would miss its file there.
    if opened := after["files"] - before["files"]:
        return f"leaves files open when it is imported: {', '.join(sorted(opened))[:150]}"
    if set_ := after["secrets"] - before["secrets"]:
        return f"sets {', '.join(sorted(set_))[:150]} in the environment, which every kernel would see"
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        return "creates a CUDA context when it is imported: forks of it could not use the GPU"
    return ""


def _open_files() -> set[str]:
    targets = set()
    for path in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            targets.add(str(path.readlink()))
    # The listing itself has /proc/self/fd open.
    return {name for name in targets if not name.startswith("/proc/")}


def serve(control: socket.socket, kernel: Callable[..., None]) -> None:
    """Fork a kernel for each request until the keeper hangs up."""
    signal.signal(signal.SIGCHLD, _reap)
    while True:
        # 16: B's line, the archive and five channels, with room to spare.
        message, descriptors, _, _ = socket.recv_fds(control, MAX_MESSAGE, 16)
        if not message:
            return
        request = json.loads(message)
        if request.get("do") == "ping":
            control.send(b'{"event": "pong"}')
            continue
        if os.fork() == 0:
            # The handler would collect children that the fork itself waits for.
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _become_kernel(request, descriptors, control, kernel)
        for number in descriptors:
            # The fork has its own; a copy here would keep sockets open after the kernel's end.
            os.close(number)


def _become_kernel(
    request: dict[str, Any], descriptors: list[int], control: socket.socket, kernel: Callable[..., None]
) -> None:
    """In the fork: close all descriptors of the zygote, then become a kernel."""
    # Not closed twice: the next line closes the descriptor by its number.
    control.detach()
    isolation.close_all_but([0, 1, 2, *descriptors])
    line, archive, *listening = descriptors
    isolation.enter(request, socket.socket(fileno=line), lambda full: kernel(full, archive, listening))


def _reap(*_: object) -> None:
    with contextlib.suppress(ChildProcessError):
        # Signals of one kind are merged: one call, perhaps several children.
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _warm_kernel() -> Callable[..., None]:
    """Return the function that runs ipykernel in the fork itself."""
    from grader.sandbox.inside import kernel_app

    app = kernel_app.prepare()

    def run(request: dict[str, Any], archive: int, listening: list[int]) -> None:
        kernel_app.unpack(archive)
        isolation.threads(request["limits"]["cpus"])
        if os.environ.get("CUDA_VISIBLE_DEVICES"):
            kernel_env.apply()
        # A loop from before the fork has lost its descriptors: `_become_kernel` closed them.
        kernel_app.fresh_loop()
        visible.guard(os.environ.get(visible.WITHHELD_VARIABLE, "").split())
        channels = dict(zip(CHANNELS, listening, strict=True))
        kernel_app.run(app, channels, request["key"].encode(), request.get("arguments", ()))

    return run


def _cold_kernel() -> Callable[..., None]:
    """Return the function that starts a new interpreter in the fork: nothing is shared, everything is imported again."""

    def run(request: dict[str, Any], archive: int, listening: list[int]) -> None:
        for number in (archive, *listening):
            os.set_inheritable(number, True)
        config = {
            "archive": archive, "listening": listening, "key": request["key"],
            "arguments": request.get("arguments", ()),
        }  # fmt: skip
        line = [sys.executable, "-P", "-m", "grader.sandbox.inside.cold_start", json.dumps(config)]
        os.execv(sys.executable, line)  # noqa: S606

    return run


if __name__ == "__main__":
    main()
