"""Submissions that no notebook editor makes: each function lays one out in a folder that holds honest work."""

from __future__ import annotations

import copy
import json
import os
import socket
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output

from tests.attacks.world import World

WRONG = "import numpy as np\n\ndef classify(images):\n    return np.zeros((len(images), 35))"


def _path(folder: Path) -> Path:
    return folder / f"{folder.name}.ipynb"


def _cell(notebook: NotebookNode, name: str) -> NotebookNode:
    return next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == name)


def _of_staff(world: World, *kinds: str) -> Path:
    """Return the folder of the assignment in the first of these that the course has."""
    return next(path for path in (world.course / kind / "attacks" for kind in kinds) if path.is_dir())


def table_in_a_file(folder: Path, notebook: NotebookNode, world: World) -> None:
    """A wrong function that reads its answers from files beside the notebook."""
    _cell(notebook, "classify-code").source = (
        "import os\nassert not os.path.exists('table.npy') and not os.path.exists('notes.txt')\n" + WRONG
    )
    nbformat.write(notebook, _path(folder))
    (folder / "table.npy").write_bytes(bytes(10_000))
    (folder / "notes.txt").write_bytes(bytes(10_000))  # declared with at most 1 KiB


def damaged_bytes(folder: Path, notebook: NotebookNode, world: World) -> None:
    """JSON that ends in the middle, with invalid UTF-8 and NUL bytes."""
    text = nbformat.writes(notebook).encode()
    _path(folder).write_bytes(text[: len(text) // 2] + b"\xff\xfe\x00\x00\xed\xa0\x80")


def nested_json(folder: Path, notebook: NotebookNode, world: World) -> None:
    """Metadata a million levels deep."""
    _nest(folder, notebook, "[" * 10**6 + "]" * 10**6)


def nested_a_little(folder: Path, notebook: NotebookNode, world: World) -> None:
    """Metadata five hundred levels deep: as deep as json still reads."""
    _nest(folder, notebook, '{"a":' * 500 + "1" + "}" * 500)


def _nest(folder: Path, notebook: NotebookNode, deep: str) -> None:
    notebook.metadata["deep"] = "@"
    _path(folder).write_text(nbformat.writes(notebook).replace('"@"', deep))


def hundred_megabytes(folder: Path, notebook: NotebookNode, world: World) -> None:
    """Right solutions with an output of 100 MB."""
    _cell(notebook, "double-code").outputs = [new_output("stream", name="stdout", text="@")]
    head, tail = nbformat.writes(notebook).split("@", 1)
    with _path(folder).open("w") as file:
        file.write(head)
        for _ in range(100):
            file.write("x" * 2**20)
        file.write(tail)


def many_cells(folder: Path, notebook: NotebookNode, world: World) -> None:
    """A hundred thousand cells before the work."""
    plain: dict[str, Any] = {
        "cell_type": "code",
        "metadata": {},
        "source": "def double(numbers):",
        "outputs": [],
        "execution_count": None,
    }
    raw = json.loads(nbformat.writes(notebook))
    raw["cells"] = [plain] * 100_001 + raw["cells"]
    _path(folder).write_text(json.dumps(raw))


def empty_objects(folder: Path, notebook: NotebookNode, world: World) -> None:
    """Right solutions with two million empty objects in the metadata: 6 MB, and gigabytes once parsed."""
    _nest(folder, notebook, "[" + "{}," * 2_000_000 + "{}]")


def one_long_text(folder: Path, notebook: NotebookNode, world: World) -> None:
    """Right solutions with 49 MB of text, of which one character makes four bytes of each."""
    _nest(folder, notebook, '"' + "x" * 49_000_000 + '\U0001f408"')


def look_alikes(folder: Path, notebook: NotebookNode, world: World) -> None:
    """Four hundred right solutions without a name, each a little different, and none with it."""
    work = _cell(notebook, "double-code")
    del work.metadata["nbgrader"]
    filling = "\n".join(f"# {'-' * 70} {line}" for line in range(20))
    others = [new_code_cell(f"{work.source}\n{filling}\n# {number}") for number in range(400)]
    notebook.cells = [*others, *notebook.cells]
    nbformat.write(notebook, _path(folder))


def names_that_steer(folder: Path, notebook: NotebookNode, world: World) -> None:
    """Right solutions beside files whose names clear a terminal, turn the direction of writing, and are HTML."""
    nbformat.write(notebook, _path(folder))
    for name in (
        "\x1b[2J\x1b]0;owned\x07",
        "\u202egpj.exe\u2066",
        "<img src=x onerror=alert(1)>",
        "[bold red]",
        "a\u2028b\u200b",
    ):
        (folder / name).write_text("")


def another_language(folder: Path, notebook: NotebookNode, world: World) -> None:
    """A notebook of R whose kernel would be a command."""
    command = ["/bin/sh", "-c", f"touch {world.place}/home/{world.marker}"]
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"name": "ir", "display_name": "R", "language": "R", "argv": command},
            "language_info": {"name": "R", "file_extension": ".r", "pygments_lexer": "../../../etc/passwd"},
            "papermill": {"kernel_name": "ir", "engine_name": "nbclient"},
        }
    )
    notebook.cells.insert(0, new_code_cell(f"%%script sh\ntouch {world.place}/home/{world.marker}"))
    nbformat.write(notebook, _path(folder))


def another_format(folder: Path, notebook: NotebookNode, world: World) -> None:
    """A format that does not exist."""
    raw = json.loads(nbformat.writes(notebook))
    _path(folder).write_text(json.dumps({**raw, "nbformat": 5, "nbformat_minor": 10**30}))


def claims_points(folder: Path, notebook: NotebookNode, world: World) -> None:
    """Test cells worth a thousand points, saved with outputs of success."""
    _cell(notebook, "classify-code").source = WRONG
    for cell in notebook.cells:
        flags = cell.metadata.get("nbgrader")
        if flags and flags.get("points"):
            flags.update(
                points=1000, grade=True, locked=False, solution=True, schema_version=99, auto_score=1000
            )
            cell.metadata["pawgrade"] = {"points": 16, "status": "PASSED"}
        if cell.cell_type == "code":
            cell.outputs = [new_output("stream", name="stdout", text="All tests passed! 16/16")]
            cell.execution_count = 1
    notebook.metadata["nbgrader"] = {"score": 16, "max_score": 16}
    _path(folder).write_text(json.dumps(notebook))


def changed_tests(folder: Path, notebook: NotebookNode, world: World) -> None:
    """Emptied tests, copies of every named cell before and behind, the same id everywhere."""
    _cell(notebook, "classify-code").source = WRONG
    copies = copy.deepcopy(notebook.cells)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("locked"):
            cell.source = "pass"
            cell.cell_type = "raw" if cell.cell_type == "code" else "code"
    raw = json.loads(json.dumps(notebook))
    raw["cells"] = [{**cell, "id": "same"} for cell in [*copies, *raw["cells"], *copies]]
    for cell in raw["cells"]:
        if cell["cell_type"] == "raw":
            cell.pop("outputs", None)
            cell.pop("execution_count", None)
    _path(folder).write_text(json.dumps(raw))


def parameters(folder: Path, notebook: NotebookNode, world: World) -> None:
    """Cells that papermill would take for its own."""
    _cell(notebook, "classify-code").source = WRONG
    lies = f"data_dir = scratch_dir = {str(world.course)!r}\nseed = 1\n"
    at = notebook.cells.index(_cell(notebook, "parameters"))
    own = new_code_cell(lies, metadata={"tags": ["injected-parameters"]})
    tagged = new_code_cell(lies, metadata={"tags": ["parameters", "injected-parameters"]})
    notebook.cells[at : at + 1] = [own, tagged, notebook.cells[at], own]
    output = str(world.course / world.marker)
    notebook.metadata["papermill"] = {
        "parameters": {"data_dir": str(world.course)},
        "output_path": output,
        "input_path": "/etc/passwd",
    }
    _path(folder).write_text(json.dumps(notebook))


def odd_types(folder: Path, notebook: NotebookNode, world: World) -> None:
    """Wrong types everywhere, one cell a kind."""
    raw = json.loads(nbformat.writes(notebook))
    odd: list[Any] = [
        None,
        5,
        [],
        {},
        {"cell_type": "code"},
        {"cell_type": ["code"], "source": 5, "metadata": [], "outputs": {}},
        {
            "cell_type": "code",
            "source": [1, None],
            "metadata": {"tags": 5, "nbgrader": {"grade_id": ["double"]}},
        },
        {
            "cell_type": "code",
            "source": "",
            "metadata": {"nbgrader": {"grade_id": {}, "points": float("nan")}},
        },
    ]
    raw["cells"] += odd
    text = json.dumps(raw).replace('"nbformat": 4', '"nbformat": 3, "orig_nbformat": 1e999, "nbformat": 4')
    _path(folder).write_text(text)


def a_link(folder: Path, notebook: NotebookNode, world: World) -> None:
    """A link to the staff's solution."""
    _path(folder).unlink()
    _path(folder).symlink_to(_of_staff(world, "solutions", "source") / "attacks.ipynb")


def a_pipe(folder: Path, notebook: NotebookNode, world: World) -> None:
    """A FIFO that nobody writes to."""
    _path(folder).unlink()
    os.mkfifo(_path(folder))


def folder_of_links(folder: Path, notebook: NotebookNode, world: World) -> None:
    """Everything that a folder can hold beside the notebook."""
    nbformat.write(notebook, _path(folder))
    targets = {
        "hidden": world.course / "solutions" / "attacks" / "staff",
        "secret": world.course / ".pawgrade" / "secret",
        "notes.txt": world.course / ".pawgrade" / "secret",  # the declared file
        "loop": folder / "loop",
        "above": folder.parent,
        "top": Path("/"),
        "zero": Path("/dev/zero"),
        "check_public.py": world.course / "solutions" / "attacks" / "staff" / "check_hidden.py",
        "assignment.toml": Path("/dev/zero"),
    }
    for name, target in targets.items():
        (folder / name).symlink_to(target)
    (folder / "timestamp.txt").unlink()
    (folder / "timestamp.txt").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe")
    here = Path.cwd()
    os.chdir(folder)  # the whole path may be longer than a socket's name
    with socket.socket(socket.AF_UNIX) as wire:
        wire.bind("socket")
    os.chdir(here)
    with (folder / "hole").open("wb") as file:
        file.truncate(2**40)
    deep = folder
    for _ in range(200):
        deep = deep / "deep"
        deep.mkdir()
    for odd in (b"\xff\xfe", b"new\nline", b"\x1b[2J", "\u202egpj.ipynb".encode(), b"-rf", b"'; rm -rf ~ #"):
        (Path(os.fsdecode(os.fsencode(folder) + b"/" + odd))).write_bytes(b"")


def unreadable(folder: Path, notebook: NotebookNode, world: World) -> None:
    """No rights on anything but the notebook."""
    nbformat.write(notebook, _path(folder))
    (folder / "closed" / "deeper").mkdir(parents=True)
    (folder / "notes.txt").write_text("declared")
    for path in {*folder.iterdir()} - {_path(folder)}:
        path.chmod(0)


def a_time_stamp(folder: Path, notebook: NotebookNode, world: World) -> None:
    """A time that does not exist."""
    nbformat.write(notebook, _path(folder))
    text = "1000000000-13-45 99:99:99 \x1b[2J<script>alert(1)</script> ../../x"
    (folder / "timestamp.txt").write_text(text)


def outputs_of_another(folder: Path, notebook: NotebookNode, world: World) -> None:
    """The release with outputs of success."""
    release = nbformat.read(_of_staff(world, "assignments", "release") / "attacks.ipynb", as_version=4)
    for cell in release.cells:
        if cell.cell_type == "code":
            data = {"text/plain": "16/16", "text/html": "<b>PASSED</b>"}
            cell.outputs = [new_output("execute_result", data, execution_count=1)]
    nbformat.write(release, _path(folder))
