"""System calls that Python has no function for: namespaces, mounts, capabilities. Man pages: unshare(2), mount(2), capabilities(7)."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import socket
import struct

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_MOVE, MS_REC, MS_PRIVATE = 4096, 8192, 16384, 1 << 18
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER = 1, 4, 24, 36
PR_SET_KEEPCAPS = 8
PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4
_CAPABILITY_VERSION_3 = 0x20080522
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1

# use_errno: ctypes keeps a copy of errno that no call of the interpreter's own can change in between.
_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Leave the namespaces that `flags` name for new ones; raises OSError."""
    _check(_libc.unshare(ctypes.c_int(flags)), "unshare")


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mount a file system, or bind a path; raises OSError."""
    code = _libc.mount(
        source.encode(),
        target.encode(),
        kind.encode() or None,
        ctypes.c_ulong(flags),
        options.encode() or None,
    )
    _check(code, f"mount {kind or source} on {target}")


def unmount(target: str) -> None:
    """Unmount what was mounted last on a path; what is open there stays readable; raises OSError."""
    _check(_libc.umount2(target.encode(), MNT_DETACH), f"umount {target}")


def prctl(option: int, value: int = 0, third: int = 0) -> None:
    """Change a property of this process; raises OSError."""
    # prctl is variadic and takes longs: a plain int would leave the upper half of a register to chance.
    long = ctypes.c_ulong
    _check(_libc.prctl(option, long(value), long(third), long(0), long(0)), f"prctl {option}")


def drop_capabilities() -> None:
    """Give up every capability, now and for whatever is executed later; raises OSError."""
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    # Before `capset`: dropping from the bounding set takes CAP_SETPCAP, which goes there.
    for number in range(64):
        with contextlib.suppress(OSError):  # EINVAL: beyond the last one that this kernel knows
            prctl(PR_CAPBSET_DROP, number)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    _check(_libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")
    # With it no setuid program gives anything back.
    prctl(PR_SET_NO_NEW_PRIVS, 1)


def become(user: int) -> None:
    """Change to a uid and the gid of the same number for good, capabilities kept; raises OSError."""
    # Without it, giving up uid 0 would clear the permitted set as well.
    prctl(PR_SET_KEEPCAPS, 1)
    # The group first: who is no longer root may not change it.
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    prctl(PR_SET_KEEPCAPS, 0)
    _use_all_capabilities()


def make_files_of(user: int) -> None:
    """Let files that are made from now on belong to a uid and its gid, and reach what belongs to it; raises OSError."""
    # Both answer the former id, never an error.
    _libc.setfsgid(user)
    _libc.setfsuid(user)
    _use_all_capabilities()


def _use_all_capabilities() -> None:
    """Make what is permitted effective again: changing from root, the system took it away."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable, twice: low and high
    _check(_libc.capget(header, sets), "capget")
    sets[0], sets[3] = sets[1], sets[4]
    _check(_libc.capset(header, sets), "capset")


def raise_loopback() -> None:
    """Switch `lo` of a new network namespace on: ipykernel binds 127.0.0.1; raises OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        # `struct ifreq`: 16 bytes of name, then the flags; 40 bytes in all.
        request = fcntl.ioctl(link, _SIOCGIFFLAGS, struct.pack("16sH22x", b"lo", 0))
        flags = struct.unpack("16sH22x", request)[1]
        fcntl.ioctl(link, _SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", flags | _IFF_UP))


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
