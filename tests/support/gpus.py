"""GPUs that are not there: a table in a file, ordinary files for device nodes; and a kernel that says what it sees."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbformat.v4 import new_code_cell, new_notebook

from grader.execution import engine, kernels
from grader.execution.gpu_slots import Held, Pool
from grader.limits import Limits
from grader.sandbox import kernelspecs

LIGHT = "pawgrade-light"


def fake_pool(folder: Path, count: int, *, slots: int = 1, **problems: str) -> Pool:
    """Write a table of GPUs whose uuids nobody else has, and their nodes; `gpu1="why"` makes that one unusable."""
    nodes = folder / "dev"
    nodes.mkdir(mode=0o755)
    for name in ("nvidiactl", "nvidia-uvm", *(f"nvidia{minor}" for minor in range(count))):
        (nodes / name).write_text(name)
        (nodes / name).chmod(0o666)
    rows = [
        {"uuid": f"GPU-{uuid.uuid4()}", "name": "Imaginary 1", "memory_mb": 8192, "minor": minor}
        for minor in range(count)
    ]
    for name, problem in problems.items():
        rows[int(name.removeprefix("gpu"))]["problem"] = problem
    write_table(folder / "gpus.toml", nodes, rows)
    return Pool(folder / "gpus.toml", slots)


def write_table(path: Path, nodes: Path, rows: list[dict[str, Any]]) -> None:
    """Write a table as a person would."""
    lines = [f"folder = {json.dumps(str(nodes))}", 'driver = "1.2.3"']
    for row in rows:
        lines += ["", "[[gpu]]", *(f"{name} = {json.dumps(value)}" for name, value in row.items())]
    fresh = path.with_suffix(".new")
    fresh.write_text("\n".join(lines) + "\n")
    fresh.replace(path)


def spoil(pool: Pool, index: int, problem: str) -> None:
    """Let one GPU of a table break."""
    assert pool.file is not None
    table = pool.table()
    rows = [
        {"uuid": one.uuid, "name": one.name, "memory_mb": one.memory_mb, "minor": one.minor}
        | ({"problem": problem} if one.index == index else {})
        for one in table.devices
    ]
    write_table(pool.file, table.folder, rows)


def install_light(prefix: Path) -> None:
    """Install a kernelspec whose zygote preloads next to nothing: it is there in a second."""
    kernelspecs.install(LIGHT, prefix=str(prefix), preload=("numpy", "grader.judging.in_kernel"))


def ask_kernel(held: Held, code: str, *, kernel: str = kernels.SANDBOXED, folder: Path) -> str:
    """Run a cell in a sandboxed kernel that has some GPUs; returns what it printed."""
    limits = Limits(wall_s=200, cell_s=180)
    sandbox = kernels.Sandbox(limits, None, held.nodes, held.environment())
    cells = [
        new_code_cell("device = 'cpu'", metadata={"tags": ["parameters"]}),
        new_code_cell(code),
    ]
    kernelspec: Mapping[str, str] = {"name": kernel, "display_name": kernel, "language": "python"}
    notebook = new_notebook(cells=cells, metadata={"kernelspec": kernelspec})
    folder.mkdir(exist_ok=True)
    with kernels.lease(kernel, cwd=folder, environment={}, sandbox=sandbox) as lease:
        given = engine.Run(lease, limits, gpu=bool(held.devices))
        execution = engine.run(notebook, given, {"device": "cuda" if held.devices else "cpu"})
    assert execution.failed == (), execution.failed
    outputs = execution.notebook.cells[-1].outputs
    return "".join(one.text for one in outputs if one.output_type == "stream" and one.name == "stdout")
