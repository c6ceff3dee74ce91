"""User ids of kernels: as root every kernel has a uid of its own, and what watches over it another one.

What Linux counts by uid (what pipes hold, descriptors in flight, what epoll watches) one kernel cannot take from another
then, and no call of a notebook reaches pid 1 of its own world: it belongs to somebody else. An ordinary user has one uid,
and all kernels of the user share it.

```
uid in the box    0         1 .. 31              33 .. 63
                  zygote    C, kernel by kernel  B, kernel by kernel
```
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

FIRST = 0x7000_0000  # systemd's "Users, Groups, UIDs and GIDs" calls 1879048192 to 2147483647 unused
BLOCK = 64  # uids of one keeper; pids end at 2**22, so the last block ends where the unused uids do
KERNELS = BLOCK // 2 - 1
MOST_PIDS = 2**22


def block(keeper: int) -> int:
    """Return the first uid of a keeper's block on this machine, or 0 where kernels share one uid.

    Args:
        keeper: the keeper's pid: no other one has it at the same time.
    """
    first = FIRST + keeper % MOST_PIDS * BLOCK
    # A rootless container maps 65,536 ids as a rule: a block of uids is not among them.
    return first if os.getuid() == 0 and _is_mapped(first) else 0


def _is_mapped(first: int) -> bool:
    """Whether a user namespace that we are in ourselves, as in a rootless container, has these uids and gids."""
    for name in ("uid_map", "gid_map"):
        rows = [line.split() for line in Path("/proc/self", name).read_text(encoding="ascii").splitlines()]
        if not any(
            int(start) <= first and first + BLOCK <= int(start) + int(count) for start, _, count in rows
        ):
            return False
    return True


def choose(taken: Collection[int]) -> int:
    """Return the lowest free slot, from 1, for a kernel of a keeper; more than `KERNELS` at once share the last one."""
    return next((slot for slot in range(1, KERNELS + 1) if slot not in taken), KERNELS)


def watcher(place: int) -> int:
    """Return the uid in the box of the B that watches over the kernel at a place."""
    return place + BLOCK // 2


def write_maps(pid: int, rows: str) -> None:
    """Write the maps of a process's user namespace; the caller is in the one around it, with rights over all these ids."""
    # A map can be written once, in one piece: all its rows go in one write (user_namespaces(7)).
    Path(f"/proc/{pid}/uid_map").write_text(rows, encoding="ascii")
    Path(f"/proc/{pid}/gid_map").write_text(rows, encoding="ascii")


def mapped_by_a_child(rows: str) -> tuple[int, int]:
    """Fork a child that will write the maps of the caller's next user namespace: the caller has no rights for it then.

    Returns:
        The child's pid, and the descriptor to write to when the namespace is there; see `wait_for_maps`.
    """
    # The caller's byte tells that the namespace is there; an end of file, that it never will be.
    reading, writing = os.pipe()
    parent = os.getpid()
    child = os.fork()
    if child:
        os.close(reading)
        return child, writing
    code = 1
    try:
        os.close(writing)
        if os.read(reading, 1):
            write_maps(parent, rows)
            code = 0
    finally:
        # Never back into the caller's code: this fork has its memory and its exit handlers.
        os._exit(code)


def wait_for_maps(child: int, line: int) -> None:
    """Let the child write the maps; raises OSError when it could not."""
    os.write(line, b"1")
    os.close(line)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0:
        raise PermissionError("the uids of a kernel's own could not be had")
