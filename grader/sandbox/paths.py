"""Constants that the parts of the sandbox share: paths in a kernel's world, its channels, its bounds."""

from __future__ import annotations

from grader.kernel_env import HOME, ROOM, SHARED, WORK

UID = 1000
EXCHANGE = f"{ROOM}/exchange"  # Landlock's rule stands here: it does not reach into what is mounted on its own folder
BROUGHT = (
    f"{EXCHANGE}/brought"  # questions and answers; there is nothing, and no room, before they are brought
)
BOX = f"{ROOM}/.box"  # what only B may see: mount points for the private disk, folders that a kernel may be given
WRITABLE = (WORK, HOME, EXCHANGE, "/tmp", "/dev/shm")  # noqa: S108 - the kernel's own, not the host's
DISKS = (WORK, SHARED)
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/pts")
UNPACKED = f"{BOX}/brought"  # where B unpacks what it was brought, out of sight
MASKED = ("kcore", "keys", "key-users", "timer_list", "sysrq-trigger", "kallsyms", "kmsg", "interrupts")
INODES_PER_MB = 64
# What a kernel's user namespace may have at most, in /proc/sys/user: what Linux counts for the user who made the
# namespaces around it, whichever uid the kernel has. Nobody inside makes namespaces: seccomp refuses them before.
ALLOTTED = {
    "max_inotify_instances": 8,
    "max_inotify_watches": 4096,
    **{f"max_{kind}_namespaces": 0 for kind in ("user", "pid", "net", "mnt", "uts", "ipc", "cgroup", "time")},
}
EXCHANGE_MB = 512
CHANNELS = (
    "shell",
    "iopub",
    "stdin",
    "control",
    "hb",
)  # a kernel's sockets; their ports are their places here, from 1
INLINE = "module://matplotlib_inline.backend_inline"  # matplotlib reads MPLBACKEND when it is imported: before a fork
