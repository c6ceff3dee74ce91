"""Grading on a GPU: a full one is the student's verdict, a lost one is ours to mend, and the grade says what ran."""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from nbformat.v4 import new_notebook

from grader.assignment.course import Course
from grader.authoring.release import build_release
from grader.errors import InfrastructureError, SpecError, SubmissionError
from grader.execution.gpu_slots import Held, Pool, hold
from grader.execution.gpus import Device
from grader.execution.kernels import PLAIN
from grader.execution.run import Execution
from grader.grading import gpu_blame, preparation
from grader.grading.preparation import Work
from grader.grading.submission import grade_submission
from grader.messages import Message
from grader.records import FailedCell, Grade, Limit, Status, Submission
from grader.sandbox.host import client
from grader.settings import Settings
from tests.support.gpus import LIGHT, fake_pool, install_light, spoil
from tests.support.tiny import SECRET, hand_in, solved, tiny_course

FUNCTION = "\ndef double(numbers):\n    return numbers * 2\n"
FULL = "torch.cuda.OutOfMemoryError('CUDA out of memory. Tried to allocate 20.00 GiB.')"
GONE = "CUDA error: no CUDA-capable device is detected"
UNTOUCHED = """
import os, torch
assert not torch.cuda.is_initialized() and not torch.cuda._is_in_bad_fork()
assert torch.get_deterministic_debug_mode() == 1 and not torch.backends.cudnn.benchmark
assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
torch.set_deterministic_debug_mode(0)
from grader import lab
lab.setup(data_dir, scratch_dir, seed=seed, device=device)  # what plain and cold kernels rely on
assert torch.get_deterministic_debug_mode() == 1 and not torch.cuda.is_initialized()
"""


@pytest.fixture(autouse=True, scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A runtime folder of one's own, and a kernelspec that is there in a second."""
    folder, prefix = tempfile.mkdtemp(prefix="paw-"), tmp_path_factory.mktemp("prefix")
    install_light(prefix)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", folder)
        patch.setenv("JUPYTER_PATH", str(prefix / "share" / "jupyter"))
        patch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        yield
        client.release_zygotes()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """The tiny course, which asks for a GPU."""
    found = tiny_course(tmp_path_factory.mktemp("course"))
    path = found.source("tiny") / "assignment.toml"
    path.write_text(path.read_text().replace("[limits]\n", "[limits]\ngpus = 1\n"))
    build_release(found.folder, "tiny", found.folder / "assignments")
    return found


Grading = Callable[..., Grade]


@pytest.fixture
def grading(course: Course, toy_cache: Path) -> Grading:
    """Grade a full solution whose first exercise has another code, on the GPUs of a pool."""

    def grade(pool: Pool, code: str, *, device: str = "auto", plain: bool = False) -> Grade:
        work = prepared(course, toy_cache, pool, device=device, kernel=LIGHT)
        work = replace(work, sandbox="none", kernel=PLAIN) if plain else work
        folder = hand_in(course, "student01", solved(double_code=code))
        return grade_submission(Submission("student01", "tiny", folder), work).grade

    return grade


def prepared(course: Course, cache: Path, pool: Pool, *, device: str = "auto", kernel: str = "") -> Work:
    secret = SECRET.encode()
    settings = Settings(
        None, cache, secret=secret, device=device, kernel=kernel, devices=pool.file, gpu_slots=pool.slots
    )
    return preparation.prepare(
        course, "tiny", settings, card=None, secret=secret, desk=course.folder / "desk"
    )


def run_with(*cells: str) -> Execution:
    failed = [
        FailedCell(3, 2, None, "RuntimeError", Message.of(text), None, "RuntimeError", text) for text in cells
    ]
    return Execution(new_notebook(), tuple(failed))


def never() -> str:
    pytest.fail("tried out")


def test_an_entry_point_that_fills_the_gpu_is_told_what_to_do() -> None:
    held = Held((Device(0, "GPU-1", "x"),))
    error = SubmissionError(
        "classify raised it.", "Mend the error.", "OutOfMemoryError", "CUDA out of memory."
    )
    other = SubmissionError("classify raised OutOfMemoryError: 1", "Mend the error.", "KeyError", "1")

    execution, found = gpu_blame.settle(run_with(), {"photos": error, "dark": other}, held, never)

    assert (execution.limit, execution.gpu_full) == (Limit.MEMORY, True)
    assert execution.hits == {Limit.MEMORY: None}
    assert found["photos"].hint == gpu_blame.HINT  # type: ignore[union-attr]
    assert found["dark"] is other


def test_what_a_notebook_says_of_a_gpu_that_it_does_not_have_is_an_error_like_any_other() -> None:
    execution = run_with(GONE)
    error = SubmissionError("classify raised it.", "", "OutOfMemoryError", "CUDA out of memory.")

    assert gpu_blame.settle(execution, {"photos": error}, Held(), never) == (execution, {"photos": error})
    assert execution.limit is None


def test_that_a_gpu_is_lost_is_not_taken_from_the_notebook(tmp_path: Path) -> None:
    with hold("cuda", 1, fake_pool(tmp_path, 1)) as declared:
        held = replace(declared, declared=False)  # as if the driver had said what there is

        assert gpu_blame.settle(run_with(GONE), {}, held, lambda: "")[1] == {}
        with pytest.raises(InfrastructureError, match="the GPU was lost: RuntimeError: no driver"):
            gpu_blame.settle(run_with(GONE), {}, held, lambda: "RuntimeError: no driver")


def test_a_gpu_that_broke_is_found_in_the_table_and_not_used_again(tmp_path: Path) -> None:
    pool = fake_pool(tmp_path, 2)

    with hold("cuda", 1, pool) as held:
        assert gpu_blame.settle(run_with(GONE), {}, held, never)[1] == {}
        spoil(pool, held.devices[0].index, "the driver says [GPU is lost]")
        with pytest.raises(InfrastructureError, match=r"GPU \d: the driver says \[GPU is lost\]"):
            gpu_blame.settle(run_with(GONE), {}, held, never)

    spoil(pool, 7, "")
    with hold("cuda", 1, pool) as again:
        assert again.devices[0].uuid != held.devices[0].uuid


def test_a_full_gpu_that_others_were_on_decides_nothing(tmp_path: Path) -> None:
    error = SubmissionError("classify raised it.", "", "OutOfMemoryError", "CUDA out of memory.")

    with (
        hold("cuda", 1, fake_pool(tmp_path, 1, slots=2)) as held,
        pytest.raises(InfrastructureError, match="while other kernels were on it"),
    ):
        gpu_blame.settle(run_with(), {"photos": error}, held, never)


@pytest.mark.sandbox
@pytest.mark.slow
class TestInASandbox:
    """The ordinary path, in sandboxed kernels that hold an imaginary GPU."""

    def test_a_grade_says_what_ran_and_nothing_had_touched_cuda_before(
        self, tmp_path: Path, course: Course, toy_cache: Path
    ) -> None:
        """The full zygote: what it has imported must leave CUDA alone."""
        pool = fake_pool(tmp_path, 1)
        work = prepared(course, toy_cache, pool)
        raised = f"\nimport torch\ndef double(numbers):\n    raise {FULL}\n"
        grades = []
        for code in (UNTOUCHED + FUNCTION, f"import torch\nraise {FULL}", raised):
            folder = hand_in(course, "student01", solved(double_code=code))
            grades.append(grade_submission(Submission("student01", "tiny", folder), work).grade)
        good, in_a_cell, asked = grades

        assert (good.points, good.device, good.failed_cells) == (16, "cuda", ()), good.staff.log
        assert good.provenance["gpu"] == "Imaginary 1 (driver 1.2.3)"
        for grade in (in_a_cell, asked):
            assert (grade.points, grade.limit, grade.status) == (10, Limit.MEMORY, Status.PASSED), (
                grade.staff.log
            )
            assert "tries" not in grade.provenance
        assert any("memory of the GPU was full (in code cell 2)" in str(text) for text in in_a_cell.notices)
        assert in_a_cell.failed_cells[0].error == "limit: memory"
        assert str(in_a_cell.failed_cells[0].message).startswith(
            "filled the memory of the GPU (OutOfMemoryError: CUDA"
        )
        assert any("memory of the GPU was full (while its functions" in str(text) for text in asked.notices)
        assert {one.hint for one in asked.checks if one.id == "double"} == {gpu_blame.HINT}

    def test_the_setting_decides_and_the_attempts_differ(
        self, tmp_path: Path, course: Course, toy_cache: Path
    ) -> None:
        pool = fake_pool(tmp_path, 1)
        submission = Submission("student01", "tiny", hand_in(course, "student01", solved()))

        found = [prepared(course, toy_cache, pool, device=name) for name in ("auto", "cuda", "cpu")]

        assert [work.device for work in found] == ["cuda", "cuda", "cpu"]
        attempts = [work.attempt(submission) for work in found]
        assert attempts[0] == attempts[1] != attempts[2]
        with pytest.raises(SpecError, match="no GPU can be used here"):
            prepared(course, toy_cache, replace(pool, file=empty(tmp_path)), device="cuda")

    def test_on_the_cpu_the_words_of_a_full_gpu_are_an_error_like_any_other(
        self, tmp_path: Path, grading: Grading
    ) -> None:
        code = "class OutOfMemoryError(RuntimeError): pass\nraise OutOfMemoryError('CUDA out of memory.')"

        grade = grading(fake_pool(tmp_path, 1), code, device="cpu")

        assert (grade.device, grade.limit, grade.points) == ("cpu", None, 10)
        assert grade.failed_cells[0].error == "OutOfMemoryError"
        assert "gpu" not in grade.provenance

    def test_a_plain_kernel_is_told_its_gpu_too(self, tmp_path: Path, grading: Grading) -> None:
        pool = fake_pool(tmp_path, 2)
        allowed = [one.uuid for one in pool.table().devices]
        code = f"import os\nassert os.environ['CUDA_VISIBLE_DEVICES'] in {allowed!r}{FUNCTION}"

        grade = grading(pool, code, plain=True)

        assert (grade.points, grade.device, grade.sandbox) == (16, "cuda", "none"), grade.failed_cells

    def test_a_notebook_cannot_make_its_failure_ours(self, tmp_path: Path, grading: Grading) -> None:
        grade = grading(fake_pool(tmp_path, 1), f"raise RuntimeError({GONE!r})")

        assert (grade.points, grade.status, grade.limit) == (10, Status.PASSED, None), grade.staff.log
        assert "tries" not in grade.provenance

    def test_a_submission_whose_gpu_breaks_runs_again_on_another(
        self, tmp_path: Path, grading: Grading
    ) -> None:
        pool = fake_pool(tmp_path, 2)
        first, _ = pool.table().devices
        code = f"import os, time\nif os.environ['CUDA_VISIBLE_DEVICES'] == {first.uuid!r}:\n"
        code += f"    time.sleep(3)\n    raise RuntimeError({GONE!r})\n"
        breaker = threading.Thread(target=_break_when_taken, args=(pool,))
        breaker.start()

        grade = grading(pool, code + FUNCTION)

        breaker.join()
        assert (grade.points, grade.provenance["tries"]) == (16, "2"), grade.staff.log
        assert "the GPU was lost: GPU 0: the driver says [GPU is lost]" in grade.staff.log

    def test_a_full_gpu_is_a_verdict_once_nothing_else_is_on_it(
        self, tmp_path: Path, grading: Grading
    ) -> None:
        code = "class OutOfMemoryError(RuntimeError): pass\nraise OutOfMemoryError('CUDA out of memory.')"

        grade = grading(fake_pool(tmp_path, 1, slots=2), code)

        assert (grade.limit, grade.status, grade.points) == (Limit.MEMORY, Status.PASSED, 10), grade.staff.log
        assert grade.provenance["tries"] == "2"


def empty(folder: Path) -> Path:
    path = folder / "none.toml"
    path.write_text(f"folder = {json.dumps(str(folder))}\n")
    return path


def _break_when_taken(pool: Pool) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not any(one["kernels"] for one in client.statuses()):
        time.sleep(0.05)
    spoil(pool, 0, "the driver says [GPU is lost]")
