"""What a fork of the zygote closes, leaves and limits before any student's code runs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sandboxes are Linux's")
NO_SUCH_PLACE = 2**31


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("kept", [[0, 1, 2], [1], [2, 1, 0, 1, 40], [1, 3, 5, 40]])
def test_every_descriptor_that_is_not_named_is_closed(kept: list[int]) -> None:
    code = (
        "import json, os\nfrom grader.sandbox.inside.isolation import close_all_but\n"
        "for number in (3, 4, 5, 40, 41, 1000):\n    os.dup2(1, number)\n"
        f"close_all_but({kept})\n"
        "def is_open(number):\n    try:\n        return os.fstat(number) is not None\n"
        "    except OSError:\n        return False\n"
        "os.write(1, json.dumps([n for n in range(1100) if is_open(n)]).encode())"
    )

    assert json.loads(python(code)) == sorted(set(kept))


def test_libraries_that_are_loaded_get_as_many_threads_as_the_kernel_may_use() -> None:
    code = (
        "import torch\nfrom grader.sandbox.inside.isolation import threads\n"
        "found = []\nfor number in (1, 3):\n    threads(number)\n    found.append(torch.get_num_threads())\nprint(found)"
    )

    assert python(code) == "[1, 3]\n"


def test_nothing_is_loaded_in_order_to_limit_it() -> None:
    code = (
        "import sys\nfrom grader.sandbox.inside.isolation import threads\nthreads(2)\n"
        "print(sorted({'torch', 'numpy'} & set(sys.modules)))"
    )

    assert python(code) == "[]\n"


def test_a_kernel_that_cannot_be_isolated_is_told_as_failed_and_never_runs() -> None:
    code = (
        "import os, socket\nfrom grader.sandbox.inside import isolation, syscalls\n"
        "ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
        "def refused(_):\n    raise PermissionError('no namespaces here')\n"
        "syscalls.unshare = refused\n"
        "if os.fork() == 0:\n"
        "    isolation.enter({'place': 0}, theirs, lambda _: os.write(1, b'it ran'))\n"
        "os.wait()\nprint(ours.recv(100_000).decode())"
    )

    said = json.loads(python(code))

    assert said["event"] == "failed"
    assert "no namespaces here" in said["text"]
