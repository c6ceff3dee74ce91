"""Attempts that a hostile notebook makes, in words: each says what came of it.

An attempt's outcome is one line: `refused: ENAME` with the error's name, or `done: ...` with what it won.
"""

# An attacker calls the system as it is.
# ruff: noqa: PTH115, PTH118, PTH123, PTH208

from __future__ import annotations

import ctypes
import errno
import functools
import os
import platform
import socket
from collections.abc import Callable
from pathlib import Path

_X86 = {
    "ptrace": 101, "syslog": 103, "personality": 135, "pivot_root": 155, "chroot": 161, "acct": 163, "settimeofday": 164,
    "mount": 165, "umount2": 166, "swapon": 167, "reboot": 169, "sethostname": 170, "iopl": 172, "init_module": 175,
    "quotactl": 179, "clock_settime": 227, "kexec_load": 246, "add_key": 248, "request_key": 249, "keyctl": 250,
    "unshare": 272, "move_pages": 279, "perf_event_open": 298, "fanotify_init": 300, "name_to_handle_at": 303,
    "open_by_handle_at": 304, "setns": 308, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312,
    "finit_module": 313, "bpf": 321, "userfaultfd": 323, "io_setup": 206, "vhangup": 153,
}  # fmt: skip
_ARM = {
    "ptrace": 117, "syslog": 116, "personality": 92, "pivot_root": 41, "chroot": 51, "acct": 89, "settimeofday": 170,
    "mount": 40, "umount2": 39, "swapon": 224, "reboot": 142, "sethostname": 161, "init_module": 105,
    "quotactl": 60, "clock_settime": 112, "kexec_load": 104, "add_key": 217, "request_key": 218, "keyctl": 219,
    "unshare": 97, "move_pages": 239, "perf_event_open": 241, "fanotify_init": 262, "name_to_handle_at": 264,
    "open_by_handle_at": 265, "setns": 268, "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272,
    "finit_module": 273, "bpf": 280, "userfaultfd": 282, "io_setup": 0, "vhangup": 58,
}  # fmt: skip
_EVERYWHERE = {
    "io_uring_setup": 425, "open_tree": 428, "move_mount": 429, "fsopen": 430, "clone3": 435, "pidfd_getfd": 438,
    "process_madvise": 440, "mount_setattr": 442, "memfd_secret": 447,
}  # fmt: skip
NUMBERS = {**(_ARM if platform.machine() == "aarch64" else _X86), **_EVERYWHERE}
_way: list[tuple[socket.socket, socket.socket]] = []  # what travels lives as long as its road
NOT_SEARCHED = ("/proc", "/sys", "/usr", "/lib", "/lib64")


def attempt(act: Callable[[], object]) -> str:
    """Do it, and say what came of it."""
    try:
        won = act()
    except OSError as exc:
        return f"refused: {errno.errorcode.get(exc.errno or 0, type(exc).__name__)}"
    except Exception as exc:
        return f"refused: {type(exc).__name__}"
    return f"done: {won!r:.300}"


def syscall(name: str, *arguments: object) -> str:
    """Make a system call as C does, past every courtesy of Python."""
    if name not in NUMBERS:
        return "refused: ENOSYS"
    libc = ctypes.CDLL(None, use_errno=True)
    padded = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    ctypes.set_errno(0)
    won = libc.syscall(ctypes.c_long(NUMBERS[name]), *padded, *[ctypes.c_long(0)] * (6 - len(padded)))
    return f"done: {won}" if won != -1 else f"refused: {errno.errorcode[ctypes.get_errno()]}"


def with_open(path: str, act: Callable[[int], str]) -> str:
    """Do it with a descriptor of a file, which is closed afterwards."""
    number = os.open(path, os.O_RDONLY)
    try:
        return act(number)
    finally:
        os.close(number)


def opened(path: str, mode: str = "rb") -> str:
    """Open a file, read a little of it or append nothing to it."""

    def act() -> object:
        with open(path, mode) as file:
            return file.read(200) if "r" in mode else file.write(b"")

    return attempt(act)


def written(path: str, text: bytes) -> str:
    """Write into a file that exists already."""

    def act() -> int:
        descriptor = os.open(path, os.O_WRONLY)
        try:
            return os.write(descriptor, text)
        finally:
            os.close(descriptor)

    return attempt(act)


def made(folder: str) -> str:
    """Make a file in a folder and remove it again."""

    def act() -> str:
        path = Path(folder, f"made-by-{os.getpid()}")
        path.write_text("x")
        path.unlink()
        return str(path)

    return attempt(act)


def connected(
    address: str | tuple[str, int], family: int = socket.AF_UNIX, kind: int = socket.SOCK_STREAM
) -> str:
    """Connect to somebody."""

    def act() -> str:
        with socket.socket(family, kind) as wire:
            wire.settimeout(3)
            wire.connect(address)
            return "connected"

    return attempt(act)


def a_socket(family: int, kind: int = socket.SOCK_RAW, protocol: int = 0) -> str:
    """Open a socket of some family."""

    def act() -> str:
        with socket.socket(family, kind, protocol) as wire:
            return repr(wire.family)

    return attempt(act)


def found(word: str, top: str = "/") -> list[str]:
    """Look for file names that hold a word, wherever a name can be seen."""
    hits = []
    for folder, below, files in os.walk(top):
        below[:] = [
            name
            for name in below
            if os.path.join(folder, name) not in NOT_SEARCHED and name != "site-packages"
        ]
        hits += [os.path.join(folder, name) for name in (*below, *files) if word in name]
    return hits


def told_by_processes(word: str) -> list[str]:
    """Look for a word in everything that /proc tells of each visible process."""
    hits = []
    for pid in pids():
        for name in ("environ", "cmdline", "maps", "mountinfo", "cgroup"):
            try:
                text = Path("/proc", str(pid), name).read_bytes()
            except OSError:
                continue
            if word.encode() in text:
                hits.append(f"/proc/{pid}/{name}")
    return hits


def pids() -> list[int]:
    """Return the processes that can be seen."""
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())


def status() -> dict[str, str]:
    """Return what the kernel says of this process's rights."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def descriptors() -> list[str]:
    """Return what this process's open descriptors point at."""
    links = []
    for number in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{number}"))
        except OSError:
            continue  # the one that listed them
    return links


def socket_paths() -> list[str]:
    """Return the paths that our sockets are bound to, in the eyes of whoever bound them."""
    paths = []
    for number in os.listdir("/proc/self/fd"):
        try:
            with socket.socket(fileno=os.dup(int(number))) as wire:
                if wire.family == socket.AF_UNIX:
                    paths += [str(name) for name in (wire.getsockname(), attempt(wire.getpeername)) if name]
        except OSError:
            continue
    return [path for path in paths if path.startswith("/")]


def daemonised(code: str) -> None:
    """Run Python code in a grandchild that has left our session and ignores what can be ignored."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            import signal

            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            exec(code, {})  # noqa: S102 - that is the attempt
        os._exit(0)
    os.wait()


def forged(kind: str, content: dict[str, object], channel: str = "iopub") -> None:
    """Send a message in the kernel's name, as an answer to the cell that runs."""
    from IPython import get_ipython

    kernel = get_ipython().kernel
    wire = kernel.iopub_socket if channel == "iopub" else kernel.shell_stream or kernel.shell_socket
    parent = kernel.get_parent("shell")
    kernel.session.send(
        wire, kind, content, parent=parent, ident=kernel._topic(kind) if channel == "iopub" else None
    )


def cloned(flags: int) -> str:
    """Fork by the bare system call, with flags."""
    number = 220 if platform.machine() == "aarch64" else 56
    libc = ctypes.PyDLL(
        None, use_errno=True
    )  # it keeps the interpreter locked: the child would wait for threads it does not have
    won = libc.syscall(number, ctypes.c_long(flags | 17), 0, 0, 0, 0)
    if won == 0:
        os._exit(0)
    if won > 0:
        os.waitpid(won, 0)
    return f"done: {won}" if won > 0 else f"refused: {errno.errorcode[ctypes.get_errno()]}"


def called_as_32_bit() -> str:
    """Make a system call through the interface for 32-bit programs, which has other numbers."""
    import mmap

    if platform.machine() != "x86_64":
        return "refused: no such interface"
    child = os.fork()
    if child == 0:
        page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        page.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")  # mov eax, 20 (getpid); int 0x80; ret
        call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
        os._exit(0 if call() > 0 else 1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return "done: it answers" if code == 0 else f"refused: exit {code}"


def hoarded(number: int, size_mb: int) -> str:
    """Fill files that have no name and are mapped nowhere, and keep them open."""
    block = os.urandom(2**20)
    for _ in range(number):
        held = os.memfd_create("hoard")
        for _ in range(size_mb):
            os.write(held, block)
    return f"done: {number * size_mb} MB"


def writable_mounts(but: tuple[str, ...] = ("/proc", "/sys")) -> dict[str, tuple[str, int, int]]:
    """Return the mounts in which a file can be made: kind of file system, MiB, inodes."""
    mounts = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        place, kind = line.split()[4], line.split(" - ")[1].split()[0]
        if not place.startswith(but) and made(place).startswith("done"):
            sizes = os.statvfs(place)
            mounts[place] = (kind, sizes.f_blocks * sizes.f_frsize >> 20, sizes.f_files)
    return mounts


def hoarded_in_sockets(processes: int, pairs: int) -> int:
    """Fill the buffers of connected sockets, in several processes, and hold them; return how many MiB went in."""
    block, told = b"x" * 4096, os.pipe()
    for _ in range(processes):
        if os.fork() == 0:
            held, count = [], 0
            try:
                for _ in range(pairs):
                    held.append(socket.socketpair())
                    for wire in held[-1]:
                        wire.setblocking(False)
                        try:
                            while True:
                                count += wire.send(block)
                        except BlockingIOError:
                            pass
            except OSError:
                pass  # no more descriptors, or no more memory
            os.write(told[1], b"%012d" % count)
            import time

            time.sleep(60)
            os._exit(0)
    return sum(int(os.read(told[0], 12)) for _ in range(processes)) >> 20


def in_flight(number: int) -> str:
    """Send descriptors that nobody takes, and keep them on their way."""
    count = 0

    def act() -> int:
        nonlocal count
        while count < number:
            _way.append(socket.socketpair())
            for _ in range(4):
                socket.send_fds(_way[-1][0], [b"x"], [0] * 250)
                count += 250
        return count

    return f"{attempt(act)} after {count}"


def passed_descriptor() -> str:
    """Pass a descriptor to oneself, as multiprocessing does."""

    def act() -> int:
        here, there = socket.socketpair()
        with here, there:
            socket.send_fds(here, [b"x"], [0])
            descriptors = socket.recv_fds(there, 1, 1)[1]
            os.close(descriptors[0])
            return len(descriptors)

    return attempt(act)


def packet_sockets() -> int:
    """Count the descriptors that are lines of whoever watches over us: those keep message boundaries."""
    return sum(wire.type == socket.SOCK_SEQPACKET for wire in _unix_sockets())


def peers_signalled() -> list[str]:
    """Signal whoever is at the other end of our sockets, by the kernel's own handle of that process."""
    import signal

    def act(wire: socket.socket) -> None:
        handle = wire.getsockopt(socket.SOL_SOCKET, 77)  # SO_PEERPIDFD
        signal.pidfd_send_signal(handle, 0)

    said = []
    for wire in _unix_sockets():
        peer = attempt(wire.getpeername)
        if peer.startswith("done"):
            pid = int.from_bytes(wire.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 4), "little")
            if pid != os.getpid():
                said.append(attempt(functools.partial(act, wire)))
    return said


def remembered(words: list[tuple[bytes, int, str]]) -> list[int]:
    """Count, in all of this process's memory, words of which only start, length and digest are told here."""
    import hashlib

    counts = [0] * len(words)
    with open("/proc/self/mem", "rb", buffering=0) as memory:
        for at, size in _resident():
            memory.seek(at)
            part = memory.read(size)
            for number, (start, length, digest) in enumerate(words):
                found = part.find(start)
                while found >= 0:
                    counts[number] += hashlib.sha256(part[found : found + length]).hexdigest() == digest
                    found = part.find(start, found + 1)
    return counts


def _resident() -> list[tuple[int, int]]:
    """Return the parts of writable memory that hold something: address and size, at most 16 MiB each."""
    page = os.sysconf("SC_PAGE_SIZE")
    runs: list[tuple[int, int]] = []
    with open("/proc/self/maps") as maps, open("/proc/self/pagemap", "rb", buffering=0) as pages:
        for line in maps.readlines():
            place, rights, *_ = line.split()
            low, high = (int(one, 16) // page for one in place.split("-"))
            if not rights.startswith("rw"):
                continue
            pages.seek(low * 8)
            present = pages.read((high - low) * 8)[7::8]  # the top byte of each entry has the bit
            runs += [
                ((low + at) * page, min(4096, len(present) - at) * page)
                for at in range(0, len(present), 4096)
                if any(one & 0xC0 for one in present[at : at + 4096])
            ]
    return runs


def _unix_sockets() -> list[socket.socket]:
    wires = []
    for number in os.listdir("/proc/self/fd"):
        try:
            wire = socket.socket(fileno=os.dup(int(number)))
        except OSError:
            continue
        if wire.family == socket.AF_UNIX:
            wires.append(wire)
        else:
            wire.close()
    return wires


def survivors(number: int, size_mb: int, seconds: float) -> int:
    """Fork children that each fill memory and hold it; return how many still hold it `seconds` after all are full."""
    import select
    import time

    children, filled = [], []
    for _ in range(number):
        told, tells = os.pipe()
        child = os.fork()
        if child == 0:
            held = bytearray(os.urandom(2**20)) * size_mb
            os.write(tells, b"full")
            time.sleep(120 + len(held) * 0)
            os._exit(0)
        os.close(tells)  # a child that is ended closes the last one: the pipe wakes for that, too
        children.append(child)
        filled.append(told)
    # A virtual machine gets pages that it never touched before from its host, one by one: seconds for a GiB.
    for told in filled:
        select.select([told], [], [], 60)
    time.sleep(seconds)
    alive = [child for child in children if os.waitpid(child, os.WNOHANG) == (0, 0)]
    for child in alive:
        os.kill(child, 9)
        os.waitpid(child, 0)
    return len(alive)


def flooded(folder: str, size_mb: int) -> str:
    """Write until nothing more goes, at most `size_mb`; say what stopped it and how much there was."""
    path, block, count = Path(folder, "flood"), os.urandom(2**20), 0

    def act() -> None:
        nonlocal count
        with path.open("wb", buffering=0) as file:
            while count < size_mb:
                if file.write(block) < len(block):
                    continue
                count += 1

    said = attempt(act)
    path.unlink(missing_ok=True)
    return f"{said} after {count} MB"


def crowded(folder: str, number: int) -> str:
    """Make empty files until nothing more goes, at most `number`."""
    crowd, count = Path(folder, "crowd"), 0
    crowd.mkdir()

    def act() -> None:
        nonlocal count
        while count < number:
            (crowd / str(count)).touch()
            count += 1

    said = attempt(act)
    for path in crowd.iterdir():
        path.unlink()
    crowd.rmdir()
    return f"{said} after {count} files"


def forked_out(number: int) -> str:
    """Fork sleepers until nothing more goes, at most `number`; end them; say how many there were."""
    children: list[int] = []

    def act() -> None:
        while len(children) < number:
            child = os.fork()
            if child == 0:
                import time

                time.sleep(60)
                os._exit(0)
            children.append(child)

    said = attempt(act)
    for child in children:
        os.kill(child, 9)
        os.waitpid(child, 0)
    return f"{said} after {len(children)} forks"
