"""Try out GPUs in a fresh kernel, to tell a lost GPU from a notebook that only says so.

A notebook's errors are the student's word, and a lost GPU would make them our error. So `grading.gpu_blame` looks
into it with this trial, which runs nothing of a student's.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import nbformat

from grader.errors import GraderError
from grader.execution import engine, kernels
from grader.execution.gpu_slots import Held
from grader.limits import Limits

TRIAL = "import torch\nones = torch.ones(64, 64, device='cuda')\nassert float((ones @ ones).sum()) == 64**3"
TRIAL_S = 120.0


def try_out(kernel: str, held: Held, *, sandboxed: bool) -> str:
    """Multiply two matrices on each GPU in a fresh kernel with nothing of a student in it.

    Args:
        kernel: kernelspec name.
        held: the GPUs.
        sandboxed: whether it is a sandboxed kernel.

    Returns:
        Why that did not work, or "". A GPU whose memory is full works.
    """
    limits = Limits(wall_s=TRIAL_S, cell_s=TRIAL_S)
    sandbox = kernels.Sandbox(limits, None, held.nodes, held.environment()) if sandboxed else None
    new = nbformat.v4
    cells = [new.new_code_cell("device = ''", metadata={"tags": ["parameters"]}), new.new_code_cell(TRIAL)]
    notebook = new.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": kernel, "display_name": kernel, "language": "python"}
    with tempfile.TemporaryDirectory() as folder:
        environment = {"HOME": folder, **held.environment()}
        try:
            with kernels.lease(kernel, cwd=Path(folder), environment=environment, sandbox=sandbox) as lease:
                execution = engine.run(notebook, engine.Run(lease, limits, gpu=True), {"device": "cuda"})
        except GraderError as exc:
            return str(exc)
    # Others may fill the memory of a GPU that is sound.
    if not execution.failed or execution.gpu_full:
        return ""
    return f"{execution.failed[0].error}: {execution.failed[0].message}"
