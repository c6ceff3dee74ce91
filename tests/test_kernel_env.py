"""What makes kernels repeatable is asked of torch, where there is one."""

from __future__ import annotations

import subprocess
import sys


def test_nothing_is_switched_where_torch_is_not_loaded() -> None:
    code = "import sys\nfrom grader import kernel_env as determinism\ndeterminism.apply()\nassert 'torch' not in sys.modules"

    subprocess.run([sys.executable, "-c", code], check=True)
