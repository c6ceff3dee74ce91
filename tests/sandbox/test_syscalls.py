"""System calls that Python has no function for: what the system refuses is an error with its name, never passed over."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sandboxes are Linux's")

# Each in a process of its own: there is no way back from any of it.
REFUSED = {
    "prctl(9999)": (errno.EINVAL, "prctl 9999: "),
    "mount('none', '/no/such/place', 'tmpfs')": (None, "mount tmpfs on /no/such/place: "),
    "unmount('/no/such/place')": (None, "umount /no/such/place: "),
    "unshare(1)": (errno.EINVAL, "unshare: "),
}


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("call", REFUSED)
def test_what_the_system_refuses_is_raised_with_what_was_asked(call: str) -> None:
    number, words = REFUSED[call]
    code = (
        "import json\nfrom grader.sandbox.inside.syscalls import *\n"
        f"try:\n    {call}\nexcept OSError as exc:\n    print(json.dumps([exc.errno, exc.strerror]))"
    )

    found, text = json.loads(python(code))

    assert text.startswith(words)
    assert found in ({number} if number else {errno.EPERM, errno.ENOENT})
    assert text.endswith(os.strerror(found))


def test_who_has_dropped_every_right_has_none_and_gets_none_back() -> None:
    code = (
        "from pathlib import Path\nfrom grader.sandbox.inside.syscalls import drop_capabilities\n"
        "drop_capabilities()\nprint(Path('/proc/self/status').read_text())"
    )

    status = dict(line.split(":\t", 1) for line in python(code).splitlines() if ":\t" in line)

    held = {name: int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")}
    assert set(held.values()) == {0}
    assert status["NoNewPrivs"] == "1"
    if os.geteuid() == 0:  # others may not take it out of the bounding set, and need not
        assert int(status["CapBnd"], 16) == 0


def test_a_process_that_is_not_dumpable_is_read_by_nobody_of_its_uid() -> None:
    code = (
        "from grader.sandbox.inside import syscalls\nimport os\n"
        "before = os.stat('/proc/self/mem').st_uid\nsyscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)\n"
        "print(before == os.getuid(), os.stat('/proc/self/mem').st_uid)"
    )

    assert python(code) == "True 0\n"
