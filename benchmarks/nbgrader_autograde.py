"""`nbgrader autograde` of a small classic course, with the stock kernel and with the sandboxed one: same scores, less time.

    .venv/bin/python -m benchmarks.nbgrader_autograde [--rounds 1]

Six students, two notebooks each, autograded tests, some of them hidden. Nothing but the kernel's name differs.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from benchmarks import kernels
from benchmarks.kernels import STOCK, WARM

ASSIGNMENT = "ps1"
IMPORTS = "import torch\nfrom torch import nn"
# By notebook: the answer's cell, then the tests: name, points, source. What students get has no hidden tests.
COURSE: dict[str, tuple[str, tuple[tuple[str, int, str], ...]]] = {
    "tensors": (
        "def centred(values):\n    ### BEGIN SOLUTION\n    return values - values.mean()\n    ### END SOLUTION",
        (
            ("centred_small", 2, "assert torch.equal(centred(torch.tensor([1., 3.])), torch.tensor([-1., 1.]))"),
            (
                "centred_any", 3,
                "### BEGIN HIDDEN TESTS\nassert abs(centred(torch.rand(9, 9)).sum()) < 1e-4\n### END HIDDEN TESTS",
            ),
        ),
    ),
    "network": (
        "def network():\n    ### BEGIN SOLUTION\n    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))\n"
        "    ### END SOLUTION",
        (
            ("network_shape", 2, "assert network()(torch.rand(3, 4)).shape == (3, 2)"),
            (
                "network_learns", 4,
                "### BEGIN HIDDEN TESTS\nmodel = network()\nmodel(torch.rand(3, 4)).sum().backward()\n"
                "assert all(one.grad is not None for one in model.parameters())\n### END HIDDEN TESTS",
            ),
        ),
    ),
}  # fmt: skip
RIGHT = {
    "tensors": "def centred(values):\n    return values - values.mean()",
    "network": "def network():\n    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))",
}
# By student: answers that are not right, and the points of each test, in order; None: nbgrader can give no score.
STUDENTS: dict[str, tuple[dict[str, str], tuple[float, ...] | None]] = {
    "student01": ({}, (2, 3, 2, 4)),
    "student02": ({"tensors": "def centred(values):\n    return values - 2"}, (2, 0, 2, 4)),
    "student03": (
        {"network": "def network():\n    return nn.Linear(4, 2).requires_grad_(False)"},
        (2, 3, 2, 0),
    ),
    "student04": (
        {"tensors": "raise RuntimeError('crashes')", "network": "def network():\n    return nn.Linear(5, 2)"},
        (0, 0, 0, 0),
    ),
    "student05": ({"tensors": "def centred(values)\n    return 0"}, (0, 0, 2, 4)),
    "student06": ({"network": "import os\nos._exit(1)"}, None),
}
Scores = dict[str, tuple[float, ...] | None]


def cells(name: str) -> list[Any]:
    """Return a source notebook's cells."""
    answer, tests = COURSE[name]
    return [
        new_code_cell(IMPORTS, metadata=_mark(f"{name}_imports", locked=True)),
        new_code_cell(answer, metadata=_mark(f"{name}_answer", solution=True)),
        *(
            new_code_cell(source, metadata=_mark(test, grade=True, locked=True, points=points))
            for test, points, source in tests
        ),
    ]


def _mark(grade_id: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - nbgrader's own metadata
    plain = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
    return {"nbgrader": {**plain, "grade_id": grade_id, **changes}}


def make_course(folder: Path) -> None:
    """Write the sources, let nbgrader make the release, hand in for every student."""
    kernelspec = {"name": STOCK, "display_name": "Python 3", "language": "python"}
    for name in COURSE:
        path = folder / "source" / ASSIGNMENT / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(new_notebook(cells=cells(name), metadata={"kernelspec": kernelspec}), path)
    (folder / "nbgrader_config.py").write_text("c = get_config()\n", encoding="utf-8")
    done = nbgrader(folder, "generate_assignment", ASSIGNMENT)
    if done.returncode != 0:
        raise RuntimeError(done.stdout[-3000:])
    for student, (answers, _) in STUDENTS.items():
        handed_in = folder / "submitted" / student / ASSIGNMENT
        handed_in.mkdir(parents=True)
        for name in COURSE:
            release = nbformat.read(folder / "release" / ASSIGNMENT / f"{name}.ipynb", as_version=4)
            release.cells[1].source = {**RIGHT, **answers}[name]
            nbformat.write(release, handed_in / f"{name}.ipynb")


def nbgrader(course: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run an nbgrader command in a course, with no settings but the course's."""
    home = course.parent / "home"
    home.mkdir(exist_ok=True)
    places = {f"JUPYTER_{name}_DIR": str(home / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    path = (
        f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # nbgrader calls alembic by its name
    )
    environment = {
        **os.environ,
        **places,
        "PATH": path,
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
    }
    return subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        check=False, cwd=course, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=1800,
    )  # fmt: skip


def scores(course: Path) -> Scores:
    """Read each student's points by test; None for who has no autograded notebook, which nbgrader counts as zero."""
    from nbgrader.api import Gradebook

    found: Scores = {}
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        for student in STUDENTS:
            graded = course / "autograded" / student / ASSIGNMENT
            if sorted(path.stem for path in graded.glob("*.ipynb")) != sorted(COURSE):
                found[student] = None
                continue
            found[student] = tuple(
                float(gradebook.find_grade(test, name, ASSIGNMENT, student).auto_score)
                for name, (_, tests) in COURSE.items()
                for test, _, _ in tests
            )
    return found


def autograde(template: Path, course: Path, kernel: str) -> tuple[float, Scores, str]:
    """Autograde a copy of the course; return the seconds, the scores and what nbgrader said."""
    shutil.copytree(template, course)
    said: list[str] = []
    command = ("autograde", ASSIGNMENT, f"--ExecutePreprocessor.kernel_name={kernel}")
    seconds = kernels.timed(lambda: said.append(nbgrader(course, *command).stdout))
    return seconds, scores(course), said[0]


def main() -> None:
    """Measure and print; end with 1 when scores differ from each other or from what they must be."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=1)
    rounds = parser.parse_args().rounds
    print(f"before: {kernels.machine()}")
    expected: Scores = {student: points for student, (_, points) in STUDENTS.items()}
    seconds: dict[str, list[float]] = {STOCK: [], WARM: []}
    found: dict[str, Scores] = {}
    wrong = []
    with kernels.own_place(preload=["torch"]) as place:
        template = place / "template"
        template.mkdir()
        make_course(template)
        for number in range(rounds):
            for kernel, column in seconds.items():
                took_s, found[kernel], said = autograde(template, place / f"{kernel}-{number}", kernel)
                column.append(took_s)
                if found[kernel] != expected:
                    wrong.append(
                        f"{kernel}: not the scores that the answers deserve; nbgrader said\n{said[-3000:]}"
                    )
    tests = [test for _, tests in COURSE.values() for test, _, _ in tests]
    rows = [
        [student, *(_line(found[kernel][student]) for kernel in seconds), _line(points)]
        for student, points in expected.items()
    ]
    print(kernels.table((f"points for {', '.join(tests)}", *seconds, "expected"), rows), end="\n\n")
    middle = {kernel: statistics.median(column) for kernel, column in seconds.items()}
    print(kernels.table(("", "seconds, median", "n"), [[name, one, rounds] for name, one in middle.items()]))
    print(
        f"\nscores equal: {found[STOCK] == found[WARM]}; ratio of times: {middle[STOCK] / middle[WARM]:.1f}"
    )
    print("\n".join([*wrong, f"after: {kernels.machine()}"]))
    sys.exit(bool(wrong))


def _line(points: tuple[float, ...] | None) -> str:
    return "not graded" if points is None else f"{' + '.join(f'{one:g}' for one in points)} = {sum(points):g}"


if __name__ == "__main__":
    main()
