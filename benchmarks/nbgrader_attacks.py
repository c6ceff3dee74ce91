"""The attacks of the corpus against `nbgrader autograde`, the way most courses use it: tests in the notebook.

    .venv/bin/python -m benchmarks.nbgrader_attacks [--only FAMILY/NAME...]

For every attack a small course of its own: the attacker, then an honest student; the same two exercises, the same tests, half
of them hidden. nbgrader runs as it comes, with a limit of 8 s a cell and 60 s for the command. Because nothing holds the
attacks back, each course lies in a box (bubblewrap) whose inside stands for the teacher's account: processes, network and
files outside are out of reach for the attack, and what happens inside is looked at afterwards.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from tests.attacks import builders
from tests.attacks.entries import Attack, read_all
from tests.attacks.world import PATTERN, World, described, walked

ASSIGNMENT = "attacks"
CELL_S, COMMAND_S = 8, 60
ATTACKER, NEXT, BEFORE = "student01", "student02", "student00"
# What has no match here, or would take this machine down with it.
LEFT_OUT = {
    "lookup": "needs the photos of a data set",
    "processes/fork_bomb": "nothing there limits processes",
    "processes/limits_lifted_first": "nothing there limits processes",
    "processes/memory": "nothing there limits memory",
    "processes/shared_memory": "nothing there limits memory",
    "processes/disk": "nothing there limits the disk",
    "processes/inodes": "nothing there limits files",
    "processes/descriptors": "descriptors in flight are counted for the whole machine",
    "network/internet": "the box has no network",
    "network/below_ip": "the box has no network",
    "returned/pickles": "nbgrader brings no answers back",
    "returned/header_bombs": "nbgrader brings no answers back",
    "returned/decompression_bomb": "nbgrader brings no answers back",
    "forged/links_for_answers": "nbgrader brings no answers back",
    "forged/pipes_for_answers": "nbgrader brings no answers back",
    "forged/answers_changed_afterwards": "nbgrader brings no answers back",
    "forged/answers_before_the_questions": "nbgrader brings no answers back",
    "forged/verdict_in_a_note": "nbgrader brings no answers back",
    "writing/site_packages": "packages are read-only in the box",
    "writing/system": "the box has no rights over the system",
    "lying/odd_but_right": "no attack",
}
# What an attacker who knows nbgrader writes where the corpus knows Pawgrade.
INSTEAD = {
    "exits/exit_when_asked": "def classify(images):\n    import os\n    os._exit(0)",
}
# Right solutions in a file that Pawgrade does not read: what is right has earned its points where it is read.
RIGHT_INSIDE = {
    f"notebooks/{name}"
    for name in (
        "another_format", "hundred_megabytes", "many_cells", "nested_a_little", "nested_json", "odd_types"
    )
}  # fmt: skip
TESTS = {
    "double": (
        "double-test", 3,
        "import numpy as np\nnumbers = np.array([1.5, -2.0, 0.25])\nexpected = 2 * numbers\n"
        "assert np.abs(double(numbers) - expected).max() <= 1e-9",
    ),
    "double_hidden": (
        "double-hidden", 3,
        "### BEGIN HIDDEN TESTS\n# @CANARY@\nnumbers = np.random.default_rng(7).normal(size=5)\nexpected = 2 * numbers\n"
        "assert np.abs(double(numbers) - expected).max() <= 1e-9\n### END HIDDEN TESTS",
    ),
    "brightness": (
        "brightness-test", 5,
        "photos = np.random.default_rng(1).integers(0, 256, (6, 224, 224, 3), np.uint8)\n"
        "expected = photos.reshape(6, -1).mean(axis=1)\n"
        "assert np.abs(classify(photos) - expected[:, None] * np.arange(35)).max() <= 0.5",
    ),
    "brightness_hidden": (
        "brightness-hidden", 5,
        "### BEGIN HIDDEN TESTS\nphotos = np.random.default_rng(2).integers(0, 99, (5, 224, 224, 3), np.uint8)\n"
        "expected = photos.reshape(5, -1).mean(axis=1)\n"
        "assert np.abs(classify(photos) - expected[:, None] * np.arange(35)).max() <= 0.5\n### END HIDDEN TESTS",
    ),
}  # fmt: skip
RIGHT = {
    "double-code": "def double(numbers):\n    return numbers * 2",
    "classify-code": "import numpy as np\n\ndef classify(images):\n    return images.reshape(len(images), -1).mean(axis=1)[:, None] * np.arange(35.0)",
}
LIMITS = ("prlimit", "--as=8000000000", "--fsize=100000000", "--nofile=1024", "--core=0")
SCRIPT = """\
{python} {place}/serve.py &
sleep 0.3
cd {course}
timeout -k 2 {within_s} {python} -m nbgrader "$@" 2>&1
sleep 0.3
for p in /proc/[0-9]*; do
    tr '\\0' ' ' < $p/cmdline 2>/dev/null | grep -q {marker} && echo "left behind: $p"
done
ls /tmp | grep {marker} | sed 's/^/left behind: /'
exit 0
"""


@dataclass(frozen=True)
class Outcome:
    """What became of one attack.

    Attributes:
        points: the attacker's, of 16; None when nbgrader gave none.
        deserved: what the work is worth.
        read: secrets that stand in the attacker's graded notebook.
        changed: files of others that changed, and what was left behind.
        next_points: those of the honest student graded after it.
        seconds: how long the command took.
    """

    points: float | None
    deserved: float
    read: tuple[str, ...]
    changed: tuple[str, ...]
    next_points: float | None
    seconds: float

    @property
    def wins(self) -> bool:
        """Whether the attack got anything."""
        return bool(self.read or self.changed or (self.points or 0) > self.deserved or self.next_points != 16)


def source() -> NotebookNode:
    """Return the source notebook: two exercises, each with a public and a hidden test."""
    parameters = {"tags": ["parameters"], **_mark("parameters", locked=True)}
    cells = [new_code_cell('data_dir = "."\nscratch_dir = "."\nseed = 0', metadata=parameters)]
    for code, tests in (
        ("double-code", ("double", "double_hidden")),
        ("classify-code", ("brightness", "brightness_hidden")),
    ):
        solution = f"### BEGIN SOLUTION\n{RIGHT[code]}\n### END SOLUTION"
        cells.append(new_code_cell(solution, metadata=_mark(code, solution=True)))
        for test in tests:
            name, points, text = TESTS[test]
            cells.append(new_code_cell(text, metadata=_mark(name, grade=True, locked=True, points=points)))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})


def _mark(grade_id: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - nbgrader's own metadata
    plain = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
    return {"nbgrader": {**plain, "grade_id": grade_id, **changes}}


@contextlib.contextmanager
def account() -> Iterator[World]:
    """A teacher's account: a home with keys, a course with a gradebook, a server that only this account may reach."""
    place = Path(tempfile.mkdtemp(prefix="paw-nbgrader-", dir="/var/tmp"))
    world = World(place)
    try:
        for name in ("home", "home/.ssh", "tmp", f"course/source/{ASSIGNMENT}"):
            (place / name).mkdir(parents=True)
        (place / "home" / ".netrc").write_text(world.canary("home"))
        (place / "tmp" / "notes.txt").write_text(world.canary("tmp"))
        (place / "serve.py").write_text(
            SERVER.format(world=world, place=place, greeting=world.canary("listener"))
        )
        world.listeners.port, world.listeners.path = 47110, str(place / "home" / "listener.sock")
        world.listeners.abstract = "paw-abstract"
        text = nbformat.writes(source()).replace("@CANARY@", world.canary("hidden"))
        (world.course / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb").write_text(text)
        (world.course / "nbgrader_config.py").write_text(
            f"c = get_config()\nc.ExecutePreprocessor.timeout = {CELL_S}\n"
        )
        boxed(world, "generate_assignment", ASSIGNMENT)
        hand_in(world, BEFORE, {})
        said = boxed(world, "autograde", ASSIGNMENT)
        if points(world, BEFORE) != 16:
            raise RuntimeError(f"nbgrader does not give honest work its points:\n{said}")
        for name in ("course", "home"):
            shutil.copytree(place / name, place / "fresh" / name, symlinks=True)
        yield world
    finally:
        shutil.rmtree(place, ignore_errors=True)


SERVER = """
import os, socket, threading
def serve(wire):
    while True:
        visitor, _ = wire.accept()
        with visitor: visitor.sendall({greeting!r}.encode())
for family, address in ((socket.AF_INET, ("127.0.0.1", 47110)), (socket.AF_UNIX, "\\0paw-abstract")):
    wire = socket.socket(family); wire.bind(address); wire.listen()
    threading.Thread(target=serve, args=(wire,)).start()
"""


def hand_in(world: World, student: str, cells: dict[str, str]) -> Path:
    """Hand in the release with some cells, right where nothing else is said; return the folder."""
    release = nbformat.read(world.course / "release" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb", as_version=4)
    for cell in release.cells:
        name = cell.metadata.nbgrader.grade_id
        if name in RIGHT:
            cell.source = cells.get(name, RIGHT[name])
    if student != ATTACKER:
        release.cells.append(nbformat.v4.new_markdown_cell(world.canary("other")))
    folder = world.course / "submitted" / student / ASSIGNMENT
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(release, folder / f"{ASSIGNMENT}.ipynb")
    (folder / "timestamp.txt").write_text("2026-01-15 12:00:00 UTC")
    return folder


def boxed(world: World, *arguments: str) -> str:
    """Run an nbgrader command in the account; return what it said, and what was left behind when it had ended."""
    (world.place / "run.sh").write_text(
        SCRIPT.format(
            place=world.place,
            course=world.course,
            marker=world.marker,
            python=sys.executable,
            within_s=COMMAND_S,
        )
    )
    try:
        done = subprocess.run(
            [*LIMITS, *_box(world), "sh", str(world.place / "run.sh"), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COMMAND_S + 15,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        return (exc.stdout or b"").decode(errors="replace") + "\nnever ended"
    return (done.stdout + done.stderr).decode(errors="replace")


def _box(world: World) -> list[str]:
    """Return the command that starts a program in the account: the machine read-only, no network, its own processes."""
    home, project = world.place / "home", Path(__file__).resolve().parents[1]
    words = "bwrap --unshare-all --die-with-parent --clearenv --cap-drop ALL --ro-bind / / --dev /dev --proc /proc"
    words += " --tmpfs /tmp --tmpfs /root --tmpfs /run"
    for path in (Path(sys.prefix), project, Path(sys.base_prefix)):
        words += f" --ro-bind {path} {path}"
    words += f" --bind {world.place} {world.place}"
    environment = {
        "HOME": home,
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "IPYTHONDIR": home / "ipython",
        "LANG": "C.UTF-8",
        "TEACHERS_TOKEN": world.canary("environment"),
    }
    return [
        *words.split(),
        *(word for name, text in environment.items() for word in ("--setenv", name, str(text))),
    ]


def points(world: World, student: str) -> float | None:
    """Return a student's points, or None when nbgrader has none: it then counts the submission as not handed in."""
    graded = world.course / "autograded" / student / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    if not graded.is_file():
        return None
    query = """select sum(coalesce(grade.manual_score, grade.auto_score)) from grade
        join submitted_notebook on grade.notebook_id = submitted_notebook.id
        join submitted_assignment on submitted_notebook.assignment_id = submitted_assignment.id
        where submitted_assignment.student_id = ?"""
    with contextlib.closing(sqlite3.connect(world.course / "gradebook.db")) as connection:
        (found,) = connection.execute(query, (student,)).fetchone()
    return None if found is None else float(found)


def others(world: World) -> dict[str, str]:
    """Describe what an attack must not change."""
    folders = [world.place / "home", world.course / "source", world.course / "nbgrader_config.py"]
    folders += [world.course / f"submitted/{student}" for student in (BEFORE, NEXT)]
    folders += [world.course / f"autograded/{BEFORE}"]
    own = ("ipython", ".ipython", ".local", ".cache", "migrated")  # what programs make there by themselves
    found = {
        str(path.relative_to(world.place)): described(path)
        for folder in folders
        for path in (folder, *walked(folder))
        if path.exists() and not set(own) & set(path.relative_to(world.place).parts) and not path.is_dir()
    }
    for name in (f"names of {kind}" for kind in ("submitted", "source")):
        found[name] = " ".join(sorted(path.name for path in (world.course / name.split()[-1]).iterdir()))
    startup = world.place / "home" / "ipython" / "profile_default" / "startup"
    found["start-up files"] = " ".join(sorted(path.name for path in startup.glob("*.py")))
    found[f"grade of {BEFORE}"] = str(points(world, BEFORE))
    return found


def tried(attack: Attack, world: World) -> Outcome:
    """Hand one attack in beside honest work, let nbgrader grade both, and look at what came of it."""
    for name in ("course", "home"):
        shutil.rmtree(world.place / name)
        shutil.copytree(world.place / "fresh" / name, world.place / name, symlinks=True)
    cells = {name: world.told(code) for name, code in attack.cells.items()}
    if attack.id in INSTEAD:
        cells["classify-code"] = INSTEAD[attack.id]
    hand_in(world, NEXT, {})
    folder = hand_in(world, ATTACKER, cells)
    if attack.builder:
        notebook = nbformat.read(folder / f"{ASSIGNMENT}.ipynb", as_version=4)
        getattr(builders, attack.builder)(folder, notebook, world)
    before, begin = others(world), time.monotonic()
    said = boxed(world, "autograde", ASSIGNMENT)
    seconds, after = time.monotonic() - begin, others(world)
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    changed |= {"left behind" for line in said.splitlines() if line.startswith("left behind")}
    graded = world.course / "autograded" / ATTACKER / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    cells_shown = json.loads(graded.read_text())["cells"] if graded.is_file() else []
    shown = " ".join(json.dumps(cell.get("outputs", [])) for cell in cells_shown if _is_own(cell))
    read = {one.split("-")[1] for one in PATTERN.findall(shown) if one in world.canaries.values()}
    return Outcome(
        points(world, ATTACKER),
        deserved(attack),
        tuple(sorted(read)),
        tuple(sorted(changed)),
        points(world, NEXT),
        seconds,
    )


def _is_own(cell: dict[str, Any]) -> bool:
    """Whether an output is the attacker's: a test that fails shows its own text."""
    return not cell["metadata"].get("nbgrader", {}).get("grade", False)


def deserved(attack: Attack) -> float:
    """Return what the work is worth here: an exercise that is left alone, or that is right, has earned its points."""
    left_alone = {"double": "double-code", "brightness": "classify-code"}
    most = {"double": 6, "brightness": 10}
    honest = {name for name, cell in left_alone.items() if not attack.builder and cell not in attack.cells}
    if attack.id in RIGHT_INSIDE:
        return 16
    return sum(most[name] for name in most if name in honest or name not in attack.loses)


def left_out(attack: Attack) -> str:
    """Say why an attack is not tried, or ""."""
    return LEFT_OUT.get(attack.id) or LEFT_OUT.get(attack.family, "")


def row(attack: Attack, found: Outcome) -> list[str]:
    """Return one line of the table."""
    told = "none" if found.points is None else f"{found.points:g}"
    after = "not graded" if found.next_points is None else f"{found.next_points:g}"
    changed = [name.rsplit("/", 1)[-1] for name in found.changed]
    listed = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
    won = "**wins**" if found.wins else ""
    return [attack.id, f"{told} ({found.deserved:g})", ", ".join(found.read), listed, after, won]


def main() -> None:
    """Try every attack and print what came of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="*", default=[])
    only = parser.parse_args().only
    attacks = [one for one in read_all() if one.id.startswith(tuple(only) or "")]
    outcomes = []
    print("| attack | points of 16 (deserved) | secrets read | changed or left behind | next student | |")
    print("|---|---|---|---|---|---|")
    with account() as world:
        for attack in attacks:
            if not left_out(attack):
                outcomes.append(tried(attack, world))
                print(f"| {' | '.join(row(attack, outcomes[-1]))} |", flush=True)
    omitted = [attack for attack in attacks if left_out(attack)]
    print(
        f"\n{sum(one.wins for one in outcomes)} of {len(outcomes)} attacks win something; {len(omitted)} were not tried:"
    )
    for reason in sorted({left_out(attack) for attack in omitted}):
        print(f"- {', '.join(attack.id for attack in omitted if left_out(attack) == reason)}: {reason}")


if __name__ == "__main__":
    main()
