"""The attempts of a hostile notebook, by what they try to win; they run in a kernel, with the words of `inside`."""

from __future__ import annotations

REFUSALS = {
    "EPERM",
    "EACCES",
    "ENOSYS",
    "EOPNOTSUPP",
    "ENOTSUP",
    "EAFNOSUPPORT",
    "EROFS",
    "EXDEV",
    "interface",
    "-31",
}
NETLINK, PACKET, ALG, VSOCK, BLUETOOTH, CAN, RDS, TIPC, XDP = 16, 17, 38, 40, 31, 29, 21, 30, 44
NO_RIGHTS = "0000000000000000"
HARMLESS_DEVICES = {
    *("null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "shm", "mqueue"),
    *("fd", "stdin", "stdout", "stderr", "core", "console"),
}  # fmt: skip
CALLS = {
    "tracing pid 1": "syscall('ptrace', 16, 1)",
    "seizing pid 1": "syscall('ptrace', 0x4206, 1)",
    "tracing oneself": "syscall('ptrace', 0)",
    "reading another's memory": "syscall('process_vm_readv', 1, 0, 0, 0, 0, 0)",
    "writing another's memory": "syscall('process_vm_writev', 1, 0, 0, 0, 0, 0)",
    "taking a descriptor of pid 1": "with_open('/proc/1', lambda number: syscall('pidfd_getfd', number, 0, 0))",
    "limiting pid 1": "attempt(lambda: __import__('resource').prlimit(1, 7, (1, 1)))",
    "limiting a child": "attempt(lambda: __import__('resource').prlimit(os.getpid(), 7, (64, 64)))",
    "signalling pid 1": "attempt(lambda: os.kill(1, signal.SIGCHLD))",
    "signalling a thread of pid 1": "syscall('tgkill', 1, 1, 17)",
    "signalling the thread 1": "syscall('tkill', 1, 17)",
    "queueing a signal for pid 1": "syscall('rt_sigqueueinfo', 1, 17, ctypes.create_string_buffer(128))",
    "holding pid 1": "attempt(lambda: os.pidfd_open(1))",
    "binding pid 1 to a processor": "attempt(lambda: os.sched_setaffinity(1, {0}))",
    "scheduling pid 1 last": "attempt(lambda: os.sched_setscheduler(1, os.SCHED_IDLE, os.sched_param(0)))",
    "the scheduling of pid 1": "syscall('sched_setattr', 1, ctypes.create_string_buffer(b'\\x38\\0\\0\\0\\5', 56), 0)",
    "a niceness for pid 1": "attempt(lambda: os.setpriority(os.PRIO_PROCESS, 1, 19))",
    "a niceness for a user": "attempt(lambda: os.setpriority(os.PRIO_USER, os.getuid(), 19))",
    "a disk priority for pid 1": "syscall('ioprio_set', 1, 1, 3 << 13)",
    "a disk priority for a user": "syscall('ioprio_set', 3, os.getuid(), 3 << 13)",
    "the robust list of pid 1": "syscall('get_robust_list', 1, ctypes.create_string_buffer(8), ctypes.create_string_buffer(8))",
    "a pipe that grows": "attempt(lambda: __import__('fcntl').fcntl(os.pipe()[0], 1031, 2**20))",
    "comparing with pid 1": "syscall('kcmp', 1, os.getpid(), 0, 0, 0)",
    "a user namespace": "syscall('unshare', 0x10000000)",
    "a mount namespace": "syscall('unshare', 0x20000)",
    "a network namespace": "syscall('unshare', 0x40000000)",
    "a user namespace by clone": "cloned(0x10000000)",
    "a user namespace by clone3": "syscall('clone3', 0, 0)",
    "another's namespace": "syscall('setns', 0, 0)",
    "mounting": "syscall('mount', b'tmpfs', b'/tmp', b'tmpfs', 0, 0)",
    "remounting writable": "syscall('mount', b'', b'/usr', b'', 0x1020, 0)",
    "unmounting": "syscall('umount2', b'/proc', 2)",
    "mounting the new way": "syscall('fsopen', b'tmpfs', 0)",
    "a detached mount": "syscall('open_tree', -100, b'/', 1)",
    "moving a mount": "syscall('move_mount', -100, b'/', -100, b'/tmp', 0)",
    "changing a mount": "syscall('mount_setattr', -100, b'/usr', 0, 0, 0)",
    "another root": "syscall('chroot', b'/tmp')",
    "pivoting the root": "syscall('pivot_root', b'/', b'/tmp')",
    "a key in a keyring": "syscall('add_key', b'user', b'cat', b'tuna', 4, -3)",
    "asking for a key": "syscall('request_key', b'user', b'cat', 0, -3)",
    "a keyring": "syscall('keyctl', 0, -3, 1)",
    "io_uring": "syscall('io_uring_setup', 8, ctypes.create_string_buffer(256))",
    "io_setup": "syscall('io_setup', 8, ctypes.create_string_buffer(8))",
    "userfaultfd": "syscall('userfaultfd', 1)",
    "bpf": "syscall('bpf', 0, ctypes.create_string_buffer(128), 72)",
    "perf events": "syscall('perf_event_open', ctypes.create_string_buffer(b'\\1\\0\\0\\0\\160', 128), 0, -1, -1, 0)",
    "fanotify": "syscall('fanotify_init', 0, 0)",
    "a file by handle": "syscall('open_by_handle_at', -100, ctypes.create_string_buffer(128), 0)",
    "a module": "syscall('init_module', 0, 0, b'')",
    "another kernel": "syscall('kexec_load', 0, 0, 0, 0)",
    "a reboot": "syscall('reboot', 0, 0, 0, 0)",
    "swap": "syscall('swapon', b'/tmp/swap', 0)",
    "accounting": "syscall('acct', 0)",
    "the machine's log": "syscall('syslog', 3, ctypes.create_string_buffer(64), 64)",
    "another host name": "syscall('sethostname', b'cat', 3)",
    "the clock": "syscall('clock_settime', 0, ctypes.create_string_buffer(16))",
    "time of day": "syscall('settimeofday', ctypes.create_string_buffer(16), 0)",
    "ports of the machine": "syscall('iopl', 3)",
    "another execution domain": "syscall('personality', 0x0400000)",
    "calls of 32-bit programs": "called_as_32_bit()",
    "a netlink socket": f"a_socket({NETLINK}, 3)",
    "a packet socket": f"a_socket({PACKET}, 3)",
    "a raw socket": "a_socket(2, 3, 1)",
    "a crypto socket": f"a_socket({ALG}, 5)",
    "a VM socket": f"a_socket({VSOCK}, 1)",
    "a bluetooth socket": f"a_socket({BLUETOOTH}, 3)",
    "a CAN socket": f"a_socket({CAN}, 3, 1)",
    "an RDS socket": f"a_socket({RDS}, 5)",
    "a TIPC socket": f"a_socket({TIPC}, 1)",
    "an XDP socket": f"a_socket({XDP}, 3)",
    "a character device": "attempt(lambda: os.mknod('device', 0o20666, os.makedev(1, 1)))",
    "a block device": "attempt(lambda: os.mknod('device', 0o60666, os.makedev(8, 0)))",
    "a lower niceness": "attempt(lambda: os.setpriority(os.PRIO_PROCESS, 0, -5))",
    "real-time scheduling": "attempt(lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)))",
    "a hard link to the system's file": "attempt(lambda: os.link('/etc/passwd', 'passwd'))",
    "owning the system's file": "attempt(lambda: os.chown('/etc/passwd', os.getuid(), -1))",
}  # fmt: skip
PATHS = {
    "root's place": "attempt(lambda: os.setuid(0))",
    "root's group": "attempt(lambda: os.setgroups([0]))",
    "shadow passwords": "opened('/etc/shadow')",
    "memory of pid 1": "opened('/proc/1/mem')",
    "environment of pid 1": "opened('/proc/1/environ')",
    "descriptors of pid 1": "attempt(lambda: os.listdir('/proc/1/fd'))",
    "whom pid 1 dies for": "written('/proc/1/oom_score_adj', b'1000')",
    "the name of pid 1": "written('/proc/1/comm', b'cat')",
    "the timers of pid 1": "written('/proc/1/timerslack_ns', b'1000000000')",
    "what user namespaces may have": "written('/proc/sys/user/max_inotify_instances', b'9999')",
    "root of pid 1": "attempt(lambda: os.listdir('/proc/1/root/'))",
    "folder of pid 1": "attempt(lambda: os.listdir('/proc/1/cwd/'))",
    "the kernel's log": "opened('/dev/kmsg')",
    "the machine's memory": "opened('/dev/mem')",
    "the machine's image": "attempt(lambda: Path('/proc/kcore').read_bytes()[:16] or 1 / 0)",
    "a request to the machine": "attempt(lambda: open('/proc/sysrq-trigger', 'w').write('h') and (Path('/proc/sysrq-trigger').is_char_device() and 1 / 0))",
    "the host name in /proc": "written('/proc/sys/kernel/hostname', b'cat')",
    "the core pattern": "written('/proc/sys/kernel/core_pattern', b'|/tmp/x')",
    "a network setting": "written('/proc/sys/net/ipv4/ip_forward', b'1')",
    "its own uid map": "written('/proc/self/uid_map', b'0 0 1')",
    "a module folder": "made('/lib/modules')",
    "the root folder": "made('/')",
    "the system": "made('/usr')",
    "configuration": "made('/etc')",
    "a device folder": "made('/dev')",
    "packages": "made(os.path.dirname(__import__('numpy').__file__))",
    "the interpreter's folder": "made(os.path.dirname(os.path.realpath(sys.executable)))",
    "the environment's folder": "made(sys.prefix)",
    "the lab's own code": "made(os.path.dirname(__import__('grader').__file__))",
    "the interpreter": "opened(os.path.realpath(sys.executable), 'ab')",
    "a package's file": "opened(__import__('numpy').__file__, 'ab')",
    "read-only data": "made('/pawgrade/data')",
    "the folder around the work": "made(os.path.dirname(os.getcwd()))",
    "system settings": "made('/sys/devices/system/cpu')",
}  # fmt: skip
FILES_IN_WORK = """
import os
os.symlink("/etc/shadow", "link"); os.symlink("/", "top"); os.symlink("loop", "loop"); os.mkfifo("pipe")
os.link("notes.txt", "twin"); os.truncate(os.open("sparse", os.O_CREAT | os.O_RDWR), 2**28)
os.makedirs("/".join(["deep"] * 200)); open(b"\\xff\\n.txt", "w").close(); os.chmod("notes.txt", 0)
print(len(os.listdir(".")), attempt(lambda: open("link").read()))
"""
PLANTED = """
import os, socket
from multiprocessing import resource_tracker, shared_memory
planted = socket.socket(socket.AF_UNIX); planted.bind("\\0{token}"); planted.listen()
named = socket.socket(socket.AF_UNIX); named.bind("/tmp/{token}.sock"); named.listen()
port = socket.create_server(("127.0.0.1", {port}))
block = shared_memory.SharedMemory(name="{token}", create=True, size=64)
for folder in (".", os.path.expanduser("~"), "/tmp", "/dev/shm"):
    open(os.path.join(folder, "{token}.txt"), "w").write("mine")
os.environ["{token}"] = "{token}"
"""
SEARCHED = """
told = [found({token!r}), told_by_processes({token!r}), connected("\\0" + {token!r}), connected("/tmp/" + {token!r} + ".sock"),
        connected(("127.0.0.1", {port}), socket.AF_INET)]
print(told)
"""
NOTHING_FOUND = "[[], [], 'refused: ECONNREFUSED', 'refused: ENOENT', 'refused: ECONNREFUSED']"
FORGED = """
forged("status", {"execution_state": "idle"}); forged("error", {"ename": "Forged", "evalue": "", "traceback": []})
forged("stream", {"name": "stdout"}); forged("shutdown_reply", {"restart": False})
forged("status", {"execution_state": "dead"}); forged("no_such_type", {"deep": [[[[[1]]]]]})
forged("execute_reply", {"status": "ok", "execution_count": 10**18, "user_expressions": {}}, "shell")
get_ipython().kernel.iopub_socket.send_multipart([b"not", b"a", b"message"])
"""
