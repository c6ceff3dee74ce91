"""Runs the steps of a course's workflow files here, as the services' runners would: one shell, one environment."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Tree = dict[str, Any]
CI = Path(__file__).resolve().parents[2] / "grader" / "authoring" / "ci"
GITHUB = {name: CI / "github" / f"{name}.yml" for name in ("pawgrade", "grade")}
GITLAB = CI / "gitlab" / "gitlab-ci.yml"

_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")


class _Loader(yaml.SafeLoader):
    """YAML 1.2 in this: `on` is a word, and no way to say True."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:bool"]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), list("tf"))


def load(path: Path) -> Tree:
    tree: Tree = yaml.load(path.read_text(), _Loader)  # noqa: S506 - a safe loader
    return tree


@dataclass
class Job:
    """A job that runs in a folder.

    Attributes:
        folder: the checkout.
        temporary: the runner's own folder.
        values: what expressions stand for, such as `secrets.PAWGRADE_SECRET`.
        environment: variables that win over the file's: where data and devices are here.
        log: what the steps have printed so far.
        actions: what the actions so far were given, their own names as `uses`.
    """

    folder: Path
    temporary: Path
    values: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    log: str = ""
    actions: list[Tree] = field(default_factory=list)

    @property
    def summary(self) -> Path:
        return self.temporary / "summary.md"

    def base(self) -> dict[str, str]:
        """Return the variables that every runner sets, and nothing of this process's own but the way to programs."""
        self.temporary.mkdir(parents=True, exist_ok=True)
        for name in ("summary.md", "output", "path", "home"):
            (self.temporary / name).mkdir(exist_ok=True) if name == "home" else (
                self.temporary / name
            ).touch()
        return {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]),
            "HOME": str(self.temporary / "home"),
            "LANG": "C.UTF-8",
            "CI": "true",
            "OMP_WAIT_POLICY": "PASSIVE",
        }

    def github(self, workflow: Tree, name: str) -> None:
        """Run the shell steps of a job, but for the installation; raises AssertionError when one fails.

        What would follow all the same (`if: !cancelled()`) is run or noted before that.
        """
        job = workflow["jobs"][name]
        given = {
            **self.base(),
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(self.folder),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_OUTPUT": str(self.temporary / "output"),
            "GITHUB_PATH": str(self.temporary / "path"),
            "RUNNER_TEMP": str(self.temporary),
        }
        self.values["github.workspace"] = str(self.folder)
        job_level = self._filled({**workflow.get("env", {}), **job.get("env", {})})
        self.values |= {f"env.{key}": value for key, value in {**job_level, **self.environment}.items()}
        broken: AssertionError | None = None
        skipped: set[str] = set()
        for step in job["steps"]:
            if broken is not None and not _follows(step.get("if", ""), skipped):
                skipped.add(step.get("id", ""))
                continue
            if "uses" in step:
                self.actions.append({"uses": step["uses"], **self._filled(step.get("with", {}))})
            elif step["name"] != "Install":
                variables = {**given, **job_level, **self._filled(step.get("env", {})), **self.environment}
                try:
                    self._run(step["name"], step["run"], variables)
                except AssertionError as exc:
                    broken = broken or exc
                    continue
                if "id" in step:
                    told = (
                        line.split("=", 1) for line in Path(given["GITHUB_OUTPUT"]).read_text().splitlines()
                    )
                    self.values |= {f"steps.{step['id']}.outputs.{key}": value for key, value in told}
        if broken is not None:
            raise broken

    def gitlab(self, pipeline: Tree, name: str) -> None:
        """Run the script of a job, but for the installation; raises AssertionError when it fails."""
        job = pipeline[name]
        lines = [*pipeline[job["extends"]]["before_script"], *job["script"]]
        script = "\n".join(line for line in lines if not re.search(r"-m venv|pip install", line))
        given = {**self.base(), "GITLAB_CI": "true", "CI_PROJECT_DIR": str(self.folder)}
        written = {**pipeline["variables"], **job.get("variables", {})}
        variables = {
            key: value.replace("$CI_PROJECT_DIR", str(self.folder)) for key, value in written.items()
        }
        self._run(name, script, {**given, **variables, **self.environment})

    def _filled(self, table: Mapping[str, Any]) -> dict[str, str]:
        return {
            key: _EXPRESSION.sub(lambda found: self.values[found[1]], str(value))
            for key, value in table.items()
        }

    def _run(self, name: str, script: str, variables: Mapping[str, str]) -> None:
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.folder,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        self.log += done.stdout + done.stderr
        assert done.returncode == 0, f"{name}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"


def _follows(condition: str, skipped: set[str]) -> bool:
    """Say whether a step is run although one before it has failed."""
    if "cancelled()" not in condition:
        return False
    known = re.fullmatch(r"\$\{\{ !cancelled\(\)(?: && steps\.(\w+)\.outcome != 'skipped')? \}\}", condition)
    assert known, f"what does {condition} say?"
    return known[1] not in skipped


def scripts(tree: Tree) -> list[str]:
    """Return all shell text of a workflow file."""
    if "jobs" in tree:
        return [step["run"] for job in tree["jobs"].values() for step in job["steps"] if "run" in step]
    jobs = [job for job in tree.values() if isinstance(job, dict)]
    return [line for job in jobs for key in ("before_script", "script") for line in job.get(key, [])]


def holds(condition: str, variables: Mapping[str, str]) -> bool:
    """Say whether the `if` of a GitLab rule holds."""

    def value(word: str) -> str:
        return repr(variables.get(word[1:], "")) if word.startswith("$") else word

    words = re.findall(r"\$\w+|\"[^\"]*\"|==|!=|&&|\|\||\S+", condition)
    spoken = {"&&": "and", "||": "or"}
    return bool(eval(" ".join(spoken.get(word, value(word)) for word in words), {}))  # noqa: S307 - our own file


def runs(pipeline: Tree, name: str, variables: Mapping[str, str]) -> bool:
    """Say whether GitLab puts a job (or with `workflow` any) into a pipeline with these variables."""
    for rule in pipeline[name]["rules"]:
        if "if" not in rule or holds(rule["if"], variables):
            return bool(rule.get("when", "on_success") != "never")
    return False
