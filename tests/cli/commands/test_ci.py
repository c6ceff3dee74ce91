"""`pawgrade ci`: the files are written, and the key is checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from grader.authoring import workflows
from grader.cli.app import app
from grader.errors import SpecError
from tests.support.workflow_runner import GITLAB


def test_the_command_writes_the_files_and_the_key_that_it_checks(tmp_path: Path) -> None:
    def run(*arguments: str) -> Any:
        return CliRunner().invoke(app, ["ci", *arguments])

    done = run("gitlab", "--folder", str(tmp_path))
    assert done.exit_code == 0
    for word in ("wrote", "PAWGRADE_GPU_RUNNER", "PAWGRADE_SECRET", "environment", "private", "docs/ci.md"):
        assert word.casefold() in done.output.casefold()
    key = tmp_path / workflows.KEY_FILE
    asked = ("cache-key", "--data", "toy_pets", "--data", "toy_pets", "--check", str(key))

    written = (tmp_path / ".gitlab-ci.yml").read_text()
    assert written == workflows.filled_in(GITLAB.read_text(), "toy_pets", "toy_pets")
    requirements = (tmp_path / "requirements-ci.txt").read_text().splitlines()
    assert requirements[1:-2] == list(workflows.origin().lines)
    assert run(*asked).exit_code == 0
    key.write_text("pawgrade-of-last-year\n")
    assert isinstance(run(*asked).exception, SpecError)
