"""What makes kernels repeatable is asked of torch, where there is one."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOADED = "import sys; print(sys.modules.get('rfc3987_syntax'))"
VALID = "nbformat.validate(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell('1')]))"


def test_nothing_is_switched_where_torch_is_not_loaded() -> None:
    code = "import sys\nfrom grader import kernel_env as determinism\ndeterminism.apply()\nassert 'torch' not in sys.modules"

    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_process_of_ours_builds_no_grammar_of_web_addresses_and_validates_notebooks() -> None:
    pytest.importorskip("rfc3987_syntax", reason="jsonschema has no such grammar in this environment")

    ours = run(
        f"from grader.kernel_env import leave_out_iri_grammar; leave_out_iri_grammar(); import nbformat; {VALID}; {LOADED}"
    )
    others = run(f"import nbformat; {VALID}; {LOADED}")

    assert ours == "None"
    assert "module 'rfc3987_syntax'" in others  # or there is nothing to leave out any more


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()
