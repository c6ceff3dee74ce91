"""Landlock: which files a process and all its children may touch, decided by themselves, without any privilege.

It comes on top of the mounts: what a mount mistake would show, this still refuses. By raw system calls, since the C library
has no functions for them. Source: the kernel's documentation, userspace-api/landlock.
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Sequence

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_DIR, REMOVE_FILE, MAKE_CHAR, MAKE_DIR, MAKE_REG = 1 << 4, 1 << 5, 1 << 6, 1 << 7, 1 << 8
MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK, MAKE_SYM, REFER = 1 << 9, 1 << 10, 1 << 11, 1 << 12, 1 << 13
TRUNCATE, IOCTL_DEV = 1 << 14, 1 << 15
SCOPE_ABSTRACT_UNIX_SOCKET, SCOPE_SIGNAL = 1 << 0, 1 << 1

READING = EXECUTE | READ_FILE | READ_DIR
WRITING = (2**16 - 1) & ~(MAKE_CHAR | MAKE_BLOCK | IOCTL_DEV)
DEVICE = READ_FILE | WRITE_FILE | TRUNCATE | IOCTL_DEV  # TRUNCATE: a shell's `> /dev/null` asks for it
_FOR_A_FILE = (
    EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
)  # the kernel refuses the others on what is no folder

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_VERSION, _PATH_BENEATH, _PR_SET_NO_NEW_PRIVS = 1, 1, 38
_QUIET = 1 << 0 | 1 << 2  # no audit lines, from version 7: a loop of refused opens would fill the host's log
_LIBC = ctypes.CDLL(None, use_errno=True)


class _Ruleset(ctypes.Structure):
    """`struct landlock_ruleset_attr`; an older kernel takes the longer one when what it does not know is zero."""

    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    """`struct landlock_path_beneath_attr`."""

    # As the kernel has it: 12 bytes, no gap at the end.
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def abi() -> int:
    """Tell the version of Landlock that this kernel speaks; 0: none, or switched off at boot."""
    return max(
        0,
        int(_LIBC.syscall(ctypes.c_long(_CREATE_RULESET), None, ctypes.c_size_t(0), ctypes.c_uint(_VERSION))),
    )


def known(version: int) -> int:
    """Tell the rights on files that a version can refuse, as bits; what it does not know nobody can refuse."""
    if version <= 0:
        return 0
    return (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1


def restrict(
    *, readable: Sequence[str], writable: Sequence[str], devices: Sequence[str], named: Sequence[str] = ()
) -> int:
    """Give up all rights on files but some, for the calling thread and all that it will start; there is no way back.

    What is open stays open. A path that does not exist is skipped. From version 6, signals to processes outside and
    abstract unix sockets of others are refused too. It sets `no_new_privs`.

    Args:
        readable: folders and files to read, list and execute.
        writable: folders and files to change at will, but for making devices.
        devices: character devices such as `/dev/null`: read, write, `ioctl`.
        named: folders whose files may be written to, but neither made nor cut, such as `/proc` to name a thread.

    Returns:
        The version of Landlock in force; 0: the kernel has none and nothing was restricted, the caller must decide.

    Raises:
        OSError: the kernel knows Landlock and refused.
    """
    version = abi()
    if version == 0:
        return 0
    # Only rights that this kernel knows may be named: it refuses a ruleset with any other.
    rights = known(version)
    # Version 6 is the first that has scopes.
    scopes = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL if version >= 6 else 0
    # No right on the network is handled: a kernel has no network, and its own 127.0.0.1 stays free.
    ruleset = _Ruleset(rights, 0, scopes)
    size = ctypes.c_size_t(ctypes.sizeof(ruleset))
    number = _call(_CREATE_RULESET, ctypes.byref(ruleset), size, ctypes.c_uint(0))
    try:
        for paths, allowed in (
            (readable, READING),
            (writable, WRITING),
            (devices, DEVICE),
            (named, WRITE_FILE),
        ):
            for path in paths:
                _allow(number, path, allowed & rights)
        if _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, *(ctypes.c_ulong(value) for value in (1, 0, 0, 0))):
            raise OSError(ctypes.get_errno(), "no_new_privs could not be set")
        _call(_RESTRICT_SELF, ctypes.c_int(number), ctypes.c_uint(_QUIET if version >= 7 else 0))
    finally:
        os.close(number)
    return version


def _allow(ruleset: int, path: str, rights: int) -> None:
    """Add a path, and all that is beneath it, with its rights."""
    try:
        # O_PATH: the rule needs the place, not the right to read it.
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= _FOR_A_FILE
        rule = _PathBeneath(rights, descriptor)
        _call(
            _ADD_RULE,
            ctypes.c_int(ruleset),
            ctypes.c_int(_PATH_BENEATH),
            ctypes.byref(rule),
            ctypes.c_uint(0),
        )
    finally:
        os.close(descriptor)


def _call(number: int, *arguments: object) -> int:
    answer = int(_LIBC.syscall(ctypes.c_long(number), *arguments))
    if answer < 0:
        raise OSError(ctypes.get_errno(), f"Landlock: {os.strerror(ctypes.get_errno())} (call {number})")
    return answer
