"""Real kernels: a notebook goes on after its failures, ends at its limits, and leaves nothing behind."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from grader.errors import KernelDied
from grader.execution import engine
from grader.execution.engine import Execution, GradingClient
from grader.execution.kernels import KEPT_PREFIXES, KEPT_VARIABLES, Lease, Usage, lease
from grader.kernel_env import LEASE_VARIABLE
from grader.limits import Limits
from grader.records import Limit
from tests.support.notebooks import nbgrader_metadata

ASKED = "open('asked', 'a').write('asked ')"


@dataclass
class Ran:
    """What became of a notebook."""

    execution: Execution
    notebook: NotebookNode
    folder: Path
    wall_s: float

    def failures(self) -> list[tuple[int, str]]:
        return [(cell.number, cell.error) for cell in self.execution.failed]

    def text(self, number: int) -> str:
        """Return what the code cell of that number printed, parameters not counted."""
        return "".join(output.get("text", "") for output in self.notebook.cells[number + 1].outputs)

    def asked(self) -> bool:
        return (self.folder / "asked").exists()

    def pids(self) -> list[int]:
        return [int(pid) for pid in (self.folder / "pids").read_text().split()]


def notebook_of(*sources: str, kernel: str = "python3") -> NotebookNode:
    first = new_code_cell("seed = 0", metadata={"tags": ["parameters"], **nbgrader_metadata("parameters")})
    spec = {"name": kernel, "display_name": "Python", "language": "python"}
    cells = [first, *(new_code_cell(source) for source in sources)]
    return new_notebook(cells=cells, metadata={"kernelspec": spec})


def ask_nicely(client: GradingClient) -> None:
    client.request(ASKED, 5)


def run(
    folder: Path,
    *sources: str,
    ask: Callable[[GradingClient], object] = ask_nicely,
    kernel: str = "python3",
    **limits: float,
) -> Ran:
    begin = time.monotonic()
    place = folder / "work"
    place.mkdir()
    environment = {"HOME": str(folder), "IPYTHONDIR": str(folder / "ipython"), "TMPDIR": str(folder)}
    notebook = notebook_of(*sources, kernel=kernel)
    with lease(kernel, cwd=place, environment=environment) as held:
        given = engine.Run(held, Limits.model_validate({"wall_s": 60, "cell_s": 30, **limits}), ask)
        execution = engine.run(notebook, given, {"seed": 7})
    return Ran(execution, execution.notebook, place, time.monotonic() - begin)


def alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


# One notebook with every harmless misfortune, run once: papermill puts the injected parameters behind `seed = 0`,
# so that source n is cell n + 2 and code cell n + 3.
SOURCES = {
    "raise": "raise KeyError('no such breed')",
    "after": "print('after', seed)",
    "noise": "import sys, warnings; warnings.warn('mind'); print('oops', file=sys.stderr); 1 + 1",
    "input": "input('your name? ')",
    "environment": "import json; json.dump(open('/proc/self/environ').read().split('\\0'), open('env', 'w'))",
    "syntax": "def broken(:",
    "exit": "raise SystemExit(0)",
    "long": "raise ValueError('x' * 5000)",
    "last": "print('still here')",
}


@pytest.fixture(scope="module")
def misfortunes(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("API_TOKEN", "PAWGRADE_SECRET", "AWS_SECRET_ACCESS_KEY", "PYTHONPATH_SECRET"):
            patch.setenv(name, "very-secret-value")
        return run(tmp_path_factory.mktemp("misfortunes"), *SOURCES.values())


def cell(misfortunes: Ran, name: str) -> NotebookNode:
    return misfortunes.notebook.cells[list(SOURCES).index(name) + 2]


def number(name: str) -> int:
    """Return what Jupyter shows beside a cell: the injected parameters have no number."""
    return list(SOURCES).index(name) + 2


def test_a_notebook_goes_on_after_every_failing_cell(misfortunes: Ran) -> None:
    assert cell(misfortunes, "last").outputs[0].text == "still here\n"
    assert [n for n, _ in misfortunes.failures()] == [
        number(name) for name in ("raise", "input", "syntax", "exit", "long")
    ]
    assert misfortunes.execution.limit is None
    assert not misfortunes.execution.dead


def test_parameters_are_injected(misfortunes: Ran) -> None:
    assert cell(misfortunes, "after").outputs[0].text == "after 7\n"


def test_a_failure_has_its_name_its_text_and_its_place(misfortunes: Ran) -> None:
    first, *_, last = misfortunes.execution.failed

    assert (first.index, first.number, first.error, str(first.message)) == (
        2,
        2,
        "KeyError",
        "'no such breed'",
    )
    assert last.error == "ValueError"
    assert str(last.message) == "x" * 500


def test_warnings_and_standard_error_are_no_failure(misfortunes: Ran) -> None:
    assert number("noise") not in [n for n, _ in misfortunes.failures()]
    assert cell(misfortunes, "noise").outputs[-1].data["text/plain"] == "2"


def test_asking_for_input_is_refused_and_does_not_wait(misfortunes: Ran) -> None:
    assert (number("input"), "StdinNotImplementedError") in misfortunes.failures()


def test_a_kernel_is_given_the_allowed_variables_and_no_others(misfortunes: Ran) -> None:
    entries: list[str] = json.loads((misfortunes.folder / "env").read_text())
    names = {entry.partition("=")[0] for entry in entries if entry}
    given = {"HOME", "IPYTHONDIR", "TMPDIR", LEASE_VARIABLE, "JPY_PARENT_PID"}

    assert not any("very-secret-value" in entry for entry in entries)
    assert {
        name for name in names - given - set(KEPT_VARIABLES) if not name.startswith(KEPT_PREFIXES)
    } == set()


def test_the_last_question_is_asked_in_the_same_kernel(misfortunes: Ran) -> None:
    assert misfortunes.asked()


def test_the_executed_notebook_is_one(misfortunes: Ran) -> None:
    nbformat.validate(misfortunes.notebook)


def test_the_time_is_accounted_for(misfortunes: Ran) -> None:
    execution = misfortunes.execution

    assert min(execution.kernel_s, execution.execute_s, execution.probe_s) > 0
    assert execution.kernel_s + execution.execute_s + execution.probe_s <= misfortunes.wall_s


def test_the_notebook_that_was_given_is_not_changed(tmp_path: Path) -> None:
    notebook = notebook_of("x = 1")
    before = nbformat.writes(notebook)
    with lease("python3", cwd=tmp_path, environment={"HOME": str(tmp_path)}) as held:
        engine.run(notebook, engine.Run(held, Limits()), {})

    assert nbformat.writes(notebook) == before


# Limits


@pytest.mark.slow
def test_an_endless_loop_is_interrupted_and_the_notebook_goes_on(tmp_path: Path) -> None:
    found = run(tmp_path, "while True: pass", "print('on')", cell_s=2)

    assert found.failures() == [(2, "limit: cell")]
    assert str(found.execution.failed[0].message) == "stopped after 2 s in cell 2"
    assert found.notebook.cells[2].outputs[0].ename == "KeyboardInterrupt"
    assert found.text(2) == "on\n"
    assert found.execution.limit is Limit.CELL
    assert found.asked()


STUBBORN = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"


@pytest.mark.slow
def test_a_loop_that_swallows_the_interrupt_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "GRACE_S", 1.0)

    found = run(tmp_path, "x = 1", STUBBORN, "print('never')", cell_s=2)

    assert found.failures() == [(3, "limit: cell")]
    assert found.execution.dead
    assert not found.asked()
    assert found.notebook.cells[4].outputs == []


@pytest.mark.slow
def test_the_wall_limit_ends_the_notebook_in_the_middle(tmp_path: Path) -> None:
    found = run(tmp_path, "import time\nfor _ in range(100): time.sleep(0.5)", "print('never')", wall_s=3)

    assert found.failures() == [(2, "limit: wall")]
    assert str(found.execution.failed[0].message) == "stopped after 3 s in cell 2"
    assert found.execution.limit is Limit.WALL
    assert not found.asked()


def test_a_question_has_a_budget_of_its_own_and_the_next_is_asked(tmp_path: Path) -> None:
    def ask(client: GradingClient) -> None:
        client.request("while True: pass", 1)
        client.request(ASKED, 5)

    found = run(tmp_path, "x = 1", ask=ask)

    assert found.asked()
    assert found.failures() == []


def test_a_flood_of_output_is_cut_and_noted_and_the_notebook_goes_on(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        "print('first')",
        "for _ in range(3000): print('x' * 1000)",
        "print('after')",
        "1 / 0",
        output_kb=64,
    )

    assert found.execution.limit is Limit.OUTPUT
    assert found.text(1) == "first\n"
    assert "printed and displayed more than 64 KB" in found.text(2)
    assert found.text(3) == ""
    assert found.failures() == [(5, "ZeroDivisionError")]
    assert len(nbformat.writes(found.notebook)) < 120 * 1024
    assert found.asked()


DISPLAYS = {
    "html": "from IPython.display import HTML; HTML('x' * 3_000_000)",
    "many": "from IPython.display import display\nfor n in range(400): display('x' * 1000)",
    "traceback": "raise ValueError('x' * 3_000_000)",
    "updates": "handle = display('x', display_id=True)\nfor n in range(300): handle.update('x' * 10_000)",
}


@pytest.mark.parametrize("name", DISPLAYS)
def test_every_way_to_show_much_is_cut(tmp_path: Path, name: str) -> None:
    found = run(tmp_path, DISPLAYS[name], "print('after')", output_kb=64)

    assert found.execution.limit is Limit.OUTPUT
    assert len(nbformat.writes(found.notebook)) < 200 * 1024
    assert found.asked()


# Ends


@pytest.mark.parametrize(
    "end",
    ["import os; os._exit(3)", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"],
    ids=["exit", "kill"],
)
def test_a_kernel_that_ends_itself_is_recorded_and_nothing_hangs(tmp_path: Path, end: str) -> None:
    found = run(tmp_path, "print('before')", end, "print('never')")

    assert found.failures() == [(3, "KernelDied")]
    assert found.text(1) == "before\n"
    assert found.execution.dead
    assert not found.asked()


DAEMONS = """\
import os, subprocess, sys, time
sleep = [sys.executable, "-c", "import time; time.sleep(300)"]
pids = [os.getpid(), subprocess.Popen(sleep).pid]
pids.append(subprocess.Popen(sleep, start_new_session=True).pid)
pids.append(subprocess.Popen(["env", "-i", *sleep], start_new_session=True).pid)
reading, writing = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.write(writing, str(os.getpid()).encode())
        os.execve(sys.executable, sleep, {})
    os._exit(0)
pids.append(int(os.read(reading, 20)))
open("pids", "w").write(" ".join(map(str, pids)))
"""


@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded")
@pytest.mark.parametrize("end", ["", "os._exit(0)"], ids=["stays", "dies"])
def test_daemons_are_gone_with_their_kernel(tmp_path: Path, end: str) -> None:
    found = run(tmp_path, DAEMONS + end)

    assert len(found.pids()) == 5
    assert [pid for pid in found.pids() if alive(pid)] == []


def test_a_kernel_that_cannot_start_is_ours_to_mend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = tmp_path / "jupyter" / "kernels" / "broken"
    spec.mkdir(parents=True)
    argv = [sys.executable, "-c", "raise SystemExit(1)", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "b", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))

    with pytest.raises(KernelDied, match="'broken' did not start"):
        run(tmp_path, "x = 1", kernel="broken")


def test_a_question_to_a_dead_kernel_is_not_asked(tmp_path: Path) -> None:
    found = run(tmp_path, "import os; os._exit(0)", ask=lambda client: client.request(ASKED, 60))

    assert found.wall_s < 50
    assert not found.asked()


def test_markdown_is_not_counted_as_code(tmp_path: Path) -> None:
    notebook = notebook_of("1 / 0")
    notebook.cells.insert(0, new_markdown_cell("# Title"))
    with lease("python3", cwd=tmp_path, environment={"HOME": str(tmp_path)}) as held:
        execution = engine.run(notebook, engine.Run(held, Limits()), {})

    assert [(one.index, one.number) for one in execution.failed] == [(2, 2)]


# Kernel messages are the student's word

SEND = "k = get_ipython().kernel\ndef send(kind, content): k.session.send(k.iopub_socket, kind, content, parent=k.get_parent())\n"
MALFORMED = {
    "a stream without a name": "send('stream', {})",
    "a stream of numbers": "send('stream', {'name': 'stdout', 'text': 5})",
    "a display of a number": "send('display_data', {'data': 5, 'metadata': None})",
    "a status of nothing": "send('status', {})",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_messages_stop_nothing(tmp_path: Path, name: str) -> None:
    found = run(tmp_path, SEND + MALFORMED[name], "print('after')")

    assert found.asked()


SMUGGLED = {
    "metadata": "send('display_data', {'data': {'text/plain': 'x'}, 'metadata': {'f': 'x' * 3_000_000}})",
    "an error's name": "send('error', {'ename': 'x' * 3_000_000, 'evalue': '', 'traceback': []})",
}


@pytest.mark.parametrize("name", SMUGGLED)
def test_output_cannot_be_smuggled_past_the_cut(tmp_path: Path, name: str) -> None:
    found = run(tmp_path, SEND + SMUGGLED[name], output_kb=64)

    assert len(nbformat.writes(found.notebook)) < 200 * 1024


def test_a_forged_idle_earns_nothing_but_an_early_end_of_waiting(tmp_path: Path) -> None:
    forged = "send('status', {'execution_state': 'idle'}); import time; time.sleep(1); open('late', 'w')"

    found = run(tmp_path, SEND + forged, "print('after')")

    assert (found.folder / "late").exists()
    assert found.asked()


def test_a_connection_that_the_kernel_closes_is_its_end(tmp_path: Path) -> None:
    found = run(tmp_path, "print('last words')", "import os; os.closerange(3, 200)", "print('never')")

    assert found.failures()[0] == (3, "KernelDied")
    assert found.wall_s < 25
    assert not found.asked()


# What a sandbox says


@dataclass(frozen=True)
class Limited(Lease):
    """A lease that says what a sandbox would; a file beside the notebook names what has been hit."""

    reason: str = ""

    def usage(self) -> Usage:
        return Usage(
            **{path.name: True for path in self.cwd.glob("*_*") if path.name in Usage.__annotations__}
        )

    def lost(self) -> str:
        return self.reason


def run_limited(folder: Path, *sources: str, reason: str = "", ask: str = "x = 1") -> Execution:
    with lease("python3", cwd=folder, environment={"HOME": str(folder)}) as held:
        limited = Limited(**{**held.__dict__, "sandbox": "namespaces", "reason": reason})
        limits = Limits(wall_s=60, cell_s=30)
        given = engine.Run(limited, limits, lambda client: client.request(ask, 5))
        return engine.run(notebook_of(*sources), given, {"seed": 7})


def touch(name: str) -> str:
    return f"open({name!r}, 'w').close()\n"


def told(execution: Execution) -> list[tuple[int, str, str]]:
    return [(one.number, one.error, str(one.message)) for one in execution.failed]


DEATH = "import os; os._exit(9)"
HITS = {
    "a kernel killed for its memory": (touch("memory_hit") + DEATH, Limit.MEMORY, "used more than 6144 MB"),
    "a worker killed for its memory": (
        touch("memory_hit") + "raise RuntimeError('worker is gone')",
        Limit.MEMORY,
        "used more than 6144 MB (RuntimeError: worker is gone)",
    ),
    "numpy": ("raise MemoryError('no')", Limit.MEMORY, "used more than 6144 MB (MemoryError: no)"),
    "torch": (
        'raise RuntimeError("can\'t allocate memory: you tried to allocate 1 byte")',
        Limit.MEMORY,
        "used more than 6144 MB (RuntimeError: can't allocate memory: you tried to allocate 1 byte)",
    ),
    "a full disk": (
        touch("disk_full") + "import errno, os; raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))",
        Limit.DISK,
        "wrote more than 512 MB (OSError: [Errno 28] No space left on device)",
    ),
    "too many processes": (
        touch("processes_hit") + "raise BlockingIOError('not now')",
        Limit.PROCESSES,
        "started more than 128 processes (BlockingIOError: not now)",
    ),
    "too many threads": (
        'raise RuntimeError("can\'t start new thread")',
        Limit.PROCESSES,
        "started more than 128 processes (RuntimeError: can't start new thread)",
    ),
}


@pytest.mark.parametrize("name", HITS)
def test_a_limit_of_the_sandbox_is_told_with_its_cell(tmp_path: Path, name: str) -> None:
    code, limit, message = HITS[name]

    execution = run_limited(tmp_path, "x = 1", code, "1 / 0")

    assert told(execution)[0] == (3, f"limit: {limit}", message)
    assert (execution.limit, execution.hits) == (limit, {limit: 3})
    assert [one[1] for one in told(execution)[1:]] == ([] if execution.dead else ["ZeroDivisionError"])


def test_a_limit_that_no_cell_failed_of_is_noted_once_where_it_was_hit(tmp_path: Path) -> None:
    execution = run_limited(tmp_path, touch("disk_full"), "raise ValueError('mine')")

    assert execution.hits == {Limit.DISK: 2}
    assert told(execution) == [(3, "ValueError", "mine")]


def test_a_limit_that_is_hit_while_asked_belongs_to_no_cell(tmp_path: Path) -> None:
    execution = run_limited(tmp_path, "x = 1", ask=touch("memory_hit") + DEATH)

    assert execution.hits == {Limit.MEMORY: None}
    assert execution.dead


def test_a_full_disk_without_a_sandbox_is_an_error_like_any_other(tmp_path: Path) -> None:
    found = run(tmp_path, "raise OSError(28, 'No space left on device')", "raise BlockingIOError()")

    assert [error for _, error in found.failures()] == ["OSError", "BlockingIOError"]


@pytest.mark.parametrize("source", [DEATH, "x = 1"], ids=["in a cell", "while asked"])
def test_a_kernel_that_was_lost_through_no_fault_of_the_notebook_is_ours_to_mend(
    tmp_path: Path, source: str
) -> None:
    with pytest.raises(KernelDied, match="the zygote was ended"):
        run_limited(tmp_path, source, reason="the zygote was ended.", ask=DEATH)
