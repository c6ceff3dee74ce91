"""Limits of whole process trees: version 1 for real where we are root, version 2 on folders that play the kernel."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader.errors import InfrastructureError
from grader.sandbox.host import cgroups
from grader.sandbox.host.cgroups import LEAF, Group, Hierarchy, Usage, find, sweep

FOUND = find()
first = pytest.mark.skipif(
    FOUND is None or FOUND.version != 1,
    reason="needs writable memory and pids hierarchies of version 1 (root)",
)
UNIFIED = Path("/sys/fs/cgroup/unified")


@pytest.fixture
def group() -> Iterator[Group]:
    assert FOUND is not None
    made = FOUND.create(f"pawgrade-test-{os.getpid()}", memory_mb=64, processes=10)
    yield made
    made.kill()
    made.remove()


def started(group: Group, text: str) -> subprocess.Popen[str]:
    """Start Python in the group: it is put there before it runs what it was given."""
    waiting = f"import os, sys, time\nsys.stdin.readline()\n{text}"
    process = subprocess.Popen(
        [sys.executable, "-c", waiting], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    group.add(process.pid)
    return process


def run(group: Group, text: str) -> tuple[int, str]:
    process = started(group, text)
    output, _ = process.communicate("go\n", timeout=60)
    return process.returncode, output.strip()


@first
def test_a_tree_that_takes_memory_in_pieces_dies_and_is_counted(group: Group) -> None:
    text = """
held = []
child = os.fork()
while len(held) < 10:  # 40 MiB each: one alone may
    held.append(bytearray(os.urandom(1) * (4 << 20)))
    time.sleep(0.01)
if child == 0:
    time.sleep(1)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.wait()[1]))
"""

    code, output = run(group, text)

    assert -9 in {code, int(output or 0)}
    assert group.usage().memory_kills >= 1
    assert 32 < group.usage().peak_mb <= 64


@first
def test_a_modest_process_is_left_alone(group: Group) -> None:
    assert run(group, "print(len(bytearray(16 << 20)))") == (0, str(16 << 20))

    usage = group.usage()
    assert usage == Usage(0, 0, usage.peak_mb, usage.cpu_s)
    assert 16 <= usage.peak_mb < 64


@first
def test_a_fork_bomb_is_refused_and_counted(group: Group) -> None:
    text = """
born = 0
try:
    while True:
        if os.fork() == 0:
            time.sleep(100)
        born += 1
except BlockingIOError:
    print(born)
    os.close(1)
"""

    process = started(group, text)
    assert process.stdin
    assert process.stdout
    process.stdin.write("go\n")
    process.stdin.close()
    born = process.stdout.readline()
    group.kill()
    process.wait(10)
    process.stdout.close()

    assert int(born) == 9
    assert group.usage().process_refusals == 1
    assert (group.pids / "cgroup.procs").read_text() == ""


@first
def test_swap_adds_nothing_to_the_memory(group: Group) -> None:
    together = group.memory / "memory.memsw.limit_in_bytes"

    if together.exists():
        assert together.read_text().strip() == str(64 << 20)
    else:
        assert (group.memory / "memory.swappiness").read_text().strip() == "0"


@first
def test_a_group_lies_below_our_own(group: Group) -> None:
    own = dict(line.split(":")[1:] for line in Path("/proc/self/cgroup").read_text().splitlines())

    for controller, folder in {"memory": group.memory, "pids": group.pids}.items():
        assert folder.parent == Path(f"/sys/fs/cgroup/{controller}{own[controller]}".rstrip("/"))


@first
def test_a_removed_group_leaves_nothing_and_can_be_removed_again(group: Group) -> None:
    group.remove()
    group.remove()
    group.kill()

    assert [folder for folder in group.folders if folder.exists()] == []


@first
def test_a_group_with_processes_is_not_removed(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroups, "_BUSY_S", 0.05)
    process = started(group, "time.sleep(100)")

    with process, pytest.raises(InfrastructureError, match="still holds processes"):
        try:
            group.remove()
        finally:
            process.kill()


@first
def test_a_process_that_has_ended_cannot_be_added(group: Group) -> None:
    process = subprocess.Popen(["true"])
    process.wait()

    with pytest.raises(ProcessLookupError):
        group.add(process.pid)


@first
def test_two_groups_of_one_name_are_refused_and_the_first_stays(group: Group) -> None:
    assert FOUND is not None

    with pytest.raises(InfrastructureError, match="File exists"):
        FOUND.create(group.memory.name, 64, 10)
    assert all(folder.is_dir() for folder in group.folders)


@first
def test_leftovers_are_swept_by_name_when_empty_and_ownerless() -> None:
    assert FOUND is not None
    names = [f"pawgrade-sweep-{os.getpid()}-{letter}" for letter in "abc"]
    dead, living, busy = (FOUND.create(name, 64, 10) for name in names)

    with started(busy, "") as process:
        removed = sweep(FOUND, f"pawgrade-sweep-{os.getpid()}-", alive=lambda name: name == names[1])
        process.kill()

    assert removed == [names[0]]
    assert not dead.memory.exists()
    for one in (living, busy):
        assert one.pids.exists()
        one.remove()


@pytest.mark.skipif(
    not os.access(UNIFIED / "cgroup.procs", os.W_OK), reason="needs a writable version 2 beside version 1"
)
def test_the_kernel_kills_a_group_of_version_2_at_once() -> None:
    folder = UNIFIED / f"pawgrade-test-{os.getpid()}"
    folder.mkdir()
    group = Group(2, folder, folder)

    with started(group, "") as process:
        group.kill()
        code = process.wait(10)
    group.remove()

    assert code == -9
    assert not folder.exists()


@pytest.mark.parametrize("name", ["", "..", "a/b", "/a", ".hidden", "a b", "a\n"])
def test_a_name_that_is_no_folders_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InfrastructureError, match="name is made of"):
        Hierarchy(1, tmp_path, tmp_path).create(name, 64, 10)


# Version 2 on plain folders.


class FakeKernel:
    """Does to plain folders what version 2 does: files appear with a group, a process is in one place, rules hold."""

    def __init__(self, root: Path, processes: str = "", controllers: str = "cpu memory pids") -> None:
        self.written: list[tuple[str, str]] = []
        self.root = root
        self.own = root / "user.slice" / "our.scope"
        self.own.mkdir(parents=True)
        self.fill(self.own, controllers, processes)

    def fill(self, folder: Path, controllers: str, processes: str = "") -> None:
        texts = {
            "cgroup.controllers": controllers,
            "cgroup.subtree_control": "",
            "cgroup.type": "domain",
            "cgroup.procs": processes,
        }
        if "memory" in controllers:
            texts |= {"memory.max": "max", "memory.swap.max": "max", "pids.max": "max"}
            texts |= {"memory.events": "low 0\noom 1\noom_kill 2\n", "memory.peak": str(3 << 20)}
            texts |= {"pids.events": "max 4\n", "cgroup.kill": "", "memory.current": str(1 << 20)}
        for name, text in texts.items():
            (folder / name).write_text(text)

    def make(self, folder: Path) -> None:
        folder.mkdir()
        self.fill(folder, (folder.parent / "cgroup.subtree_control").read_text().replace("+", ""))

    def write(self, path: Path, text: str) -> None:
        self.written.append((str(path.relative_to(self.own)), text))
        if path.name == "cgroup.subtree_control" and (path.parent / "cgroup.procs").read_text().strip():
            raise OSError(16, "Device or resource busy")
        if path.name == "cgroup.procs":
            for other in self.root.rglob("cgroup.procs"):
                other.write_text("\n".join(pid for pid in other.read_text().split() if pid != text))
            text = f"{path.read_text()}\n{text}".strip()
        path.write_text(text)

    def drop(self, folder: Path) -> bool:
        if (folder / "cgroup.procs").read_text().strip():
            return False
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
        return True


OWN = "0::/user.slice/our.scope\n"
Start = Callable[..., FakeKernel]


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    def start(processes: str = "", controllers: str = "cpu memory pids") -> FakeKernel:
        fake = FakeKernel(tmp_path, processes, controllers)
        monkeypatch.setattr(cgroups, "_make", fake.make)
        monkeypatch.setattr(cgroups, "_write", fake.write)
        monkeypatch.setattr(cgroups, "_drop", fake.drop)
        return fake

    return start


def hierarchy(fake: FakeKernel, own: str = OWN) -> Hierarchy:
    found = find(fake.root, own)
    assert found is not None
    return found


def test_a_delegated_group_is_found_and_described(kernel: Start) -> None:
    fake = kernel()

    found = hierarchy(fake)

    assert found == Hierarchy(2, fake.own, fake.own)
    assert found.describe() == f"control groups version 2 below {fake.own}"
    assert fake.written == []


def test_a_new_group_gets_its_limits_and_no_swap(kernel: Start) -> None:
    fake = kernel()

    hierarchy(fake).create("pawgrade-1", 512, 64)

    assert fake.written == [
        ("cgroup.subtree_control", "+memory +pids"),
        ("pawgrade-1/memory.max", str(512 << 20)),
        ("pawgrade-1/memory.swap.max", "0"),
        ("pawgrade-1/pids.max", "64"),
    ]


def test_our_own_processes_move_into_a_leaf_first(kernel: Start) -> None:
    fake = kernel("11\n0\n12")
    (fake.own / "cgroup.procs").write_text("11\n12\n")

    hierarchy(fake).create("pawgrade-1", 512, 64)

    moved = [(f"{LEAF}/cgroup.procs", "11"), (f"{LEAF}/cgroup.procs", "12")]
    assert fake.written[:3] == [*moved, ("cgroup.subtree_control", "+memory +pids")]
    assert (fake.own / "cgroup.procs").read_text() == ""


def test_a_process_of_the_leaf_makes_groups_beside_it(kernel: Start) -> None:
    fake = kernel("11")
    hierarchy(fake).create("pawgrade-1", 512, 64)

    again = hierarchy(fake, OWN.replace("scope", f"scope/{LEAF}"))

    assert again.memory == fake.own
    assert again.create("pawgrade-2", 512, 64).memory == fake.own / "pawgrade-2"


def test_controllers_that_are_switched_on_stay_as_they_are(kernel: Start) -> None:
    fake = kernel("11")
    (fake.own / "cgroup.subtree_control").write_text("cpu memory pids\n")

    hierarchy(fake).create("pawgrade-1", 512, 64)

    assert [path for path, _ in fake.written if not path.startswith("pawgrade-1")] == []


def test_the_root_of_all_groups_keeps_its_processes(kernel: Start) -> None:
    fake = kernel()
    (fake.own / "cgroup.type").unlink()

    hierarchy(fake).create("pawgrade-1", 512, 64)

    assert not (fake.own / LEAF).exists()


def test_a_process_that_cannot_be_moved_is_told_and_leaves_no_group(kernel: Start) -> None:
    fake = kernel("0")  # of a process namespace that we do not see

    with pytest.raises(InfrastructureError, match="busy.*Delegate=yes"):
        hierarchy(fake).create("pawgrade-1", 512, 64)
    assert not (fake.own / "pawgrade-1").exists()


def test_a_group_without_its_files_is_told_and_taken_away(
    kernel: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = kernel()

    def refuse(path: Path, text: str) -> None:
        if path.name == "pids.max":
            raise PermissionError(13, "Permission denied")
        fake.write(path, text)

    monkeypatch.setattr(cgroups, "_write", refuse)

    with pytest.raises(InfrastructureError, match="Permission denied"):
        hierarchy(fake).create("pawgrade-1", 512, 64)
    assert not (fake.own / "pawgrade-1").exists()


def test_usage_is_read_and_an_older_kernel_tells_what_is_used_now(kernel: Start) -> None:
    fake = kernel()
    group = hierarchy(fake).create("pawgrade-1", 512, 64)

    assert group.usage() == Usage(memory_kills=2, process_refusals=4, peak_mb=3.0)
    (group.memory / "memory.peak").unlink()
    assert group.usage().peak_mb == 1.0


def test_killing_is_the_kernels_work(kernel: Start) -> None:
    fake = kernel()
    group = hierarchy(fake).create("pawgrade-1", 512, 64)

    group.kill()

    assert fake.written[-1] == ("pawgrade-1/cgroup.kill", "1")


def test_an_older_kernel_gets_signals_and_no_process_that_is_not_listed(kernel: Start) -> None:
    fake = kernel()
    group = hierarchy(fake).create("pawgrade-1", 512, 64)
    (group.memory / "cgroup.kill").unlink()
    (group.memory / "cgroup.procs").write_text("0\n")  # signal 9 to process 0 would end ourselves

    group.kill()

    assert fake.written[-1] == ("pawgrade-1/pids.max", "0")


def test_a_sweep_spares_our_own_leaf(kernel: Start) -> None:
    fake = kernel("11")
    hierarchy(fake).create("pawgrade-1", 512, 64)
    (fake.own / LEAF / "cgroup.procs").write_text("")

    assert sweep(hierarchy(fake), "pawgrade-", alive=lambda name: False) == ["pawgrade-1"]
    assert (fake.own / LEAF).exists()


@pytest.mark.parametrize("controllers", ["", "cpu", "memory", "cpu pids"])
def test_without_both_controllers_there_is_no_hierarchy(kernel: Start, controllers: str) -> None:
    assert find(kernel(controllers=controllers).root, OWN) is None


@pytest.mark.parametrize("closed", ["our.scope", "cgroup.procs", "cgroup.subtree_control"])
def test_what_is_not_delegated_is_not_used(
    kernel: Start, monkeypatch: pytest.MonkeyPatch, closed: str
) -> None:
    fake = kernel()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != closed)

    assert find(fake.root, OWN) is None


@pytest.mark.parametrize("own", ["", "0::/elsewhere\n", "0::/../outside\n", "4:memory:/a\n8:pids:/a\n"])
def test_a_group_that_is_not_mounted_here_is_not_used(kernel: Start, own: str) -> None:
    assert find(kernel().root, own) is None


def test_version_1_is_used_when_the_controllers_are_there(tmp_path: Path) -> None:
    for name in ("memory/a", "pids,misc/b", "unified"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "cgroup.procs").write_text("")
    (tmp_path / "unified/cgroup.controllers").write_text("")

    found = find(tmp_path, "8:pids,misc:/b\n4:memory:/a\n1:name=systemd:/x:y\n0::/\n")

    assert found == Hierarchy(1, tmp_path / "memory/a", tmp_path / "pids,misc/b")
