"""The ordinary path on a real GPU. Skipped, and counted as skipped, where kernels can have none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest

from grader import doctor
from grader.assignment.course import Course, packaged_course
from grader.authoring.release import build_release
from grader.execution import gpu_trial, kernels
from grader.execution.gpu_slots import Pool, hold
from grader.grading import gpu_blame, preparation
from grader.grading.submission import grade_submission
from grader.records import Grade, Limit, Status, Submission
from grader.sandbox.host import client
from grader.settings import Settings
from tests.support.gpus import ask_kernel
from tests.support.tiny import SECRET, hand_in, solved, tiny_course

TABLE = Pool().table()
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.slow,
    pytest.mark.sandbox,
    pytest.mark.skipif(not TABLE.usable, reason=f"needs a CUDA device: {TABLE.why_none()}"),
]
UNTOUCHED = """
import json, os, torch
found = {
    "initialised": torch.cuda.is_initialized(),
    "bad fork": torch.cuda._is_in_bad_fork(),
    "count": torch.cuda.device_count(),
    "nodes": sorted(name for name in os.listdir("/dev") if name.startswith("nvidia") and name[6:].isdigit()),
}
"""
TRAIN = """
from torch import nn

def train():
    torch.manual_seed(3)
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2))
    network.to(device)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.02)
    x = torch.rand(64, 3, 32, 32, device=device)
    y = (x[:, 0].mean(dim=(1, 2)) > x[:, 1].mean(dim=(1, 2))).long()
    losses = []
    for _ in range(60):
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(network(x), y)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses

first, second = train(), train()
found |= {"fell": first[-1] < first[0], "again": first == second}
found["where"] = str(torch.ones(1, device=device).device)
print(json.dumps(found))
"""
HALF = """
import torch
free, total = torch.cuda.mem_get_info()
kept = torch.ones(int(total * 0.55), dtype=torch.uint8, device="cuda")
torch.cuda.synchronize()
print(kept.numel())
"""
TOO_MUCH = "import torch\ntorch.empty(2**46, dtype=torch.uint8, device='cuda')\n"
FUNCTION = "\ndef double(numbers):\n    return numbers * 2\n"


@pytest.fixture(autouse=True, scope="module")
def zygotes() -> Iterator[None]:
    yield
    client.release_zygotes()


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory, toy_cache: Path) -> tuple[Course, preparation.Work]:
    """The tiny course, which asks for a GPU."""
    course = tiny_course(tmp_path_factory.mktemp("course"))
    path = course.source("tiny") / "assignment.toml"
    path.write_text(path.read_text().replace("[limits]\n", "[limits]\ngpus = 1\n"))
    build_release(course.folder, "tiny", course.folder / "assignments")
    settings, secret = Settings(None, toy_cache, secret=SECRET.encode()), SECRET.encode()
    return course, preparation.prepare(
        course, "tiny", settings, card=None, secret=secret, desk=course.folder / "desk"
    )


def graded(work: tuple[Course, preparation.Work], code: str) -> Grade:
    folder = hand_in(work[0], "student01", solved(double_code=code))
    return grade_submission(Submission("student01", "tiny", folder), work[1]).grade


def test_a_kernel_sees_its_gpu_untouched_and_a_network_trains_there_twice_alike(tmp_path: Path) -> None:
    with hold("cuda", 1, Pool()) as held:
        found: dict[str, Any] = json.loads(ask_kernel(held, UNTOUCHED + TRAIN, folder=tmp_path / "work"))

    assert found == {
        "initialised": False,
        "bad fork": False,
        "count": 1,
        "nodes": [f"nvidia{held.devices[0].minor}"],
        "fell": True,
        "again": True,
        "where": "cuda:0",
    }


def test_a_kernel_on_the_cpu_sees_no_gpu(tmp_path: Path) -> None:
    with hold("cpu", 0, Pool()) as held:
        found = json.loads(ask_kernel(held, UNTOUCHED + "print(json.dumps(found))", folder=tmp_path / "work"))

    assert (found["count"], found["nodes"]) == (0, [])


def test_the_memory_of_a_gpu_is_free_when_its_kernel_is_gone(tmp_path: Path) -> None:
    with hold("cuda", 1, Pool(), alone=True) as held:
        first, second = (int(ask_kernel(held, HALF, folder=tmp_path / "work")) for _ in range(2))

    assert first == second > 0


@pytest.mark.skipif(len(TABLE.usable) < 2, reason=f"needs two CUDA devices, {len(TABLE.usable)} here")
def test_two_kernels_have_two_gpus(tmp_path: Path) -> None:
    code = UNTOUCHED + "print(json.dumps([found['count'], str(torch.cuda.get_device_properties(0).uuid)]))"

    with hold("cuda", 1, Pool()) as one, hold("cuda", 1, Pool()) as other:
        found = [json.loads(ask_kernel(held, code, folder=tmp_path / "work")) for held in (one, other)]

    assert [count for count, _ in found] == [1, 1]
    assert found[0][1] != found[1][1]


def test_a_kernel_of_ours_works_and_the_doctor_says_so(tmp_path: Path) -> None:
    with hold("cuda", 1, Pool()) as held:
        assert gpu_trial.try_out(kernels.SANDBOXED, held, sandboxed=True) == ""

    facts = {fact.what: fact for fact in doctor.gpus(Settings(None, tmp_path))}

    assert facts["GPU in a kernel"].state == "good", facts


def test_a_full_solution_earns_everything_on_a_gpu(work: tuple[Course, preparation.Work]) -> None:
    code = "import torch\nones = torch.ones(8, device='cuda')\nassert float((ones * 2).sum()) == 16"

    grade = graded(work, code + FUNCTION)

    assert (grade.points, grade.device, grade.failed_cells) == (16, "cuda", ()), grade.staff.log
    assert any(one.name in grade.provenance["gpu"] for one in TABLE.usable)


def test_a_cell_that_fills_the_gpu_has_a_verdict(work: tuple[Course, preparation.Work]) -> None:
    grade = graded(work, TOO_MUCH)

    assert (grade.points, grade.limit, grade.status) == (10, Limit.MEMORY, Status.PASSED), grade.staff.log
    assert any("memory of the GPU was full (in code cell 2)" in str(text) for text in grade.notices)


def test_an_entry_point_that_fills_the_gpu_has_a_verdict(work: tuple[Course, preparation.Work]) -> None:
    body = TOO_MUCH.replace("\n", "\n    ").rstrip()

    grade = graded(work, f"def double(numbers):\n    {body}\n    return numbers * 2")

    assert (grade.points, grade.limit, grade.status) == (10, Limit.MEMORY, Status.PASSED), grade.staff.log
    assert {one.hint for one in grade.checks if one.id == "double"} == {gpu_blame.HINT}


def test_the_lab_earns_everything_on_a_gpu(tmp_path: Path, toy_cache: Path) -> None:
    course, secret = packaged_course(), SECRET.encode()
    settings = replace(Settings(None, toy_cache, secret=secret), device="cuda")
    lab = preparation.prepare(
        course, "oxford_pets", settings, card="toy_pets", secret=secret, desk=tmp_path / "desk"
    )
    handed_in = tmp_path / "submitted" / "student01" / "oxford_pets"
    handed_in.mkdir(parents=True)
    source = nbformat.read(course.source("oxford_pets") / "oxford_pets.ipynb", as_version=4)
    nbformat.write(source, handed_in / "oxford_pets.ipynb")

    grade = grade_submission(Submission("student01", "oxford_pets", handed_in), lab).grade

    assert (grade.device, grade.status, grade.points) == ("cuda", Status.PASSED, grade.max_points), (
        grade.staff.log
    )
    assert grade.failed_cells == ()
