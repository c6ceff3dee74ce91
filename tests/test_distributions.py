"""What is built and installed: students' package has no staff file, and no kernel sees one that staff's has."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

from grader import files as packaged
from grader.assignment.course import Course
from grader.authoring.leaks import leaks
from tests.support.notebooks import REPOSITORY, solution_cell

CANARY = "a canary of staff's own 7f3a91"
PARTS = (
    "grader", "assignments", "datasets", "solutions", "starters", "course", "nbgrader_config.py", "pawgrade.toml", "hatch_build.py",
    "pyproject.toml", "README.md", "LICENSE", ".gitignore",
)  # fmt: skip
SEARCH = f"""
import json, os, sys
from pathlib import Path
folders = [Path(sys.prefix)]
def holds(path):
    try:
        return {CANARY[:12]!r} in path.read_text(errors="replace")
    except OSError:
        return False
found = [str(path) for folder in folders for path in folder.rglob("*") if path.is_file() and holds(path)]
named = [top for top, folders, files in os.walk("/") for name in folders + files if name == "check_hidden.py"]
lists = [path.stat().st_size for folder in folders for path in folder.rglob("pawgrade_course*/RECORD") if path.is_file()]
print(json.dumps({{"holding": found, "named": named, "lists": lists}}))
"""
IN_A_KERNEL = """
import sys
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpec
from grader.sandbox.kernelspecs import kernel_spec
manager = KernelManager()
manager._kernel_spec = kernel_spec(preload=("json",))
manager.start_kernel(cwd=sys.argv[1])
try:
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=120)
    def show(message):
        content = message["content"]
        print(content.get("text") or "\\n".join(content.get("traceback", ())), end="")
    client.execute_interactive(sys.stdin.read(), timeout=120, output_hook=show, allow_stdin=False)
finally:
    manager.shutdown_kernel(now=True)
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both distributions, wheels and sources, of a copy of the project with canaries among staff's files."""
    copy, made = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("built")
    ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for name in PARTS:
        path = REPOSITORY / name
        if path.is_dir():
            shutil.copytree(path, copy / name, ignore=ignored)
        else:
            shutil.copyfile(path, copy / name)
    for source in sorted((copy / "solutions").iterdir()):
        notebook = nbformat.read(source / f"{source.name}.ipynb", as_version=4)
        notebook.cells.append(solution_cell("canary", f"### BEGIN SOLUTION\n# {CANARY}\n### END SOLUTION"))
        nbformat.write(notebook, source / f"{source.name}.ipynb")
        for path in (source / "staff").rglob("*.*"):
            path.write_text(f"{path.read_text()}\n# {CANARY}\n")
    for folder in (copy, copy / "course"):
        subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", str(made)], cwd=folder, check=True)
    return made


def members(path: Path) -> dict[str, bytes]:
    """Return the files of a wheel, or of a source distribution without its first folder."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            return {name: wheel.read(name) for name in wheel.namelist()}
    with tarfile.open(path) as source:
        files = {member.name: source.extractfile(member) for member in source.getmembers()}
        return {name.partition("/")[2]: file.read() for name, file in files.items() if file is not None}


def wheel_of(built: Path, project: str) -> Path:
    (path,) = built.glob(f"{project}-*.whl")
    return path


@pytest.mark.parametrize("kind", ["whl", "tar.gz"])
def test_what_students_install_has_no_staff_file_and_no_solution(built: Path, kind: str) -> None:
    (path,) = built.glob(f"pawgrade-*.{kind}")

    files = members(path)

    words = {"solutions", "staff", "mutants", "recipes", "check_hidden.py", "hidden.toml", "bank.toml"}
    assert [name for name in files if words & set(name.split("/"))] == []
    for text in (CANARY, "### BEGIN SOLUTION"):
        assert [name for name, content in files.items() if text.encode() in content] == []
    for name in ("check_public.py", "pictures.py"):
        assert sum("assignments/" in file and file.endswith(f"/{name}") for file in files) == len(
            list((REPOSITORY / "assignments").glob(f"*/{name}"))
        )


@pytest.mark.parametrize("kind", ["whl", "tar.gz"])
def test_what_staff_install_beside_it_has_all_of_the_course(built: Path, kind: str) -> None:
    (path,) = built.glob(f"pawgrade_course-*.{kind}")

    files = members(path)

    holding = {name for name, content in files.items() if CANARY.encode() in content}
    staff = {
        path for path in (REPOSITORY / "solutions").rglob("staff/**/*.*") if "__pycache__" not in path.parts
    }
    # Beside the staff's files: the source notebooks.
    assert len(holding) == len(staff) + len(Course(REPOSITORY).assignments())
    assert not [name for name in files if name.endswith("METADATA") and CANARY in name]


def test_no_release_in_the_wheel_gives_anything_away(built: Path, tmp_path: Path) -> None:
    shutil.unpack_archive(wheel_of(built, "pawgrade"), tmp_path, "zip")
    for release in sorted((tmp_path / "grader" / "course" / "assignments").iterdir()):
        assert leaks(release, REPOSITORY / "solutions" / release.name) == []


def test_a_wheel_from_the_source_distribution_is_the_same(built: Path, tmp_path: Path) -> None:
    for project in ("pawgrade", "pawgrade_course"):
        (source,) = built.glob(f"{project}-*.tar.gz")
        with tarfile.open(source) as archive:
            archive.extractall(tmp_path, filter="data")
        (folder,) = tmp_path.glob(f"{project}-*")
        subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel"], cwd=folder, check=True)
        (again,) = (folder / "dist").glob("*.whl")

        assert members(again) == members(wheel_of(built, project))


def test_the_extra_for_staff_pulls_the_course_and_the_one_for_development_does_not() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    course = tomllib.loads((REPOSITORY / "course" / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]

    names = {name: [text for text in texts if text.startswith("pawgrade")] for name, texts in extras.items()}
    assert names["staff"] == ["pawgrade[grading]", f"pawgrade-course=={project['version']}"]
    assert (names["grading"], names["dev"]) == ([], ["pawgrade[grading]"])
    assert course["dependencies"] == [f"pawgrade=={project['version']}"]
    assert course["version"] == project["version"]


def test_the_build_and_the_package_agree_about_names() -> None:
    hook = runpy.run_path(str(REPOSITORY / "course" / "hatch_build.py"))

    assert (hook["PARTS"], hook["FOLDER"]) == (packaged.STAFF_PARTS, packaged.STAFF_FOLDER)


def test_in_a_checkout_the_folders_beside_the_package_are_the_course() -> None:
    assert packaged.public_parts() == packaged.staff_parts() == REPOSITORY


def test_folders_beside_an_installed_package_are_somebody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "grader"
    for name in ("solutions", "datasets", "assignments", "grader/course/datasets"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])

    assert packaged.public_parts(package) == package / "course"
    assert packaged.staff_parts(package) is None


@dataclass(frozen=True)
class Environment:
    """A Python environment of its own that finds libraries, but not this checkout, in the tests' one."""

    folder: Path
    variables: Mapping[str, str]

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")

    def install(self, *words: str) -> None:
        """Run pip, which meets no index; what is installed already counts."""
        command = [sys.executable, "-m", "pip", "--python", self.python, "install", "--no-index", "--quiet"]
        done = subprocess.run(
            [*command, *words], env=self.variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def run(self, *words: str, cwd: Path, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run Python, or with a first word that is no option a program of this environment."""
        command = (
            [self.python, "-P", *words]
            if words[0].startswith("-")
            else [f"{self.folder}/bin/{words[0]}", *words[1:]]
        )
        return subprocess.run(
            command, cwd=cwd, env=self.variables, input=text, capture_output=True, text=True, check=False,
        )  # fmt: skip


def environment(folder: Path, **variables: str) -> Environment:
    """Make an environment; `variables` say where libraries are."""
    make = [sys.executable, "-m", "venv", "--without-pip", "--system-site-packages", str(folder)]
    subprocess.run(make, check=True)
    folder.chmod(0o755)
    kept = {name: os.environ[name] for name in ("HOME", "PATH", "XDG_RUNTIME_DIR") if name in os.environ}
    return Environment(folder, {**kept, **variables})


@pytest.fixture(scope="module")
def student(built: Path, tmp_path_factory: pytest.TempPathFactory, toy_cache: Path) -> Environment:
    """An environment with what `pip install pawgrade` brings; libraries are in a folder of its search path."""
    made = environment(tmp_path_factory.mktemp("student") / "venv", PAWGRADE_CACHE=str(toy_cache))
    made.install("--no-deps", "--ignore-installed", str(wheel_of(built, "pawgrade")))
    (site,) = made.folder.glob("lib/python*/site-packages")
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    return made


@pytest.fixture(scope="module")
def staff(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with what `pip install 'pawgrade[staff]'` brings; libraries are its user's, which kernels see."""
    folder = tmp_path_factory.mktemp("staff")
    folder.chmod(0o755)  # a kernel's world may belong to another user
    folder.parent.chmod(0o755)
    made = environment(folder / "venv", PYTHONUSERBASE=sys.prefix)
    made.install("--no-deps", "--ignore-installed", str(wheel_of(built, "pawgrade")))
    made.install("--find-links", str(built), "pawgrade[staff]")
    return made


def test_a_students_installation_has_checks_and_cards_but_no_course(
    student: Environment, tmp_path: Path
) -> None:
    look = (
        "import json; from grader.datasets import cards; from grader.lab import public_checks as lab_checks; from grader import files as packaged;"
        "print(json.dumps([str(lab_checks._assignment_folder('breeds')), cards.load_card('toy_pets').id,"
        "str(packaged.PACKAGE), str(packaged.staff_parts())]))"
    )

    said = student.run("-c", look, cwd=tmp_path)
    folder, card, package, course = json.loads(said.stdout)
    demo = student.run("pawgrade", "demo", cwd=tmp_path)

    assert Path(package).is_relative_to(student.folder)
    assert folder == f"{package}/course/assignments/oxford_pets"
    assert (card, course) == ("toy_pets", "None")
    begun = student.run("pawgrade", "new", "course", "mine", cwd=tmp_path)
    assert (begun.returncode, (tmp_path / "mine").exists()) == (2, False)
    assert "pip install 'pawgrade[staff]'" in begun.stderr
    assert demo.returncode == 2
    assert "pip install 'pawgrade[staff]'" in demo.stderr
    assert not (tmp_path / "pawgrade-demo").exists()


def test_the_extra_for_staff_brings_the_course_that_the_demo_copies(
    staff: Environment, tmp_path: Path
) -> None:
    look = (
        "from pathlib import Path; from grader import demo; course = demo.make_course(Path('made'));"
        "print(*course.assignments(), len(demo.hand_in(course, 'oxford_pets')))"
    )

    said = staff.run("-c", look, cwd=tmp_path)

    *names, students = said.stdout.split()
    begun = staff.run("pawgrade", "new", "course", "mine", cwd=tmp_path)
    assert begun.returncode == 0, begun.stderr
    assert (tmp_path / "mine" / "assignments" / "example" / "example.ipynb").is_file()
    assert tuple(names) == Course(REPOSITORY).assignments(), said.stderr
    assert int(students) >= 8


@pytest.mark.sandbox
def test_no_kernel_sees_staff_files_that_are_installed_beside_its_libraries(
    staff: Environment, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)

    outside = json.loads(staff.run("-c", SEARCH, cwd=tmp_path).stdout)
    said = staff.run("-c", IN_A_KERNEL, str(tmp_path), cwd=tmp_path, text=SEARCH)
    inside = json.loads(said.stdout.strip().splitlines()[-1]) if said.stdout.strip() else said.stderr

    assert len(outside["holding"]) > 50
    assert min(outside["lists"]) > 1000
    assert inside == {"holding": [], "named": [], "lists": []}


@pytest.mark.slow
def test_a_student_checks_a_notebook_with_what_was_installed(student: Environment, tmp_path: Path) -> None:
    release = next(student.folder.rglob("course/assignments/adversarial_cat"))
    shutil.copyfile(release / "adversarial_cat.ipynb", tmp_path / "adversarial_cat.ipynb")

    said = student.run("pawgrade", "check", "adversarial_cat.ipynb", "--json", "-", cwd=tmp_path)

    grade = json.loads(said.stdout)
    assert said.returncode == 1, said.stderr  # nothing is solved yet
    assert (grade["points"], grade["failed_cells"]) == (0.0, [])
    assert {check["status"] for check in grade["checks"]} <= {"FAILED", "SKIPPED"}
