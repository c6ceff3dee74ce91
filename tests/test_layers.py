"""The rooms of the package, who may import whom, and where each module is tested: these tables are the architecture."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
PACKAGE = TESTS.parent / "grader"
AT_MOST = 14  # files in a room
LINES_OF_A_FUNCTION = 60
# Each room, lowest first, and the rooms that it may import from. The files at the root are words that all rooms share.
ROOMS: dict[str, set[str]] = {
    "notebooks": set(),
    "downloads": set(),
    "assignment": set(),
    "datasets": {"downloads"},
    "networks": {"downloads"},
    "sandbox": set(),
    "execution": {"notebooks", "sandbox"},
    "checks": {"assignment", "datasets", "networks"},
    "gradebook": {"notebooks", "assignment"},
    "collecting": {"notebooks", "assignment", "gradebook"},
    "calibration": {"assignment", "checks"},
    "judging": {"notebooks", "assignment", "datasets", "checks", "execution"},
    "feedback": {"notebooks", "assignment", "datasets", "checks", "gradebook"},
    "grading": {
        "notebooks", "assignment", "datasets", "networks", "sandbox", "execution", "checks", "gradebook", "calibration",
        "judging",
    },
    "lab": {"assignment", "datasets", "networks", "checks", "judging"},
    "authoring": {  # feedback: that an assignment's own pictures can be drawn is part of its being right
        "notebooks", "assignment", "datasets", "networks", "sandbox", "execution", "checks", "gradebook", "calibration",
        "judging", "feedback", "grading",
    },
    "reports": {"notebooks", "assignment", "gradebook", "authoring", "feedback"},
}  # fmt: skip
ROOMS["cli"] = set(ROOMS)
ABOVE = {"demo", "doctor"}  # files at the root that may import from every room but the command line
# Who may import a heavy library at all, and who when the module itself is imported.
HEAVY = {
    "torch": (
        {"networks.backbones", "networks.zoo", "networks.normalising", "networks.weights", "networks.feature_store", "lab"},
        {"networks.backbones", "networks.zoo", "networks.normalising"},
    ),
    "torchvision": ({"datasets.archives", "networks.zoo", "networks.weights"}, set[str]()),
    "timm": ({"networks.backbones", "networks.zoo"}, set[str]()),
    "nbgrader": (
        {
            "gradebook.formgrader", "gradebook.nbgrader", "gradebook.source_cells", "gradebook.conversion", "authoring.release",
            "authoring.adoption.classic", "grading.believed",
        },
        set[str](),
    ),
    "matplotlib": ({"feedback.figures", "lab", "authoring.calibration_plot"}, {"feedback.figures"}),
    "requests": ({"downloads.ranges"}, set[str]()),
    "papermill": (
        {"execution.engine", "execution.stock_engine", "execution.papermill_engine"},
        {"execution.engine", "execution.stock_engine"},
    ),
    "dask": (set[str](), set[str]()),
    "distributed": (set[str](), set[str]()),
}  # fmt: skip

# Modules without a test file of their name, and the test file that exercises each. `scripts/house-table` reads it.
TESTED_ELSEWHERE: dict[str, str] = {
    # The runs of a verification: only a course that is verified as a whole, in real kernels, says whether they are right.
    "authoring.verify_runs": "tests/authoring/test_verify.py",
    # What is decided about a class that was graded before shows in what becomes of it.
    "cli.commands.outcomes": "tests/grading/anew/test_rejudging.py",
    "grading.anew.forecast": "tests/grading/anew/test_rejudging.py",
    "grading.deciding": "tests/grading/anew/test_rejudging.py",
    "execution.gpu_trial": "tests/execution/test_on_a_gpu.py",  # multiplies matrices on a real GPU, and does nothing else
    "sandbox.paths": "tests/sandbox/test_bubblewrap.py",  # constants: a box holds what they name
}


def modules() -> dict[str, Path]:
    """Every module by its name below `grader`; a package by the name of its folder."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] != "course":  # the course that a wheel carries
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def room_of(module: str) -> str:
    first = module.split(".", maxsplit=1)[0]
    return first if first in ROOMS else ""


def imports(node: ast.AST, top: bool = True) -> Iterator[tuple[str, bool]]:
    """Yield what a module imports, and whether it does so when it is imported itself."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((alias.name, top) for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module:
            yield from ((f"{child.module}.{alias.name}", top) for alias in child.names)
        else:
            inner = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) or (
                isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
            )
            yield from imports(child, top and not inner)


def ours(module: str) -> set[str]:
    """Name the modules of ours that a module imports, anywhere in it."""
    known, found = modules(), set[str]()
    for name, _ in imports(ast.parse(known[module].read_text())):
        if name.startswith("grader."):
            words = name.split(".")[1:]
            found.add(
                next(".".join(words[:k]) for k in range(len(words), -1, -1) if ".".join(words[:k]) in known)
            )
    return found - {module}


def test_every_folder_is_a_room_and_every_room_a_folder() -> None:
    assert {path.parent.name for path in PACKAGE.glob("*/__init__.py")} == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_from_the_rooms_in_its_row(room: str) -> None:
    inside = [module for module in modules() if room_of(module) == room]
    others = {(module, other) for module in inside for other in ours(module)}

    assert {
        (module, other) for module, other in others if room_of(other) not in ROOMS[room] | {room, ""}
    } == set()
    assert {(module, other) for module, other in others if other in ABOVE and room != "cli"} == set()


def test_the_shared_words_import_from_no_room() -> None:
    shared = [module for module in modules() if room_of(module) == "" and module not in ABOVE]

    assert {
        (module, other) for module in shared for other in ours(module) if room_of(other) or other in ABOVE
    } == set()


def test_no_import_leads_back_to_where_it_came_from() -> None:
    rooms = {room: {other for other in allowed if other != room} for room, allowed in ROOMS.items()}
    try:
        tuple(TopologicalSorter(rooms).static_order())
    except CycleError as circle:
        pytest.fail(" imports ".join(circle.args[1]))


def test_the_hosts_side_of_the_sandbox_knows_the_inner_one_and_never_the_other_way_round() -> None:
    inside = [module for module in modules() if module.startswith("sandbox.inside")]

    assert {other for module in inside for other in ours(module) if other.startswith("sandbox.host")} == set()


@pytest.mark.parametrize("library", HEAVY)
def test_a_heavy_library_is_imported_only_where_it_is_named(library: str) -> None:
    anywhere, at_the_top = HEAVY[library]
    uses = [
        (module, top)
        for module, path in modules().items()
        for name, top in imports(ast.parse(path.read_text()))
        if name.split(".")[0] == library
    ]

    assert {module for module, _ in uses} <= anywhere
    assert {module for module, top in uses if top} <= at_the_top


def test_a_room_has_a_sentence_and_few_files() -> None:
    for folder in {path.parent for path in modules().values()}:
        files = list(folder.glob("*.py"))
        assert len(files) <= AT_MOST, folder
        assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text())), folder


def test_no_module_is_longer_than_400_lines() -> None:
    lengths = {name: len(path.read_text().splitlines()) for name, path in modules().items()}

    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_no_function_is_longer_than_60_lines() -> None:
    # What is defined inside of a function counts for that, too.
    lengths = [
        (f"{module}.{node.name}", (node.end_lineno or node.lineno) - node.lineno + 1)
        for module, path in modules().items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]

    assert [(name, length) for name, length in lengths if length > LINES_OF_A_FUNCTION] == []


def test_every_module_has_a_test_file_of_its_name_or_a_reason() -> None:
    names = {path.name for path in TESTS.rglob("test_*.py") if "node_modules" not in path.parts}
    without = {
        module
        for module, path in modules().items()
        if path.stem != "__init__" and f"test_{path.name}" not in names
    }

    assert without == set(TESTED_ELSEWHERE)


@pytest.mark.parametrize("module", TESTED_ELSEWHERE)
def test_a_module_that_is_tested_elsewhere_is_imported_there(module: str) -> None:
    path = TESTS.parent / TESTED_ELSEWHERE[module]
    named = {name for name, _ in imports(ast.parse(path.read_text()))}

    assert path.is_relative_to(TESTS)
    assert any(name == f"grader.{module}" or name.startswith(f"grader.{module}.") for name in named)
