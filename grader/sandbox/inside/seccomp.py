"""The system calls that student code may make: an allow-list, compiled once, loaded after every fork.

What is not named here answers ENOSYS, so that the C library takes its older way, and tomorrow's system calls are refused
until somebody looks at them. libseccomp knows the numbers of each architecture; the compiled program is plain bytes that
a forked child applies with two `prctl` calls.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from grader.errors import InfrastructureError

ARCHITECTURES = ("aarch64", "x86_64")

_PLAIN = """
read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek close close_range dup dup2 dup3 flock
pipe pipe2 sendfile splice tee vmsplice copy_file_range fallocate fadvise64 readahead fsync fdatasync sync_file_range

open openat openat2 creat access faccessat faccessat2 stat fstat lstat newfstatat statx statfs fstatfs getdents getdents64
getcwd chdir fchdir mkdir mkdirat rmdir rename renameat renameat2 link linkat symlink symlinkat readlink readlinkat unlink
unlinkat truncate ftruncate umask chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes futimesat
utimensat cachestat getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr setxattr lsetxattr fsetxattr removexattr
lremovexattr fremovexattr

mmap munmap mremap mprotect madvise msync mincore brk mlock mlock2 munlock mlockall munlockall mseal memfd_create
pkey_alloc pkey_free pkey_mprotect map_shadow_stack membarrier

fork vfork execve execveat exit exit_group wait4 waitid getpid getppid gettid set_tid_address set_robust_list
rseq arch_prctl restart_syscall futex futex_waitv futex_wait futex_wake futex_requeue getpgid getpgrp
setpgid getsid setsid getrlimit setrlimit getrusage times getpriority ioprio_get
sched_yield sched_getaffinity sched_getparam sched_getscheduler
sched_getattr sched_get_priority_max sched_get_priority_min sched_rr_get_interval getcpu

pidfd_send_signal rt_sigaction rt_sigprocmask rt_sigpending
rt_sigreturn rt_sigsuspend rt_sigtimedwait sigaltstack pause alarm getitimer setitimer signalfd signalfd4

nanosleep clock_gettime clock_getres clock_nanosleep gettimeofday time timer_create timer_delete timer_getoverrun
timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime

select pselect6 poll ppoll epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd eventfd2
inotify_init inotify_init1 inotify_add_watch inotify_rm_watch

bind connect listen accept accept4 getsockname getpeername getsockopt setsockopt sendto recvfrom sendmsg recvmsg sendmmsg
recvmmsg shutdown

getuid geteuid getgid getegid getresuid getresgid getgroups setuid setgid setreuid setregid setresuid setresgid setfsuid
setfsgid setgroups capget capset uname sysinfo getrandom seccomp landlock_create_ruleset landlock_add_rule
landlock_restrict_self
"""
ALLOWED = tuple(_PLAIN.split())
"""Calls that may be made with any arguments.

Absent on purpose, besides whatever administers a machine or looks into other processes: `clone3` (its flags lie in memory,
where a filter cannot look), `get_robust_list` (it looks into others), System V and POSIX message queues and shared memory segments (no tmpfs counts them),
`io_uring` and `io_submit` (work that escapes this filter, and much attack surface), `sync` and `syncfs` (they flush everybody's disks).
"""

PID_ONE = 1
"""B: it may have the student's uid, and serves both sides. It is signalled, slowed and limited by nobody inside."""
OF_A_PROCESS = (
    "kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_open",
    "sched_setaffinity", "sched_setparam", "sched_setscheduler", "sched_setattr",
)  # fmt: skip
"""Calls whose first argument is a process or a thread: any but B. `pidfd_send_signal` alone stays open, through a folder of
`/proc`: the system drops what its own namespace sends to a pid 1 that has no handler for it.
"""
ONE_PROCESS = (("setpriority", 0), ("ioprio_set", 1))
"""Calls that name a process, a group or a user: a process only, for B is of the same user; with that word's number."""
GROW_A_PIPE = (1031,)  # F_SETPIPE_SZ: what pipes may hold is counted for all processes of a uid together
NEW_NAMESPACES = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6)
TERMINAL_INJECTION = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX: they type into the terminal of whoever started us
# PR_SET_MM, PR_SET_SPECULATION_CTRL, PR_SET_SYSCALL_USER_DISPATCH, PR_SCHED_CORE. PR_SET_PTRACER only asks for
# what `ptrace`, which is absent, would do.
REFUSED_OPTIONS = (35, 53, 59, 62)
PERSONALITIES = (
    0,
    0x8,
    0x20000,
    0x20008,
    0xFFFFFFFF,
)  # Linux, 32 bits, old version number, both, the question
NODES = (0, stat.S_IFREG, stat.S_IFIFO, stat.S_IFSOCK)  # zero is a regular file too
WORD = 0xFFFFFFFF  # the kernel reads these arguments as 32 bits; whoever compared 64 would let a set high bit pass

_ALLOW = 0x7FFF0000
_KILL_PROCESS = 0x80000000
_ERRNO = 0x00050000
_MASKED_EQUAL = 7
_ACTION_OF_A_BAD_ARCHITECTURE = 2
_UNKNOWN = -1
_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _MODE_FILTER = 22, 38, 2
_HINT = "Install libseccomp (Debian, Ubuntu: apt-get install libseccomp2; Fedora: dnf install libseccomp)."


@dataclass(frozen=True)
class Rule:
    """An answer to one system call when one of its arguments has certain bits.

    Attributes:
        name: the system call.
        argument: which argument is looked at, from 0.
        mask: the bits that are looked at.
        value: what they must be.
        refusal: error number of the answer; 0 allows the call.
        also: another argument, its bits and what they must be, at the same time.
    """

    name: str
    argument: int
    mask: int
    value: int
    refusal: int = 0
    also: tuple[int, int, int] | None = None


class _Comparison(ctypes.Structure):
    """`struct scmp_arg_cmp`."""

    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("mask", ctypes.c_uint64),
        ("value", ctypes.c_uint64),
    )


class _Program(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.prctl.argtypes = (ctypes.c_int, *(ctypes.c_ulong,) * 4)


def everything_but(values: Iterable[int], bits: int = 32) -> Iterator[tuple[int, int]]:
    """Cover all numbers of some bits except a few by patterns that do not overlap.

    libseccomp can say "these bits equal", but not "these bits differ".

    Args:
        values: the numbers to leave out.
        bits: width of the numbers.

    Yields:
        Mask and value: a number is covered when `number & mask == value` for one of them.
    """
    # Descends bit by bit, from the highest: a branch without any of the numbers is one pattern.
    pending = [(0, 0, frozenset(values), bits)]
    while pending:
        mask, value, inside, left = pending.pop()
        if not inside:
            yield mask, value
        elif left:
            bit = 1 << (left - 1)
            ones = frozenset(number for number in inside if number & bit)
            pending += [
                (mask | bit, value, inside - ones, left - 1),
                (mask | bit, value | bit, ones, left - 1),
            ]


def conditions() -> Iterator[Rule]:
    """Yield the rules of the calls whose arguments decide."""
    # Threads and forks are `clone` without these flags, which are its first argument on both architectures.
    yield Rule("clone", 0, NEW_NAMESPACES, 0)
    for family in FAMILIES:
        yield Rule("socket", 0, WORD, family)
    yield Rule("socketpair", 0, WORD, socket.AF_UNIX)
    # libzmq aborts when a netlink socket answers EAFNOSUPPORT, or ENOSYS; EOPNOTSUPP it takes.
    for name, allowed in (("socket", FAMILIES), ("socketpair", (socket.AF_UNIX,))):
        for mask, value in everything_but(allowed):
            yield Rule(name, 0, mask, value, errno.EOPNOTSUPP)
    for mask, value in everything_but(TERMINAL_INJECTION):
        yield Rule("ioctl", 1, mask, value)
    for mask, value in everything_but(REFUSED_OPTIONS):
        yield Rule("prctl", 0, mask, value)
    yield from _about_processes()
    for mask, value in everything_but(GROW_A_PIPE):
        yield Rule("fcntl", 1, mask, value)
    for command in GROW_A_PIPE:
        yield Rule("fcntl", 1, WORD, command, errno.EPERM)
    for persona in PERSONALITIES:
        yield Rule("personality", 0, WORD, persona)
    for kind in NODES:
        yield Rule("mknod", 1, 0o170000, kind)
        yield Rule("mknodat", 2, 0o170000, kind)


def _about_processes() -> Iterator[Rule]:
    """Yield the rules that keep pid 1 out of reach."""
    yield Rule("prlimit64", 0, WORD, 0)  # oneself
    for mask, value in everything_but((0,)):
        yield Rule("prlimit64", 0, mask, value, errno.EPERM)
    for name in OF_A_PROCESS:
        yield Rule(name, 0, WORD, PID_ONE, errno.EPERM)
        for mask, value in everything_but((PID_ONE,)):
            yield Rule(name, 0, mask, value)
    for name, process in ONE_PROCESS:
        for mask, value in everything_but((PID_ONE,)):
            yield Rule(name, 1, mask, value, also=(0, WORD, process))


def build(architecture: str = platform.machine(), *, uncounted_memory: bool = True) -> bytes:
    """Compile the filter.

    Args:
        uncounted_memory: whether to allow `memfd_create`, whose memory only a cgroup counts.
        architecture: the machine's name as `uname -m` tells it; only its own binary interface is served, any other
            (32-bit calls, x32) kills the process.

    Returns:
        The classic BPF program: an array of `struct sock_filter`, 8 bytes each.

    Raises:
        InfrastructureError: no libseccomp, or an architecture for which this list was not checked.
    """
    if architecture not in ARCHITECTURES:
        raise InfrastructureError(
            f"the system call filter knows {' and '.join(ARCHITECTURES)}, this machine is {architecture}",
            "Grade on one of these.",
        )
    library = _library()
    # What no rule names answers ENOSYS.
    context = library.seccomp_init(_ERRNO | errno.ENOSYS)
    if not context:
        raise InfrastructureError("libseccomp gave no filter to fill", _HINT)
    try:
        _choose(library, context, architecture)
        for name in ALLOWED if uncounted_memory else (call for call in ALLOWED if call != "memfd_create"):
            _add(library, context, name)
        for rule in conditions():
            _add(library, context, rule.name, rule)
        return _exported(library, context)
    finally:
        library.seccomp_release(context)


def load(program: bytes) -> None:
    """Submit the calling thread, and all that it will start, to a filter; there is no way back.

    Made for a freshly forked child of one thread: it imports nothing and reads no file. It sets `no_new_privs`.

    Args:
        program: what `build` returned.

    Raises:
        OSError: the kernel refused.
    """
    # Held by this name: the kernel reads the instructions through the address of the structure.
    held = _Program(len(program) // 8, program)
    if _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs could not be set")
    if _LIBC.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.addressof(held), 0, 0):
        raise OSError(ctypes.get_errno(), "the system call filter could not be loaded")


def _library() -> ctypes.CDLL:
    """Open libseccomp and declare what is used of it."""
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError as error:
        raise InfrastructureError(
            "the sandbox needs libseccomp, and libseccomp.so.2 was not found", _HINT
        ) from error
    context, word = ctypes.c_void_p, ctypes.c_uint32
    # Declared one by one: ctypes would take a pointer for an int of 32 bits.
    library.seccomp_init.restype = context
    library.seccomp_init.argtypes = (word,)
    library.seccomp_release.restype = None
    library.seccomp_release.argtypes = (context,)
    library.seccomp_arch_native.restype = word
    library.seccomp_arch_resolve_name.restype = word
    library.seccomp_arch_resolve_name.argtypes = (ctypes.c_char_p,)
    library.seccomp_arch_add.argtypes = library.seccomp_arch_remove.argtypes = (context, word)
    library.seccomp_attr_set.argtypes = (context, ctypes.c_int, word)
    library.seccomp_syscall_resolve_name.argtypes = (ctypes.c_char_p,)
    library.seccomp_rule_add_array.argtypes = (
        context,
        word,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.POINTER(_Comparison),
    )
    library.seccomp_export_bpf.argtypes = (context, ctypes.c_int)
    return library


def _choose(library: ctypes.CDLL, context: int, architecture: str) -> None:
    """Make one architecture the only one."""
    native = library.seccomp_arch_native()
    requested = library.seccomp_arch_resolve_name(architecture.encode())
    # Only tests ask for the other machine's filter, in order to interpret it.
    if requested != native:
        _demand(library.seccomp_arch_add(context, requested), f"architecture {architecture}")
        _demand(library.seccomp_arch_remove(context, native), "removal of the machine's own architecture")
    answer = library.seccomp_attr_set(context, _ACTION_OF_A_BAD_ARCHITECTURE, _KILL_PROCESS)
    _demand(answer, "killing on other architectures")


def _add(library: ctypes.CDLL, context: int, name: str, rule: Rule | None = None) -> None:
    """Add a rule; a call that this libseccomp or the architecture does not have stays refused."""
    number = library.seccomp_syscall_resolve_name(name.encode())
    if number == _UNKNOWN:
        return
    action = _ERRNO | rule.refusal if rule and rule.refusal else _ALLOW
    looked_at = [(rule.argument, rule.mask, rule.value), *([rule.also] if rule.also else [])] if rule else []
    comparisons = [_Comparison(argument, _MASKED_EQUAL, mask, value) for argument, mask, value in looked_at]
    array = (_Comparison * len(comparisons))(*comparisons)
    _demand(library.seccomp_rule_add_array(context, action, number, len(comparisons), array), name)


def _exported(library: ctypes.CDLL, context: int) -> bytes:
    """Return the program; it is written to memory that has a descriptor."""
    # Older versions of libseccomp write the program to a descriptor only.
    with os.fdopen(os.memfd_create("pawgrade-seccomp"), "rb") as stream:
        _demand(library.seccomp_export_bpf(context, stream.fileno()), "export")
        stream.seek(0)
        return stream.read()


def _demand(answer: int, what: str) -> None:
    """Raise when libseccomp refused something: half a filter is worse than none."""
    if answer:
        raise InfrastructureError(
            f"libseccomp refused a part of the system call filter, {what}: {os.strerror(-answer)}",
            "Is libseccomp 2.5 or newer?",
        )
