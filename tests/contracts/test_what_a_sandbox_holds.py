"""What a hostile notebook must not win: the host's files, secrets, network and processes, other kernels, more rights."""

from __future__ import annotations

import contextlib
import os
import socket
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from grader import visible
from tests.contracts.attacks import CALLS, FORGED, HARMLESS_DEVICES, NO_RIGHTS, PATHS, REFUSALS
from tests.contracts.conftest import SECRET, WORDS, Pool
from tests.contracts.kernel import Kernel

pytestmark = pytest.mark.parametrize("provider", ["cold", "warm"], indirect=True)

COMMON = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - where everybody on the host may write


@dataclass(frozen=True)
class Host:
    """What the host has that no kernel may find.

    Attributes:
        token: a word that stands in every planted file's name.
        port: where somebody listens on 127.0.0.1.
        listeners: the sockets of those who listen.
        paths: the planted files and sockets.
    """

    token: str
    port: int
    listeners: tuple[socket.socket, ...]
    paths: tuple[Path, ...]

    def visitors(self) -> int:
        """Count the connections that came."""
        came = 0
        for listener in self.listeners:
            with contextlib.suppress(BlockingIOError):
                listener.accept()[0].close()
                came += 1
        return came


@pytest.fixture(scope="module")
def host(place: Path) -> Iterator[Host]:
    """Plant secrets and listeners on the host."""
    token = f"paw-bait-{uuid.uuid4().hex[:8]}"
    folders = (Path.home(), place, *map(Path, COMMON))
    files = tuple(folder / f"{token}.txt" for folder in folders)
    with contextlib.ExitStack() as stack:
        for path in files:
            path.write_text(SECRET)
            stack.callback(path.unlink)
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        hidden, named, beside = (stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(3))
        addresses = (f"\0{token}", f"{COMMON[0]}/{token}.sock", f"{place}/{token}.sock")
        for wire, address in zip((hidden, named, beside), addresses, strict=True):
            wire.bind(address)
            wire.listen()
        sockets = tuple(Path(address) for address in addresses[1:])
        for path in sockets:
            stack.callback(path.unlink)
        for wire in (tcp, hidden, named, beside):
            wire.setblocking(False)
        yield Host(token, tcp.getsockname()[1], (tcp, hidden, named, beside), files + sockets)


@pytest.fixture
def hostile(provider: str, pool: Pool) -> Kernel:
    """A kernel of these tests' own with the words of an attacker: what honest notebooks leave open would mislead them."""
    held = pool.get(provider, "hostile", WORDS)
    outcome = held.run(WORDS)
    assert outcome.status == "ok", outcome
    return held


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_no_right_is_won_by(hostile: Kernel, call: str) -> None:
    said = hostile.value(call)

    assert said.startswith("refused"), said
    assert said.split()[-1] in REFUSALS, f"it failed for another reason than a refusal: {said}"


@pytest.mark.parametrize("look", PATHS.values(), ids=PATHS)
def test_nothing_is_read_or_changed_at(hostile: Kernel, look: str) -> None:
    assert hostile.value(look).startswith("refused")


def test_no_file_of_the_host_can_be_found(hostile: Kernel, host: Host) -> None:
    paths = [str(path) for path in host.paths]

    assert hostile.value(f"found({host.token!r})", timeout_s=60) == "[]"
    assert hostile.value(f"[path for path in {paths} if os.path.lexists(path)]") == "[]"
    below = [f"/proc/{{pid}}/{way}{path}" for path in paths for way in ("root", "cwd")]
    assert hostile.value(f"[p for p in {below} for n in pids() if os.path.lexists(p.format(pid=n))]") == "[]"


def test_no_word_of_the_hosts_environment_gets_in(hostile: Kernel) -> None:
    assert SECRET in os.environ["PAWGRADE_CONTRACT_SECRET"]
    assert hostile.value(f"[name for name, text in os.environ.items() if {SECRET!r} in text]") == "[]"
    assert hostile.value(f"told_by_processes({SECRET!r})") == "[]"


def test_the_host_is_not_named(hostile: Kernel) -> None:
    name = socket.gethostname()

    places = "('/etc/hostname', '/etc/hosts', '/proc/sys/kernel/hostname')"
    told = hostile.value(
        f"[os.uname().nodename, *(Path(p).read_text() for p in {places} if os.path.exists(p))]"
    )
    assert name not in told
    assert (
        hostile.value(
            f"[n for n in ('USER', 'LOGNAME', 'HOSTNAME', 'SUDO_USER') if {os.environ.get('USER') or name!r} == os.environ.get(n)]"
        )
        == "[]"
    )


def test_only_its_own_processes_can_be_seen(hostile: Kernel) -> None:
    assert hostile.value("[pid for pid in pids() if pid not in (1, os.getpid())]") == "[]"
    assert hostile.value("told_by_processes('pytest')") == "[]"


def test_killing_pid_1_harms_nobody(hostile: Kernel) -> None:
    hostile.run("import signal; [attempt(lambda: os.kill(1, n)) for n in range(1, 32) if n not in (18, 19)]")

    assert hostile.value("1 + 1") == "2"


def test_no_signal_reaches_a_process_of_the_host(hostile: Kernel) -> None:
    assert hostile.value(f"attempt(lambda: os.kill({os.getpid()}, 0))") == "refused: ESRCH"
    assert hostile.value("attempt(lambda: os.kill(-1, 0))").startswith(("refused", "done"))


def test_the_hosts_listeners_hear_nothing(hostile: Kernel, host: Host) -> None:
    said = [
        hostile.value(f"connected(('127.0.0.1', {host.port}), socket.AF_INET)"),
        hostile.value(f"connected('\\0{host.token}')"),
        *(hostile.value(f"connected({str(path)!r})") for path in host.paths if path.suffix == ".sock"),
    ]

    assert said == ["refused: ECONNREFUSED", "refused: ECONNREFUSED", "refused: ENOENT", "refused: ENOENT"]
    assert host.visitors() == 0


@pytest.mark.parametrize(
    "call",
    [
        "connected(('192.0.2.1', 80), socket.AF_INET)",
        "connected(('2001:db8::1', 80), socket.AF_INET6)",
        "connected(('192.0.2.1', 53), socket.AF_INET, socket.SOCK_DGRAM)",
        "attempt(lambda: socket.getaddrinfo('example.org', 80))",
    ],
)
def test_there_is_no_way_out(hostile: Kernel, call: str) -> None:
    assert hostile.value(call).startswith("refused")


def test_it_has_a_loopback_of_its_own(hostile: Kernel) -> None:
    code = "own = socket.create_server(('127.0.0.1', 0)); print(connected(own.getsockname(), socket.AF_INET)); own.close()"

    assert "connected" in hostile.run(code).text


def test_it_holds_no_rights_and_cannot_get_any(hostile: Kernel) -> None:
    rights = hostile.literal("status()")

    assert {rights[name].strip() for name in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb")} == {
        NO_RIGHTS
    }
    assert (rights["NoNewPrivs"].strip(), rights["Seccomp"].strip()) == ("1", "2")
    assert "0" not in rights["Uid"].split()
    assert hostile.value("[number for number in os.getgroups() if number < 1000]") == "[]"


def test_a_setuid_program_lends_no_rights(hostile: Kernel) -> None:
    code = "for program in ('su', 'sudo', 'pkexec', 'newgrp', 'mount'):\n    !$program -c id --version </dev/null 2>&1"
    told = hostile.run(code, timeout_s=60).text

    assert "uid=0" not in told


def test_its_children_are_held_as_it_is(hostile: Kernel) -> None:
    child = "print(*[inside.status()[n].strip() for n in ('CapEff', 'NoNewPrivs', 'Seccomp')], inside.syscall('unshare', 0x10000000)[:7])"
    told = hostile.run(
        f'import subprocess\nprint(subprocess.check_output([sys.executable, "-c", "import inside; {child}"], text=True))'
    )

    assert told.text.split() == [NO_RIGHTS, "1", "2", "refused"], told


def test_devices_are_the_harmless_ones(hostile: Kernel) -> None:
    assert set(hostile.literal("os.listdir('/dev')")) <= HARMLESS_DEVICES


def test_sys_tells_of_processors_only(hostile: Kernel) -> None:
    hidden = [
        "class",
        "block",
        "bus",
        "firmware",
        "fs",
        "kernel",
        "module",
        "power",
        "dev",
        "devices/pci0000:00",
    ]

    assert hostile.value(f"[name for name in {hidden} if os.path.exists('/sys/' + name)]") == "[]"


def test_every_place_to_write_is_private_and_bounded(hostile: Kernel) -> None:
    mounts = hostile.literal("writable_mounts()")

    assert {str(Path(place).parent) for place in mounts} <= {"/", "/dev", "/pawgrade"}
    assert {kind for kind, _, _ in mounts.values()} == {"tmpfs"}
    assert all(0 < size <= 6144 and 0 < inodes <= 10**6 for _, size, inodes in mounts.values()), mounts


def test_its_open_descriptors_lead_nowhere(hostile: Kernel) -> None:
    links = hostile.literal("descriptors()")

    strange = [
        link
        for link in links
        if not link.startswith(("socket:", "pipe:", "anon_inode:", "/dev/null", "/dev/urandom", "/pawgrade/"))
    ]
    assert not strange
    assert hostile.value("[path for path in socket_paths() if os.path.exists(path)]") == "[]"


def test_no_line_to_its_watchers_is_left_open(hostile: Kernel) -> None:
    assert hostile.value("packet_sockets()") == "0"


def test_whoever_is_at_the_other_end_of_a_socket_cannot_be_signalled(hostile: Kernel) -> None:
    said = hostile.literal("peers_signalled()")

    assert said
    assert all(one.startswith("refused") for one in said)


def test_its_connection_file_and_sockets_have_no_path_inside(hostile: Kernel, place: Path) -> None:
    named = Path(hostile.manager.connection_file).name
    assert hostile.value(f"found({named!r})") == "[]"
    assert (
        hostile.value(f"[os.path.exists({str(place)!r}), os.path.exists({str(place / 'run')!r})]")
        == "[False, False]"
    )
    bound = "[line.split()[-1] for line in open('/proc/net/unix').readlines()[1:] if '/' in line.split()[-1]]"
    assert hostile.value(f"[path for path in {bound} if os.path.exists(path)]") == "[]"


@pytest.mark.parametrize("limit", ["NPROC", "NOFILE", "DATA", "FSIZE", "CORE", "MEMLOCK"])
def test_a_limit_cannot_be_raised(hostile: Kernel, limit: str) -> None:
    hostile.run(f"import resource; soft, hard = resource.getrlimit(resource.RLIMIT_{limit})")

    assert hostile.value("hard") != "-1", "there is no limit"
    raised = f"attempt(lambda: resource.setrlimit(resource.RLIMIT_{limit}, (hard + 1, hard + 1)))"
    assert hostile.value(raised).startswith("refused")


def test_a_crash_leaves_no_core(hostile: Kernel) -> None:
    code = "import subprocess; crashed = subprocess.run([sys.executable, '-c', 'import os; os.abort()'])"
    hostile.run(code)

    assert hostile.value("crashed.returncode") == "-6"
    assert hostile.value("[name for name in os.listdir('.') if name.startswith('core')]") == "[]"
    assert hostile.value("__import__('resource').getrlimit(4)[1] <= 1") == "True"


def test_forged_messages_harm_neither_kernel_nor_client(hostile: Kernel) -> None:
    hostile.run(FORGED)

    assert [hostile.run("6 * 7").result for _ in range(2)] == ["42", "42"]


def test_a_flood_of_output_ends_and_the_kernel_goes_on(hostile: Kernel) -> None:
    hostile.run("for line in range(64):\n    print('x' * 2**19)", timeout_s=60)

    assert hostile.value("1 + 1") == "2"


def test_thirty_gigabytes_are_refused_with_a_clean_error(hostile: Kernel) -> None:
    assert "MemoryError" in hostile.run("import numpy; numpy.ones(30 * 2**27)").error
    assert hostile.value("1 + 1") == "2"


def test_no_hidden_check_or_solution_can_be_found(hostile: Kernel) -> None:
    hidden = ("hidden.toml", "check_hidden", "mutants")

    assert hostile.value(f"[found(word) for word in {hidden}]", timeout_s=60) == "[[], [], []]"
    package = "os.path.dirname(__import__('grader').__file__)"
    assert hostile.value(f"[found(word, {package}) for word in {hidden}]") == "[[], [], []]"


def test_of_the_package_there_is_what_the_lab_needs_and_nothing_else(hostile: Kernel) -> None:
    hostile.run("import grader")
    look = "sorted(str(p.relative_to(grader.__path__[0])) for p in Path(grader.__path__[0]).rglob('*.py'))"
    files = hostile.literal(look)
    loaded = hostile.literal("sorted(name for name in sys.modules if name.split('.')[0] == 'grader')")
    refused = hostile.run("from grader.checks.metrics import confusion")

    modules = {
        "grader." + path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in files
    }
    assert {name.removesuffix(".__init__") for name in modules} == visible.MODULES
    assert set(loaded) <= visible.MODULES
    assert refused.error == "ModuleNotFoundError"
    assert "is not there while your notebook is graded" in refused.traceback_text
