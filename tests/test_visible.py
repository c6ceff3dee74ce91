"""What of the package there is in a graded kernel is what `grader.lab` needs, and the rest is refused with words that help."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from grader import lab, visible
from grader.networks import zoo
from grader.networks.backbones import NAMES, Backbone

PACKAGE = Path(visible.__file__).parent
BEGIN = (
    "grader.lab",
    "grader.judging.in_kernel",
    "grader.sandbox.inside.zygote",
    "grader.sandbox.inside.cold_start",
    "grader.sandbox.self_check_child",
)
AT_HOME = {"grader.lab.public_checks"}  # `lab.check` asks for it where nothing is graded
ASKED = '[[exercises]]\nid = "normalise"\ntitle = "Pixels on a scale"\n'


def path_of(module: str) -> Path | None:
    place = PACKAGE.joinpath(*module.split(".")[1:])
    found = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    return found if found.is_file() else None


def imported(module: str) -> set[str]:
    """Name what a module of ours imports of ours, inside functions too, but for types."""
    path = path_of(module)
    assert path is not None
    tree, found = ast.parse(path.read_text()), set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    parents = {module.rpartition(".")[0]} - {""}
    return {name for name in found | parents if name.split(".")[0] == "grader" and path_of(name)}


def test_the_list_is_what_the_lab_the_probe_and_a_kernels_own_parts_import() -> None:
    pending, found = list(BEGIN), set[str]()
    while pending:
        module = pending.pop()
        if module not in found | AT_HOME:
            found.add(module)
            pending += imported(module)

    assert found == visible.MODULES


@pytest.mark.parametrize(
    "module",
    [
        "grader.checks.metrics",
        "grader.checks.perturbations",
        "grader.checks.session",
        "grader.networks.normalising",
    ],
)
def test_a_notebook_that_is_graded_without_a_sandbox_is_refused_other_modules(module: str) -> None:
    environment = {**os.environ, "PAWGRADE_LEASE": "x", **visible.withheld(["normalise"])}
    code = f"import grader.judging.in_kernel\nfrom grader import lab\nimport {module}"

    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )

    room = ".".join(
        module.split(".")[:2]
    )  # the first that an import of it meets, but for rooms that notebooks need
    first = module if room in visible.MODULES else room
    assert f"{first} is not there while your notebook is graded" in done.stderr.splitlines()[-1]


def test_on_a_students_own_machine_everything_is_there() -> None:
    code = "import grader.checks.metrics, grader.checks.perturbations, grader.networks.normalising, grader.lab.public_checks"
    environment = {name: text for name, text in os.environ.items() if name != "PAWGRADE_LEASE"}

    subprocess.run([sys.executable, "-c", code], env=environment, check=True)


def test_normalise_is_there_unless_an_exercise_asks_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    photo = lab.cat_photo()[None]

    free = lab.backbone()
    (tmp_path / "assignment.toml").write_text(ASKED)
    bound = lab.backbone()

    assert free.normalise(photo).shape == (1, 3, 224, 224)
    with pytest.raises(AttributeError, match="an exercise asks for it.*the function that you write"):
        _ = bound.normalise
    assert (bound.features(photo) == free.features(photo)).all()
    assert (bound.features(photo) == free.pooled(free.normalise(photo)).cpu()).all()


def test_a_graded_kernel_withholds_it_whatever_lies_beside_the_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in visible.withheld(["split", "normalise"]).items():
        monkeypatch.setenv(name, text)

    assert not hasattr(lab.backbone(), "normalise")
    assert visible.withheld(["split"]) == {}


def test_no_call_of_a_visible_module_normalises_pixels_in_passing() -> None:
    assert not callable(zoo.NETWORKS[NAMES[0]].normalisation)
    assert not [name for name in vars(Backbone) if "normalise" in name]
