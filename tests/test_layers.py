"""Who may import whom: only downwards, sideways without a circle; heavy libraries only where they are named."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "grader"
LAYERS = [
    "errors packaged records strict tars visible clock",
    "calibrated confined disclosure findings questions metrics perturbation statistics scoring notebook_json patience outputs images determinism locations",
    "spec settings cards toypets http_ranges downloads archives pets hidden_photos weights networks known_features backbones normalising reference artifacts answer_notes attempts tally ladder course variants leaks release ownership gradebook backups manual_work projection "
    "autograded cells reading showing sanitise inert rendering drawings figures fitting feedback probe_cell marks soundness requirements calibration calibration_file remembering plots pytest_plugin lab_checks gpus duplicates suspicion similarity",
    "kernels devices gpu_verdicts sandbox wire intake stock endings walk engine papermill_engine probe judge evaluate",
    "runners preparation workplace notices pipeline grading review pages student rebuilding expectations verify calibrate reporting workflows demo doctor",
    "cli",
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names.split()}
BESIDE = {"lab": 2}  # what notebooks import: it sees layers 0 to 2, and nobody sees it
# who may import a heavy library at all, and who at the top of the module
HEAVY = {
    "torch": (
        {"backbones", "networks", "normalising", "weights", "known_features", "lab"},
        {"backbones", "networks", "normalising"},
    ),
    "torchvision": ({"archives", "networks", "weights"}, set[str]()),
    "timm": ({"backbones", "networks"}, set[str]()),
    "nbgrader": ({"autograded", "gradebook", "release"}, set[str]()),
    "matplotlib": ({"figures", "lab", "plots"}, {"figures"}),
    "requests": ({"http_ranges"}, set[str]()),
    "papermill": ({"engine", "stock", "papermill_engine"}, {"engine", "stock"}),
    "dask": (set[str](), set[str]()),
    "distributed": (set[str](), set[str]()),
}


def modules() -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] != "__init__" and (parts[0] != "course" or len(parts) == 1):  # not the packaged course
            found.setdefault(parts[0], []).append(path)
    return found


def imports(node: ast.AST, top: bool = True) -> Iterator[tuple[str, bool]]:
    """Yield what a module imports, and whether it does so when it is imported itself."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((alias.name, top) for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module:
            inside = child.module == "grader"
            yield from (
                (f"{child.module}.{alias.name}" if inside else child.module, top) for alias in child.names
            )
        else:
            inner = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) or (
                isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
            )
            yield from imports(child, top and not inner)


def imported(name: str) -> set[tuple[str, bool]]:
    return {one for path in modules()[name] for one in imports(ast.parse(path.read_text()))}


def ours(name: str) -> set[str]:
    found = {module.split(".")[1] for module, _ in imported(name) if module.startswith("grader.")}
    return found - {name}


def test_every_module_has_a_layer() -> None:
    assert set(modules()) == set(LEVEL) | set(BESIDE)


@pytest.mark.parametrize("name", sorted(LEVEL | BESIDE))
def test_a_module_imports_nothing_from_above(name: str) -> None:
    level = (LEVEL | BESIDE)[name]

    assert [other for other in ours(name) if LEVEL.get(other, 99) > level] == []
    if level < 2:
        assert [other for other in ours(name) if LEVEL[other] == level] == []


def test_no_import_leads_back_to_where_it_came_from() -> None:
    graph = {
        name: ours(name) - ({"engine"} if name in {"probe", "walk"} else set()) for name in LEVEL
    }  # probe and walk: a type only

    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as circle:
        pytest.fail(" imports ".join(circle.args[1]))


@pytest.mark.parametrize("library", HEAVY)
def test_a_heavy_library_is_imported_only_where_it_is_named(library: str) -> None:
    anywhere, at_the_top = HEAVY[library]
    uses = [
        (name, top) for name in modules() for module, top in imported(name) if module.split(".")[0] == library
    ]

    assert {name for name, _ in uses} <= anywhere
    assert {name for name, top in uses if top} <= at_the_top


def test_no_module_is_longer_than_400_lines() -> None:
    lengths = {
        path.name: len(path.read_text().splitlines()) for paths in modules().values() for path in paths
    }

    assert {name: length for name, length in lengths.items() if length > 400} == {}
