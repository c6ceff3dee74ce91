"""Without a sandbox the attacks succeed: what a sandboxed kernel refuses, it is the sandbox that refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contracts.attacks import CALLS, FORGED
from tests.contracts.conftest import SECRET, WORDS
from tests.contracts.kernel import Kernel


@pytest.fixture(params=["stock"])
def provider(request: pytest.FixtureRequest) -> str:
    """Only the kernel without a sandbox."""
    return str(request.param)


@pytest.fixture
def open_kernel(kernel: Kernel) -> Kernel:
    """The stock kernel with the words of an attacker."""
    assert kernel.run(WORDS).status == "ok"
    return kernel


@pytest.mark.parametrize(
    "call",
    [
        CALLS["reading another's memory"],
        CALLS["a netlink socket"],
        "syscall('unshare', 0)",
        "attempt(lambda: os.kill(os.getppid(), 0))",
    ],
)
def test_a_plain_kernel_may(open_kernel: Kernel, call: str) -> None:
    assert open_kernel.value(call).startswith("done")


def test_a_plain_kernel_finds_a_planted_file(open_kernel: Kernel, place: Path) -> None:
    (place / "paw-tooth.txt").write_text(SECRET)

    assert open_kernel.value(f"found('paw-tooth', {str(place)!r})") == f"['{place}/paw-tooth.txt']"


def test_a_plain_kernel_tells_the_graders_environment(open_kernel: Kernel) -> None:
    assert SECRET in open_kernel.value("os.environ['PAWGRADE_CONTRACT_SECRET']")
    assert "environ" in open_kernel.value(f"told_by_processes({SECRET!r})")


def test_a_plain_kernels_floods_meet_no_cap(open_kernel: Kernel) -> None:
    assert open_kernel.value("flooded('.', 96)") == "done: None after 96 MB"
    assert open_kernel.value("crowded('.', 3000)") == "done: None after 3000 files"
    assert open_kernel.value("forked_out(70)") == "done: None after 70 forks"
    assert open_kernel.value("hoarded(3, 10)") == "done: 30 MB"


def test_a_plain_kernel_forges_messages_too(open_kernel: Kernel) -> None:
    open_kernel.run(FORGED)

    assert [open_kernel.run("6 * 7").result for _ in range(2)] == ["42", "42"]
