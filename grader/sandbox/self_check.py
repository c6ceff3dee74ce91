"""Real trials of everything that a sandboxed kernel stands on: what works here, what does not, and the command that mends it.

Nothing is concluded from a version number. Each trial does what a kernel does, in a process of its own (`self_check_child`).
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from grader.errors import GraderError, InfrastructureError, KernelDied

if TYPE_CHECKING:  # they import only on Linux, and this module says so to everybody else
    from grader.sandbox.host.bubblewrap import Box
    from grader.sandbox.host.cgroups import Hierarchy

NOT_FOUND = 127  # as shells have it
PATIENCE_S = 30.0  # for a trial that takes a tenth of a second on a quiet machine
START_S = 180.0  # for a zygote's imports
TRIAL_MB, TRIAL_PROCESSES = 64, 16
NEEDS_LANDLOCK = (
    "It takes Linux 5.13 and `landlock` in the kernel's parameter `lsm`: look at /sys/kernel/security/lsm, "
    "add it to GRUB_CMDLINE_LINUX in /etc/default/grub, then update-grub and reboot. In an old container engine, "
    "update it: its own filter hides Landlock"
)
NEEDS_LIBSECCOMP = "apt-get install libseccomp2  (Fedora: dnf install libseccomp)"
IN_A_CONTAINER = (
    "in Docker or Podman start the container with --security-opt seccomp=unconfined --security-opt apparmor=unconfined "
    "--security-opt systempaths=unconfined, and as root also with --cap-add SYS_ADMIN"
)

# Settings of the system: what to set, and which values refuse namespaces to ordinary users.
SWITCHES: tuple[tuple[str, str, Callable[[str], bool]], ...] = (
    ("kernel.unprivileged_userns_clone", "1", lambda value: value == "0"),  # Debian's own
    ("user.max_user_namespaces", "15000", lambda value: value.isdigit() and int(value) < 16),
    ("kernel.apparmor_restrict_unprivileged_userns", "0", lambda value: value == "1"),  # Ubuntu's own
)


@dataclass(frozen=True)
class Fact:
    """One finding.

    Attributes:
        what: what was looked at.
        state: `good`; `missing`: something cannot be done; `bad`: nothing can be graded.
        found: what is there.
        advice: what follows, and the command that mends it; "" when good.
    """

    what: str
    state: Literal["good", "missing", "bad"]
    found: str
    advice: str = ""


@dataclass(frozen=True)
class Launches:
    """How sandboxed kernels started.

    Attributes:
        first_s: seconds to the first reply of the first kernel; it starts the zygote if there is none.
        second_s: the same for the next one.
        left_out: modules that were not preloaded, and why.
    """

    first_s: float
    second_s: float
    left_out: Mapping[str, str]


def sandbox_problem(system: str = sys.platform) -> Fact | None:
    """Return the first thing for which no sandboxed kernel can run here, or None; half a second when all is well.

    Args:
        system: as `sys.platform` names it.
    """
    if system == "linux":
        # One process tries everything; only when it fails do single trials look for what is missing.
        quick = _everything()
        if quick.state == "good":
            return next((fact for fact in _surroundings() if fact.state == "bad"), None)
        return next((fact for fact in mechanisms(system) if fact.state == "bad"), quick)
    return next(mechanisms(system))


def _everything() -> Fact:
    """Try in one process what `mechanisms` tries one by one."""
    from grader.sandbox import uids
    from grader.sandbox.host.bubblewrap import Box, interpreter

    try:
        box = Box(interpreter(sys.executable), first_uid=uids.block(os.getpid()))
        return _fact(
            "sandbox", _run_in_box(box, *_trial(box.python.executable, "everything")), IN_A_CONTAINER
        )
    except GraderError as exc:
        return Fact("sandbox", "bad", str(exc.message), str(exc.hint))


def mechanisms(system: str = sys.platform) -> Iterator[Fact]:
    """Try everything that a sandboxed kernel stands on, one by one, without starting one."""
    if system != "linux":
        yield Fact(
            "sandbox",
            "bad",
            f"{system}: sandboxed kernels need Linux",
            "Grade in a Linux container or on a cluster; `pawgrade check` works here",
        )
        return
    yield from _boxed()
    yield _alone("Landlock", "files", NEEDS_LANDLOCK)
    yield _alone("system call filter", "calls", NEEDS_LIBSECCOMP)
    yield from _surroundings()


def _surroundings() -> Iterator[Fact]:
    from grader.sandbox.host import cgroups

    yield control_groups(cgroups.find())
    yield _runtime_folder()


def _boxed() -> Iterator[Fact]:
    """Make a box as kernels have it; try in it what a zygote and its kernels do there."""
    from grader.sandbox import uids
    from grader.sandbox.bwrap import NEEDS_BWRAP, find_bwrap
    from grader.sandbox.host.bubblewrap import Box, interpreter

    try:
        bwrap = find_bwrap()
    except GraderError as exc:
        yield Fact("bubblewrap", "bad", str(exc.message), str(exc.hint))
        return
    try:
        box = Box(interpreter(sys.executable), first_uid=uids.block(os.getpid()))
    except GraderError as exc:
        yield Fact("interpreter", "bad", str(exc.message), str(exc.hint))
        return
    done = _run_in_box(box, "true")
    if done.returncode:
        advice = NEEDS_BWRAP if done.returncode == NOT_FOUND else mend_namespaces()
        yield Fact("bubblewrap", "bad", f"it makes no box: {_last(done.stderr)}", advice)
        return
    version = _run([bwrap.path, "--version"], cwd="/", env={}).stdout.strip()
    yield Fact("bubblewrap", "good", f"{version}, {bwrap.origin}: makes a box")
    for what, trial, advice in (
        ("interpreter", "interpreter", _reach(box)),
        ("nested namespaces", "namespaces", mend_namespaces()),
        ("fresh /proc", "proc", mend_namespaces()),
    ):
        yield _fact(what, _run_in_box(box, *_trial(box.python.executable, trial)), advice)


def _reach(box: Box) -> str:
    return (
        f"A box shows the system's folders and {', '.join(box.python.folders)}, nothing else: install what is "
        f"missing into that environment: {sys.executable} -m pip install --force-reinstall pawgrade"
    )


def _alone(what: str, trial: str, advice: str) -> Fact:
    """Try something in a process of its own, outside of any box."""
    with tempfile.TemporaryDirectory() as folder:
        return _fact(what, _run(_trial(sys.executable, trial), cwd=folder, env=os.environ), advice)


def control_groups(hierarchy: Hierarchy | None) -> Fact:
    """Make a group, put a process into it, end the process through it, remove it.

    Args:
        hierarchy: where; None: nowhere.
    """
    from grader.sandbox.host import cgroups

    what = "control groups"
    if hierarchy is None:
        fallback = "none: memory is watched instead, processes are limited by RLIMIT_NPROC"
        return Fact(what, "missing", fallback, f"Grading works. {cgroups.ADVICE}")
    # Alive for longer than the trial takes, and ended through the group.
    child = subprocess.Popen([sys.executable, "-ISc", "import time; time.sleep(60)"])
    try:
        group = hierarchy.create(f"pawgrade-doctor-{os.getpid()}", TRIAL_MB, TRIAL_PROCESSES)
        try:
            group.add(child.pid)
            group.usage()
            group.kill()
            child.wait(timeout=5)
        finally:
            child.kill()
            child.wait()
            group.remove()
    except (GraderError, OSError, subprocess.TimeoutExpired) as exc:
        return Fact(what, "bad", str(exc), cgroups.ADVICE)
    finally:
        child.kill()
        child.wait()
    return Fact(what, "good", hierarchy.describe())


def _runtime_folder() -> Fact:
    """Listen on a socket where the keepers of zygotes do."""
    from grader.sandbox.host.client import runtime_folder

    what = "runtime folder"
    try:
        folder = runtime_folder()
        with (
            tempfile.TemporaryDirectory(prefix="", dir=folder) as name,
            socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener,
        ):
            listener.bind(f"{name}/socket")
            listener.listen()
    except GraderError as exc:
        return Fact(what, "bad", str(exc.message), str(exc.hint))
    except OSError as exc:
        advice = "export XDG_RUNTIME_DIR=$(mktemp -d)  (short, on a local disk, yours alone)"
        return Fact(what, "bad", f"no socket can be made: {exc.strerror or exc}", advice)
    return Fact(what, "good", str(folder))


def whole(preload: Sequence[str] | None = None) -> Fact:
    """Start two sandboxed kernels, as grading does.

    Args:
        preload: modules for the zygote; None: those that grading has.
    """
    from grader.sandbox import kernelspecs

    chosen = kernelspecs.PRELOAD if preload is None else preload
    try:
        done = launches(kernelspecs.kernel_spec(preload=chosen))
    except GraderError as exc:
        return Fact("sandbox", "bad", str(exc.message), str(exc.hint))
    timings = (
        f"a kernel answers in {done.second_s:.2f} s; the first one, with the zygote, in {done.first_s:.1f} s"
    )
    if not done.left_out:
        return Fact("sandbox", "good", timings)
    names = "; ".join(f"{name}: {why}" for name, why in done.left_out.items())
    advice = "Grading works; each notebook imports these anew. Install what is missing, or leave it out of the list"
    return Fact("sandbox", "missing", f"{timings}. Not preloaded: {names}", advice)


def launches(spec: Any) -> Launches:  # noqa: ANN401 - a jupyter_client.kernelspec.KernelSpec
    """Start a kernel, let it answer, end it; and again.

    Raises:
        GraderError: there was none, or it did not answer.
    """
    first_s, left_out = _launch(spec)
    second_s, _ = _launch(spec)
    return Launches(first_s, second_s, left_out)


def _launch(spec: Any) -> tuple[float, Mapping[str, str]]:  # noqa: ANN401
    import logging

    from jupyter_client import KernelManager

    log = logging.Logger("trial")  # one that nobody hears
    log.addHandler(logging.NullHandler())
    manager = KernelManager(log=log)
    # By hand: a kernel manager finds only kernelspecs that are installed.
    manager._kernel_spec = spec
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        try:
            manager.start_kernel(cwd=folder)
            client = manager.client()
            try:
                client.start_channels()
                client.execute("1 + 1")
                _wait(manager, client)
                return time.monotonic() - begin, dict(manager.provisioner.connection.left_out)
            finally:
                client.stop_channels()
        finally:
            with contextlib.suppress(KernelDied):  # it cannot even be asked to end
                if manager.has_kernel:
                    manager.shutdown_kernel(now=True)
            manager.cleanup_resources()


def _wait(manager: Any, client: Any) -> None:  # noqa: ANN401 - jupyter_client's
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            client.get_shell_msg(timeout=0.2)
        except queue.Empty:
            connection = manager.provisioner.connection
            # It lives and has not answered yet: a zygote's imports take their time.
            if connection is not None and connection.poll() is None:
                continue
            words = _last(connection.last_words) if connection else ""
            raise InfrastructureError(
                f"a sandboxed kernel ended at once: {words or 'it said nothing'}."
            ) from None
        else:
            return
    raise InfrastructureError(
        f"a sandboxed kernel did not answer within {START_S:.0f} s.", "Is the machine busy?"
    )


def mend_namespaces(root: Path = Path("/proc/sys")) -> str:
    """Say what lets ordinary users make namespaces on this system, from its settings.

    Args:
        root: where the system shows its settings.
    """
    wrong = [f"{name}={good}" for name, good, refuses in SWITCHES if refuses(_setting(root, name))]
    if not wrong:
        return f"Something refuses namespaces that sysctl does not show: {IN_A_CONTAINER}"
    lines = " && ".join(f"sysctl -w {line}" for line in wrong)
    return f"As root: {lines}; to keep it, write the same lines to /etc/sysctl.d/60-pawgrade.conf"


def _setting(root: Path, name: str) -> str:
    try:
        return root.joinpath(*name.split(".")).read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _trial(executable: str, name: str) -> list[str]:
    # -P: modules in the current folder are not imported in place of installed ones.
    return [executable, "-P", "-m", "grader.sandbox.self_check_child", name]


def _run_in_box(box: Box, *command: str) -> subprocess.CompletedProcess[str]:
    from grader.sandbox.host.bubblewrap import stage_prefix

    line = box.command("", stage_prefix())
    # The box as kernels have it, with another program in the zygote's place.
    line = [*line[: line.index("--") + 1], *command]
    return _run(line, cwd="/", env={"PATH": "/usr/bin:/bin"}, prepare=box.prepare())


def _run(
    line: Sequence[str], *, cwd: str, env: Mapping[str, str], prepare: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a trial; one that cannot even begin, or does not end, has failed."""
    try:
        return subprocess.run(
            line,
            capture_output=True,
            text=True,
            check=False,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            timeout=PATIENCE_S,
            preexec_fn=prepare,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(line, 1, "", f"no answer within {PATIENCE_S:.0f} s")
    except OSError as exc:  # as root: a program that only root can reach
        return subprocess.CompletedProcess(line, NOT_FOUND, "", f"{exc.filename}: {exc.strerror}")
    except subprocess.SubprocessError:  # Python does not say what went wrong in `prepare`
        return subprocess.CompletedProcess(line, 1, "", "its mounts cannot be made, or root not be given up")


def _fact(what: str, done: subprocess.CompletedProcess[str], advice: str) -> Fact:
    """Conclude from what a trial printed."""
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        answer = {"problem": _last(done.stderr) or f"the trial ended with code {done.returncode}"}
    if "problem" in answer:
        return Fact(what, "bad", answer["problem"], advice)
    return Fact(what, "good", answer["found"])


def _last(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1][:300]
