"""Grading in the sandbox: limits have verdicts of their own, lost kernels are tried again, and there is nothing to find."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest

from grader.assignment.course import Course
from grader.authoring.release import build_release
from grader.errors import InfrastructureError, SpecError
from grader.execution.kernels import Sandbox, SandboxLease, lease
from grader.gradebook import versions
from grader.grading import preparation
from grader.grading.preparation import Work
from grader.grading.submission import TRIES, grade_submission
from grader.limits import Limits
from grader.records import NOT_RUN, Grade, Limit, Status, Submission
from grader.sandbox.host import client
from grader.settings import Settings
from tests.support.tiny import SECRET, hand_in, solved, tiny_course

pytestmark = [
    pytest.mark.slow,
    pytest.mark.sandbox,
]
SMALL = "[limits]\nmemory_mb = 700\ndisk_mb = 32\nprocesses = 48\n"
FUNCTION = "\ndef double(numbers):\n    return numbers * 2\n"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """The tiny course with small limits."""
    found = tiny_course(tmp_path_factory.mktemp("course"))
    path = found.source("tiny") / "assignment.toml"
    path.write_text(path.read_text().replace("[limits]\n", SMALL))
    build_release(found.folder, "tiny", found.folder / "assignments")
    return found


@pytest.fixture(scope="module")
def work(course: Course, toy_cache: Path) -> Iterator[Work]:
    settings = Settings(None, toy_cache, secret=SECRET.encode())
    yield preparation.prepare(
        course, "tiny", settings, card=None, secret=SECRET.encode(), desk=course.folder / "desk"
    )
    client.release_zygotes()


def graded(course: Course, work: Work, code: str) -> Grade:
    """Grade a full solution whose first exercise begins with some code."""
    folder = hand_in(course, "student01", solved(double_code=code + FUNCTION))
    return grade_submission(Submission("student01", "tiny", folder), work).grade


def test_a_full_solution_earns_everything_and_says_where_it_ran(course: Course, work: Work) -> None:
    grade = graded(course, work, "")

    assert (grade.points, grade.sandbox, grade.limit) == (16, "namespaces", None), grade.staff.log
    assert "tries" not in grade.provenance


KEEPS_THE_FOLDER = """
import os, sys

def double(numbers):
    global kept
    frame = sys._getframe()
    while "root" not in frame.f_locals:
        frame = frame.f_back
    kept = os.open(frame.f_locals["root"], os.O_RDONLY)
    return numbers * 2
"""
OVERWRITES = """
import numpy as np

def classify(images):
    place = f"/proc/self/fd/{globals().get('kept')}/answer.npy"
    try:
        np.save(place, images[0, 0, :5, 0].astype(float))
    except OSError:
        pass
    return images.reshape(len(images), -1).mean(axis=1)[:, None] * np.arange(35.0)
"""


@pytest.mark.parametrize("shown", [True, False])
def test_an_answer_is_out_of_reach_before_the_next_question_comes(
    shown: bool, course: Course, work: Work
) -> None:
    numbers = [replace(question, shown=shown) for question in work.context.plan["numbers"]]
    context = replace(work.context, plan={**work.context.plan, "numbers": numbers})
    folder = hand_in(course, "student01", solved(double_code=KEEPS_THE_FOLDER, classify_code=OVERWRITES))

    grade = grade_submission(Submission("student01", "tiny", folder), replace(work, context=context)).grade

    assert (grade.points, grade.staff.log) == (16, ""), [check.measured for check in grade.checks]


@pytest.mark.parametrize("end", ["", "\nplt.show()"])
def test_a_figure_reaches_the_executed_notebook(course: Course, work: Work, end: str) -> None:
    code = f"import matplotlib.pyplot as plt\nplt.plot([1, 2]){end}"
    folder = hand_in(course, "student01", solved(double_code=code + FUNCTION))

    found = grade_submission(Submission("student01", "tiny", folder), work).executed["tiny"]

    assert found is not None
    shown = [output.get("data", {}) for cell in found.cells for output in cell.get("outputs", [])]
    assert any("image/png" in data for data in shown)


@pytest.mark.parametrize(
    ("code", "limit", "words"),
    [
        (
            "import numpy\nkept = [numpy.ones(2**24) for _ in range(30)]",
            Limit.MEMORY,
            "used more than 700 MB",
        ),
        (
            "import os\nkept = os.open('/dev/shm/a', os.O_CREAT | os.O_WRONLY)\n"
            "for _ in range(900): os.write(kept, bytes(2**20))",
            Limit.MEMORY,
            "used more than 700 MB",
        ),
        ("open('large', 'wb').write(bytes(40 * 2**20))", Limit.DISK, "wrote more than 32 MB"),
        (
            "import threading, time\nfor _ in range(99): threading.Thread(target=time.sleep, args=(3,)).start()",
            Limit.PROCESSES,
            "started more than 48 processes",
        ),
    ],
    ids=["memory", "shared memory", "disk", "processes"],
)
def test_a_limit_is_told_with_its_cell_and_what_to_do(
    course: Course, work: Work, code: str, limit: Limit, words: str
) -> None:
    if "shm" in code and os.getuid() != 0:
        pytest.skip("files in memory are counted by a cgroup only, which takes root here")

    grade = graded(course, work, code)

    assert grade.limit == limit, (grade.notices, grade.failed_cells)
    assert any(words in notice and "code cell 2" in notice for notice in map(str, grade.notices))
    assert any(words in str(cell.message) for cell in grade.failed_cells)
    assert grade.status is not Status.ERROR


def test_a_notebook_finds_nothing_of_the_course(course: Course, work: Work) -> None:
    look = f"import os\nassert not os.path.exists({str(course.folder)!r}), 'found it'\n"
    look += "assert not any('check_hidden' in names for _, _, names in os.walk('/pawgrade')), 'hidden'\n"

    assert graded(course, work, look).points == 16


def test_the_answers_of_a_notebook_that_fills_its_disk_still_count(course: Course, work: Work) -> None:
    fill = "try:\n    open('large', 'wb').write(bytes(40 * 2**20))\nexcept OSError:\n    pass\n"

    grade = graded(course, work, fill)

    assert (grade.points, grade.limit) == (16, Limit.DISK)


def test_a_kernel_that_is_lost_is_tried_again_and_that_is_told(course: Course, work: Work) -> None:
    killer = threading.Thread(target=_kill_the_next_zygote)
    killer.start()

    grade = graded(course, work, "import time\ntime.sleep(1.5)")

    killer.join()
    assert (grade.points, grade.provenance["tries"]) == (16, "2"), grade.staff.log
    assert any("2 times" in str(notice) for notice in grade.notices)


def _kill_the_next_zygote() -> None:
    _kill(lambda status: status["zygote"]["pid"])


def _kill(victim: Callable[[dict[str, Any]], int], killed: set[int] | None = None) -> None:
    """Kill something of the next zygote of ours that has a kernel, when that is in its first cells; nothing twice."""
    killed = set() if killed is None else killed
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for one in client.statuses():
            ours = one["owners"] == [os.getpid()] and one["kernels"] and one["kernels"][0]["pid"]
            if ours and victim(one) not in killed:
                time.sleep(0.5)
                killed.add(victim(one))
                os.kill(victim(one), signal.SIGKILL)
                return
        time.sleep(0.05)


SLEEPS = "import time\ntime.sleep(1.5)"


def test_a_world_that_ends_alone_while_the_notebook_runs_is_the_notebooks_doing(
    course: Course, work: Work
) -> None:
    killer = threading.Thread(target=_kill, args=[lambda status: status["kernels"][0]["pid"]])
    killer.start()

    grade = graded(course, work, SLEEPS)

    killer.join()
    assert (grade.status, grade.points, grade.sandbox) == (Status.FAILED, 0, "namespaces"), grade.staff.log
    assert "tries" not in grade.provenance
    assert [cell.error for cell in grade.failed_cells] == ["KernelDied"]
    assert all(
        "the kernel ended in code cell" in f"{check.measured}{check.hint}"
        for check in grade.checks
        if check.points
    )


def test_a_world_that_ends_before_the_questions_come_is_the_notebooks_doing_and_is_told(
    course: Course, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring = SandboxLease.bring

    def too_late(self: SandboxLease, folder: Path) -> str:
        os.kill(self.provisioner.pid or 0, signal.SIGKILL)
        return bring(self, folder)

    monkeypatch.setattr(SandboxLease, "bring", too_late)

    grade = graded(course, work, "")

    assert (grade.status, grade.points, grade.sandbox) == (Status.FAILED, 0, "namespaces"), grade.staff.log
    assert "tries" not in grade.provenance
    assert any("broke the world" in str(notice) for notice in grade.notices)


def test_a_zygote_that_dies_under_a_notebook_every_time_makes_an_error_that_counts_as_an_attempt(
    course: Course, work: Work
) -> None:
    killed = set[int]()

    def kill_all() -> None:
        for _ in range(TRIES):
            _kill(lambda status: status["zygote"]["pid"], killed)

    killer = threading.Thread(target=kill_all)
    killer.start()

    grade = graded(course, work, SLEEPS)

    killer.join()
    assert (grade.status, grade.sandbox) == (Status.ERROR, "namespaces"), (
        grade.notices,
        grade.failed_cells,
        grade.staff.log,
    )
    assert grade.provenance[versions.RAN] == "yes"
    assert any("counts as a scored attempt" in str(notice) for notice in grade.notices)


def test_what_never_ran_says_so_and_counts_for_nothing(course: Course, work: Work) -> None:
    folder = hand_in(course, "student01", solved())
    (folder / "tiny.ipynb").write_text("{")

    grade = grade_submission(Submission("student01", "tiny", folder), work).grade

    assert (grade.status, grade.sandbox) == (Status.FAILED, NOT_RUN)
    assert versions.RAN not in grade.provenance


def test_where_there_is_no_sandbox_grading_refuses_with_the_command_that_mends_it(
    course: Course, toy_cache: Path, without_bubblewrap: dict[str, str]
) -> None:
    preparation.require_sandbox.cache_clear()
    settings = Settings(None, toy_cache, secret=SECRET.encode())

    with pytest.raises(
        InfrastructureError, match="(?s)bubblewrap.*apt-get install bubblewrap.*--sandbox none"
    ):
        preparation.prepare(
            course, "tiny", settings, card=None, secret=SECRET.encode(), desk=course.folder / "desk"
        )

    preparation.require_sandbox.cache_clear()
    unsafe = replace(settings, sandbox="none")
    trusted = preparation.prepare(
        course, "tiny", unsafe, card=None, secret=SECRET.encode(), desk=course.folder / "desk"
    )
    assert (trusted.kernel, trusted.sandbox) == ("python3", "none")


def test_a_plain_kernelspec_is_refused_where_a_sandbox_is_wanted(tmp_path: Path) -> None:
    sandbox = Sandbox(Limits.model_validate({}))

    with (
        pytest.raises(SpecError, match="'python3' gives no sandbox"),
        lease("python3", cwd=tmp_path, environment={}, sandbox=sandbox),
    ):
        pass


TRAINS_TOO_MUCH = """
import numpy as np

def double(numbers):
    return np.asarray(numbers) * 2

def train():
    kept = []
    for _ in range(300):
        kept.append(np.ones(8 * 2**20 // 8))
    return kept

train()
"""


def test_a_cell_that_meets_the_memory_limit_costs_what_depends_on_it_and_nothing_else(
    course: Course, work: Work
) -> None:
    folder = hand_in(course, "student01", solved(double_code=TRAINS_TOO_MUCH))

    grade = grade_submission(Submission("student01", "tiny", folder), work).grade

    assert (grade.points, grade.limit, grade.staff.log) == (16, Limit.MEMORY, ""), (
        grade.notices,
        grade.failed_cells,
        grade.checks,
        grade.staff.usage,
    )
    assert any("smaller batches" in str(notice) for notice in grade.notices)


DIES_OF_IT = """
import os
kept = [bytearray(os.urandom(1) * 2**25) for _ in range(60)]
"""


def test_a_kernel_that_memory_ended_is_replaced_by_one_without_that_cell(course: Course, work: Work) -> None:
    notebook = solved(double_code="def double(numbers):\n    return numbers * 2\n")
    place = next(i for i, cell in enumerate(notebook.cells) if "def classify" in cell.source)
    notebook.cells.insert(place, nbformat.v4.new_code_cell(DIES_OF_IT))
    folder = hand_in(course, "student01", notebook)

    grade = grade_submission(Submission("student01", "tiny", folder), work).grade

    assert (grade.points, grade.staff.log) == (16, ""), grade.notices
    assert grade.limit is Limit.MEMORY


def test_a_budget_that_is_spent_is_told_as_a_budget_and_what_was_answered_counts(
    course: Course, work: Work
) -> None:
    slow = "import time\n\ndef double(numbers):\n    time.sleep(60)\n    return numbers * 2\n"
    folder = hand_in(course, "student01", solved(double_code=slow))

    grade = grade_submission(Submission("student01", "tiny", folder), work).grade

    assert grade.limit is None
    assert grade.points == 10
    (notice,) = [notice for notice in grade.notices if str(notice).startswith("double has 6 s")]
    assert "none of its questions were answered in time" in str(notice)


def test_the_first_cell_that_failed_is_named_and_a_missing_library_is_told_as_that(
    course: Course, work: Work
) -> None:
    code = "import no_such_library\n\ndef double(numbers):\n    return no_such_library.double(numbers)\n"
    folder = hand_in(course, "student01", solved(double_code=code))

    grade = grade_submission(Submission("student01", "tiny", folder), work).grade

    (notice,) = [notice for notice in grade.notices if "imports what is not there" in str(notice)]
    assert "no_such_library" in str(notice)
