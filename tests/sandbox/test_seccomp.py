"""The filter allows what notebooks need and refuses the rest, on both architectures; here it is also loaded for real."""

from __future__ import annotations

import ctypes
import errno
import json
import platform
import random
import struct
import subprocess
import sys
import textwrap
from functools import cache
from pathlib import Path

import pytest

from grader.errors import InfrastructureError
from grader.sandbox.inside import seccomp
from grader.sandbox.inside.seccomp import ALLOWED, ARCHITECTURES, build, everything_but

try:
    LIBRARY = ctypes.CDLL("libseccomp.so.2")
except OSError:
    pytest.skip("libseccomp.so.2 is not installed", allow_module_level=True)
LIBRARY.seccomp_syscall_resolve_num_arch.restype = ctypes.c_void_p

TOKENS = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
I386, ARM = 0x40000003, 0x40000028
ALLOW, KILL, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
UNKNOWN = REFUSE | errno.ENOSYS
NO_FAMILY = REFUSE | errno.EOPNOTSUPP
HIGH = 1 << 32
NAMESPACE_FLAGS = [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]
THREAD = 0x3D0F00  # what glibc passes for a thread
CONDITIONAL = {rule.name for rule in seccomp.conditions()}
NAMES = """
ptrace process_vm_readv process_vm_writev process_madvise kcmp pidfd_getfd userfaultfd io_uring_setup io_uring_enter
io_uring_register bpf perf_event_open mount umount2 pivot_root chroot open_tree move_mount fsopen fsconfig fsmount fspick
mount_setattr unshare setns keyctl add_key request_key kexec_load kexec_file_load init_module finit_module delete_module
create_module swapon swapoff reboot acct quotactl quotactl_fd syslog open_by_handle_at name_to_handle_at iopl ioperm
clock_settime clock_adjtime settimeofday adjtimex fanotify_init fanotify_mark sethostname setdomainname vhangup
lookup_dcookie nfsservctl modify_ldt vm86 uselib migrate_pages move_pages mbind clone3 io_submit shmget
msgget semget mq_open memfd_secret process_mrelease _sysctl get_robust_list
"""
FORBIDDEN = NAMES.split()


@cache
def program(architecture: str) -> list[tuple[int, int, int, int]]:
    return list(struct.iter_unpack("=HBBI", build(architecture)))


@cache
def number(name: str, architecture: str) -> int:
    """Return a call's number; negative when the architecture lacks it."""
    return int(
        LIBRARY.seccomp_syscall_resolve_name_arch(ctypes.c_uint32(TOKENS[architecture]), name.encode())
    )


@cache
def names(architecture: str) -> dict[int, str]:
    found = {}
    token = ctypes.c_uint32(TOKENS[architecture])
    for nr in range(1024):
        if address := LIBRARY.seccomp_syscall_resolve_num_arch(token, nr):
            found[nr] = ctypes.string_at(address).decode()
    return found


def run(code: list[tuple[int, int, int, int]], token: int, nr: int, args: tuple[int, ...] = ()) -> int:
    """Run a classic BPF program over one system call, as the kernel does."""
    padded = [value & (2**64 - 1) for value in (*args, 0, 0, 0, 0, 0, 0)[:6]]
    packed = struct.pack("=IIQ6Q", nr & 0xFFFFFFFF, token, 0, *padded)
    at = accumulator = 0
    while True:
        operation, if_true, if_false, k = code[at]
        at += 1
        match operation:
            case 0x20:
                (accumulator,) = struct.unpack_from("=I", packed, k)
            case 0x54:
                accumulator &= k
            case 0x05:
                at += k
            case 0x15:
                at += if_true if accumulator == k else if_false
            case 0x25:
                at += if_true if accumulator > k else if_false
            case 0x35:
                at += if_true if accumulator >= k else if_false
            case 0x45:
                at += if_true if accumulator & k else if_false
            case 0x06:
                return k
            case _:
                raise AssertionError(f"unknown operation {operation:#x}")


def decision(architecture: str, name: str, *args: int) -> int:
    return run(program(architecture), TOKENS[architecture], number(name, architecture), args)


both = pytest.mark.parametrize("architecture", ARCHITECTURES)


@both
def test_a_program_fits_the_kernels_limit(architecture: str) -> None:
    assert 0 < len(program(architecture)) <= 4096


@both
def test_every_number_is_decided_as_the_list_says(architecture: str) -> None:
    known = names(architecture)

    wrong = [
        (nr, known.get(nr))
        for nr in range(1024)
        if known.get(nr) not in CONDITIONAL
        and run(program(architecture), TOKENS[architecture], nr)
        != (ALLOW if known.get(nr) in ALLOWED else UNKNOWN)
    ]

    assert wrong == []
    assert len(known) > 290


@both
def test_the_forbidden_calls_do_not_exist_whatever_their_arguments(architecture: str) -> None:
    for name in FORBIDDEN:
        assert name not in ALLOWED
        if number(name, architecture) >= 0:
            assert decision(architecture, name) == UNKNOWN
            assert decision(architecture, name, 1, 1, 1, 1, 1, 1) == UNKNOWN


def test_nothing_is_listed_twice_or_with_and_without_conditions() -> None:
    assert len(ALLOWED) == len(set(ALLOWED))
    assert not CONDITIONAL & set(ALLOWED)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the literal numbers are those of x86_64")
def test_the_numbers_are_those_of_the_kernels_table() -> None:
    literal = {"read": 0, "clone": 56, "socket": 41, "ptrace": 101, "bpf": 321, "clone3": 435, "openat": 257}

    assert {name: number(name, "x86_64") for name in literal} == literal


@pytest.mark.parametrize(("architecture", "token"), [("x86_64", I386), ("aarch64", ARM)])
def test_the_32_bit_interface_kills(architecture: str, token: int) -> None:
    assert {run(program(architecture), token, nr) for nr in range(512)} == {KILL}


def test_another_architectures_calls_kill() -> None:
    assert run(program("x86_64"), TOKENS["aarch64"], 63) == KILL
    assert run(program("aarch64"), TOKENS["x86_64"], 0) == KILL


def test_the_x32_interface_kills() -> None:
    assert {run(program("x86_64"), TOKENS["x86_64"], 0x40000000 + nr) for nr in range(600)} == {KILL}


@both
def test_threads_and_forks_are_cloned_but_no_namespaces(architecture: str) -> None:
    for flags in (THREAD, 0x11, 0x1200011, 0x4111, HIGH | 0x11):
        assert decision(architecture, "clone", flags) == ALLOW
    for flag in NAMESPACE_FLAGS:
        for flags in (flag, flag | 0x11, flag | THREAD, HIGH | flag, sum(NAMESPACE_FLAGS)):
            assert decision(architecture, "clone", flags) == UNKNOWN


@both
def test_sockets_are_local_or_of_the_internet(architecture: str) -> None:
    for family in (*range(64), 255, 2**16 + 1, 2**31, 2**31 + 2, 2**32 - 1):
        expected = ALLOW if family in {1, 2, 10} else NO_FAMILY
        assert decision(architecture, "socket", family, 1) == expected
        assert decision(architecture, "socket", HIGH | family, 1) == expected


@both
def test_socket_pairs_are_local(architecture: str) -> None:
    assert decision(architecture, "socketpair", 1, 1) == ALLOW
    assert {decision(architecture, "socketpair", family, 1) for family in (0, *range(2, 64))} == {NO_FAMILY}


@both
@pytest.mark.parametrize(
    ("name", "position", "refused"),
    [("ioctl", 1, {0x5412, 0x541C}), ("prctl", 0, {35, 53, 59, 62})],
)
def test_a_few_commands_are_refused_whatever_the_high_bits(
    architecture: str, name: str, position: int, refused: set[int]
) -> None:
    near = (
        {value ^ (1 << bit) for value in refused for bit in range(32)}
        | set(range(80))
        | set(range(0x5400, 0x5480))
    )
    others = near | {random.Random(seed).getrandbits(32) for seed in range(500)}

    for high in (0, HIGH, 0xFFFFFFFF * HIGH):
        for value in others | refused:
            expected = UNKNOWN if value in refused else ALLOW
            assert decision(architecture, name, *[7] * position, high | value) == expected


PROCESSES = """kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_open sched_setaffinity sched_setparam
sched_setscheduler sched_setattr"""
PROCESS_CALLS = PROCESSES.split()
READING = """getpid getppid gettid getpgid getpgrp getsid getpriority ioprio_get sched_getaffinity sched_getparam
sched_getscheduler sched_getattr sched_rr_get_interval setpgid waitid wait4 pidfd_send_signal set_tid_address"""
READ_ONLY = READING.split()
NOT_ONE = (0, 2, 3, 1000, 1 << 31 | 1, 2**32 - 1, 2**32 - 2)  # -1: all but pid 1, -2: a group


@both
def test_no_call_on_a_process_reaches_pid_one_whatever_the_high_bits(architecture: str) -> None:
    for name in PROCESS_CALLS:
        assert {decision(architecture, name, high | 1, 1) for high in (0, HIGH, 7 * HIGH)} == {
            REFUSE | errno.EPERM
        }
        assert {decision(architecture, name, high | pid, 1) for high in (0, HIGH) for pid in NOT_ONE} == {
            ALLOW
        }


@both
def test_limits_are_set_for_oneself_only(architecture: str) -> None:
    assert {decision(architecture, "prlimit64", pid, 7, 1) for pid in (0, HIGH)} == {ALLOW}
    refused = {
        decision(architecture, "prlimit64", high | pid, 7, 1)
        for high in (0, HIGH)
        for pid in (1, *NOT_ONE[1:])
    }
    assert refused == {REFUSE | errno.EPERM}


@both
@pytest.mark.parametrize(
    ("name", "process", "others"), [("setpriority", 0, (1, 2, 3)), ("ioprio_set", 1, (0, 2, 3))]
)
def test_niceness_is_set_for_a_process_but_pid_one_and_for_no_user(
    architecture: str, name: str, process: int, others: tuple[int, ...]
) -> None:
    for high in (0, HIGH):
        assert {decision(architecture, name, high | process, high | who, 19) for who in NOT_ONE} == {ALLOW}
        assert decision(architecture, name, high | process, high | 1, 19) == UNKNOWN
        assert {
            decision(architecture, name, high | which, who) for which in others for who in (0, 1, 1000)
        } == {UNKNOWN}


@both
def test_pipes_do_not_grow(architecture: str) -> None:
    assert {decision(architecture, "fcntl", 3, high | 1031, 2**20) for high in (0, HIGH)} == {
        REFUSE | errno.EPERM
    }
    assert {
        decision(architecture, "fcntl", 3, command) for command in (*range(40), 1024, 1030, 1032, 1033, 1034)
    } == {ALLOW}


def test_every_call_that_could_name_a_process_was_looked_at() -> None:
    words = (
        "kill",
        "pid",
        "sched_",
        "prio",
        "rlimit",
        "sigqueue",
        "process_",
        "robust",
        "ptrace",
        "kcmp",
        "perf_",
        "_pages",
    )
    named = {name for name in {*ALLOWED, *CONDITIONAL} if any(word in name for word in words)}

    known = {*PROCESS_CALLS, *READ_ONLY, "prlimit64", "setpriority", "ioprio_set"}
    harmless = {
        "getrlimit",
        "setrlimit",
        "sched_yield",
        "sched_get_priority_max",
        "sched_get_priority_min",
        "set_robust_list",
    }
    assert named - known <= harmless


@both
def test_a_personality_may_be_asked_and_be_plain(architecture: str) -> None:
    for persona in (0, 0xFFFFFFFF, HIGH | 0xFFFFFFFF, 8, 0x20000, 0x20008):
        assert decision(architecture, "personality", persona) == ALLOW
    for persona in (
        0x0040000,
        0x0400000,
        0x0040008,
        0x0100000,
        3,
    ):  # no address randomisation, readable is executable
        assert decision(architecture, "personality", persona) == UNKNOWN


@both
@pytest.mark.parametrize(("name", "position"), [("mknod", 1), ("mknodat", 2)])
def test_pipes_and_files_are_made_but_no_devices(architecture: str, name: str, position: int) -> None:
    if number(name, architecture) < 0:
        pytest.skip(f"{architecture} has no {name}")

    for kind, expected in {
        0o010000: ALLOW,
        0o100000: ALLOW,
        0o140000: ALLOW,
        0: ALLOW,
        0o020000: UNKNOWN,
        0o060000: UNKNOWN,
    }.items():
        for mode in (kind | 0o600, kind, kind | 1 << 16, HIGH | kind):
            assert decision(architecture, name, *[9] * position, mode) == expected


@pytest.mark.parametrize("values", [set[int](), {0}, {255}, {3, 4, 200}, set(range(256))])
def test_patterns_cover_each_number_but_the_excepted_once(values: set[int]) -> None:
    patterns = list(everything_but(values, bits=8))

    covered = [number for number in range(256) for mask, value in patterns if number & mask == value]
    assert sorted(covered) == sorted(set(range(256)) - values)


def test_another_machine_is_told() -> None:
    with pytest.raises(InfrastructureError, match="this machine is riscv64"):
        build("riscv64")


def test_a_missing_library_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", missing)

    with pytest.raises(InfrastructureError, match="apt-get install libseccomp2"):
        build("x86_64")


def test_a_program_that_is_none_is_refused() -> None:
    assert confined(
        "", loaded="try:\n    load(bytes(8))\nexcept OSError as error:\n    print(error.errno)"
    ) == str(errno.EINVAL)


# What follows loads the filter into a process of its own.

REPOSITORY = Path(__file__).resolve().parents[2]
here = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ARCHITECTURES,
    reason="needs Linux on a known machine",
)


def confined(body: str, loaded: str = "load(build())") -> str:
    """Run Python code under the filter and return what it prints."""
    text = f"from grader.sandbox.inside.seccomp import build, load\n{loaded}\n{textwrap.dedent(body)}"
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@here
def test_forbidden_calls_are_refused_by_the_kernel() -> None:
    wanted = {name: number(name, platform.machine()) for name in FORBIDDEN}
    known = {name: nr for name, nr in wanted.items() if nr >= 0}

    answers = json.loads(
        confined(f"""
        import ctypes, json
        libc = ctypes.CDLL(None, use_errno=True)
        answers = {{}}
        for name, nr in {known}.items():
            answer = libc.syscall(nr, 0, 0, 0, 0, 0, 0)
            answers[name] = [answer, ctypes.get_errno()]
        print(json.dumps(answers))
        """)
    )

    assert answers == {name: [-1, errno.ENOSYS] for name in known}
    assert len(known) > 60


@here
@pytest.mark.parametrize(
    "family", [16, 17, 38, 40, 44]
)  # netlink, packet, algorithms, virtual machines, express data path
def test_other_socket_families_are_refused_as_libzmq_takes_it(family: int) -> None:
    answer = confined(f"""
    import socket
    try:
        socket.socket({family}, socket.SOCK_DGRAM)
    except OSError as error:
        print(error.errno)
    """)

    assert answer == str(errno.EOPNOTSUPP)


@here
def test_a_terminal_cannot_be_typed_into_even_with_high_bits_set() -> None:
    answers = confined(f"""
    import ctypes, os
    libc = ctypes.CDLL(None, use_errno=True)
    keeper, terminal = os.openpty()
    for command in (0x5412, 0x541C, 0x5412 | 1 << 32, 0x5412 | 1 << 63):
        arguments = (ctypes.c_ulong({number("ioctl", platform.machine())}), terminal, ctypes.c_ulong(command), b"x")
        print(libc.syscall(*arguments), ctypes.get_errno())
    """)

    assert answers.splitlines() == [f"-1 {errno.ENOSYS}"] * 4


@here
@pytest.mark.skipif(platform.machine() != "x86_64", reason="the 32-bit interface of x86_64")
def test_the_32_bit_entry_of_the_processor_kills() -> None:
    body = """
    import ctypes, mmap, os, signal
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(b"\\xb8\\x14\\x00\\x00\\x00\\xcd\\x80\\xc3")  # mov eax, 20 (getpid); int 0x80; ret
    call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    child = os.fork()
    if child == 0:
        call()
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """

    assert confined(body) == "-31"  # SIGSYS


@here
def test_the_filter_is_inherited_and_cannot_be_lifted() -> None:
    answer = confined("""
    import os, subprocess
    status = subprocess.run(["cat", "/proc/self/status"], capture_output=True, text=True, check=True).stdout
    print(" ".join(line for line in status.splitlines() if line.startswith(("Seccomp:", "NoNewPrivs:"))).split())
    """)

    assert answer == "['NoNewPrivs:', '1', 'Seccomp:', '2']"


@here
def test_ordinary_python_works_under_the_filter(tmp_path: Path) -> None:
    answer = confined(f"""
    import asyncio, concurrent.futures, os, selectors, shutil, signal, socket, subprocess, tempfile, threading, time
    os.chdir({str(tmp_path)!r})
    thread = threading.Thread(target=time.sleep, args=(0.01,)); thread.start(); thread.join()
    assert subprocess.run("echo $(echo a | tr a b) > x; cat x; ls -la >/dev/null; cp -a x y; mv y z; mkfifo f",
                          shell=True, executable="/bin/bash", capture_output=True, check=True).stdout == b"b\\n"
    shutil.copy2("x", "w"); shutil.copytree(".", "../copy", ignore=shutil.ignore_patterns("f")); shutil.rmtree("../copy")
    signal.setitimer(signal.ITIMER_REAL, 10); signal.setitimer(signal.ITIMER_REAL, 0)
    for kind in (socket.AF_INET, socket.AF_INET6):
        socket.socket(kind, socket.SOCK_STREAM).close()
    a, b = socket.socketpair(); a.sendall(b"hi"); assert b.recv(2) == b"hi"
    server = socket.create_server(("127.0.0.1", 0)); client = socket.create_connection(server.getsockname())
    assert socket.getaddrinfo("127.0.0.1", 80)
    async def main():
        process = await asyncio.create_subprocess_exec("true")
        return await process.wait()
    assert asyncio.run(main()) == 0
    os.close(os.memfd_create("m")); os.close(os.eventfd(0)) if hasattr(os, "eventfd") else None
    os.close(os.pidfd_open(os.getpid())); os.sched_setaffinity(0, os.sched_getaffinity(0)); os.getloadavg(); tempfile.TemporaryFile()
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    mask = (ctypes.c_char * 128)()
    assert min(libc.inotify_init1(0), libc.timerfd_create(1, 0), libc.signalfd(-1, mask, 0)) >= 0
    print("done")
    """)

    assert answer == "done"


WORKERS = """
import multiprocessing, sys
from multiprocessing import shared_memory
import numpy

def work(name, lock, queue):
    with lock:
        memory = shared_memory.SharedMemory(name=name)
        memory.buf[0] += 1
        memory.close()
    queue.put(1)

if __name__ == "__main__":
    if not multiprocessing.get_context("fork").Value("i", 0).get_lock():
        raise SystemExit("no lock")
    from grader.sandbox.inside.seccomp import build, load
    load(build())
    memory = shared_memory.SharedMemory(create=True, size=16)
    for method in ("fork", "spawn", "forkserver"):
        context = multiprocessing.get_context(method)
        lock, queue = context.Lock(), context.Queue()
        processes = [context.Process(target=work, args=(memory.name, lock, queue)) for _ in range(2)]
        [process.start() for process in processes]
        [process.join(60) for process in processes]
        assert [process.exitcode for process in processes] == [0, 0], method
        queue.get(timeout=10)
    assert memory.buf[0] == 6
    memory.close()
    memory.unlink()
    with multiprocessing.Pool(2) as pool:
        assert pool.map(abs, [-1, -2]) == [1, 2]
    print("done")
"""


def script(tmp_path: Path, text: str) -> str:
    path = tmp_path / "script.py"
    path.write_text(text)
    done = subprocess.run(
        [sys.executable, str(path)],
        cwd=tmp_path,
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(REPOSITORY),
            "HOME": str(tmp_path),
            "MPLBACKEND": "agg",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@here
def test_all_ways_of_starting_processes_share_memory_and_locks(tmp_path: Path) -> None:
    assert script(tmp_path, WORKERS) == "done"


TORCH = """
import threading
from grader.sandbox.inside.seccomp import build, load

load(build())
import matplotlib.pyplot as pyplot
import torch
from torch.utils.data import DataLoader, TensorDataset

if __name__ == "__main__":
    torch.set_num_threads(2)
    a = torch.rand(400, 400, requires_grad=True)
    (a @ a).sum().backward()
    x = torch.arange(64.0).reshape(32, 2)
    loader = DataLoader(TensorDataset(x), batch_size=8, num_workers=2)
    assert sum(len(batch) for batch, in loader) == 32
    pyplot.plot([1, 2])
    pyplot.savefig("plot.png")
    torch.save(x, "x.pt")
    assert torch.equal(torch.load("x.pt"), x)
    import zmq
    context = zmq.Context()
    for address in ("ipc://socket", "inproc://a", "tcp://127.0.0.1:*"):
        one, two = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
        one.bind(address)
        two.connect(one.getsockopt_string(zmq.LAST_ENDPOINT))
        two.send(b"hi")
        assert one.recv() == b"hi"
    context.destroy(0)
    print("done")
"""


@here
@pytest.mark.slow
def test_torch_its_workers_plots_and_message_queues_work_under_the_filter(tmp_path: Path) -> None:
    assert script(tmp_path, TORCH) == "done"
