"""What programs that run notebooks ask of a kernel beside cells: its past, its options, a new start, a fork of theirs."""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contracts import kernel as kernels
from tests.contracts.kernel import Kernel

FORK_S = 60
STOPPING = "breakpoint()\nprint('went on')"
OPTIONS = (
    "--HistoryManager.hist_file=past.sqlite",
    "--InteractiveShell.ast_node_interactivity=all",
    "--IPKernelApp.exec_lines=planted = 6 * 7",
)


@pytest.fixture(scope="module")
def with_options(provider: str, place: Path, nothing_left: None) -> Iterator[Kernel]:
    """A kernel with options of ipykernel's command line, as nbclient passes them."""
    folder = Path(tempfile.mkdtemp(prefix=f"{provider}-", dir=place))
    with kernels.running(provider, folder, arguments=OPTIONS) as kernel:
        yield kernel


def history(kernel: Kernel, **request: Any) -> list[str]:
    """Ask for cells that ran, as JupyterLab's consoles do."""
    sent = kernel.client.history(raw=True, output=False, **request)
    while True:
        reply = kernel.client.get_shell_msg(timeout=30)
        if reply["parent_header"]["msg_id"] == sent:
            return [str(source) for _, _, source in reply["content"]["history"]]


def test_what_ran_is_told_when_its_end_a_range_or_a_word_of_it_is_asked_for(kernel: Kernel) -> None:
    kernel.run("tomcat = 'Garfield'")
    kernel.run("tomcat.upper()")

    assert history(kernel, hist_access_type="tail", n=2)[0] == "tomcat = 'Garfield'"
    assert history(kernel, hist_access_type="search", pattern="*Garf*", n=5) == ["tomcat = 'Garfield'"]
    assert history(kernel, hist_access_type="range", session=0, start=1, stop=2) != []


def test_no_file_of_the_history_is_left_in_a_sandboxed_kernels_home(kernel: Kernel, provider: str) -> None:
    written = kernel.literal("sorted(map(str, __import__('pathlib').Path.home().rglob('history.sqlite*')))")

    assert provider == "stock" or written == []


def test_a_forgotten_breakpoint_is_passed_and_named_where_nobody_can_answer(
    kernel: Kernel, provider: str
) -> None:
    outcome = kernel.run(STOPPING)

    assert (outcome.error, outcome.text) == ("", "went on\n")
    # A stock kernel passes it, too, by debugpy's hook, and says nothing.
    assert provider == "stock" or "line 1, was passed: nobody can answer" in outcome.stderr


def test_pdbs_own_name_for_a_breakpoint_is_passed_too(kernel: Kernel, provider: str) -> None:
    outcome = kernel.run("import pdb\nfor turn in range(3):\n    pdb.set_trace()\nprint('went on')")

    if provider == "stock":  # what it is without us: the cell fails
        assert outcome.error == "StdinNotImplementedError"
    else:
        assert (outcome.text, outcome.stderr.count("was passed")) == ("went on\n", 1), outcome


def test_a_breakpoint_stops_where_somebody_answers(kernel: Kernel, provider: str) -> None:
    stock = "__import__('pdb').set_trace()"  # there debugpy has taken `breakpoint` for itself
    stopping = STOPPING.replace("breakpoint()", stock) if provider == "stock" else STOPPING
    printed: list[str] = []
    asked: list[str] = []

    def answer(message: Any) -> None:
        asked.append(message["content"]["prompt"])
        kernel.client.input("p 6 * 7" if len(asked) == 1 else "c")

    reply = kernel.client.execute_interactive(
        "cats = 3\n" + stopping,
        allow_stdin=True,
        stdin_hook=answer,
        output_hook=lambda message: printed.append(message["content"].get("text", "")),
        timeout=30,
    )

    assert reply["content"]["status"] == "ok", printed
    assert len(asked) == 2
    assert "42" in "".join(printed)
    assert "went on" in "".join(printed)


def test_options_that_a_program_passes_to_ipykernel_hold(with_options: Kernel) -> None:
    outcome = with_options.run("1\nplanted")

    assert [bundle["text/plain"] for bundle in outcome.displays] == ["1", "42"], outcome
    assert with_options.value("get_ipython().history_manager.hist_file") == "past.sqlite"


def test_a_second_start_of_one_manager_gives_a_new_kernel_to_the_same_client(
    with_options: Kernel, provider: str
) -> None:
    if provider == "stock":
        pytest.skip("the second one finds its ports taken, and the first one goes on unseen")
    with_options.run("left_behind = 1")
    first = with_options.manager.provisioner.pid

    with_options.manager.start_kernel(**with_options.start)
    with_options.client.wait_for_ready(timeout=kernels.START_S)

    assert with_options.manager.provisioner.pid != first
    assert not Path("/proc", str(first)).exists()
    assert with_options.run("left_behind").error == "NameError"
    assert with_options.run("1\nplanted").displays[-1]["text/plain"] == "42"


def test_programs_are_found_where_the_kernels_own_python_is(kernel: Kernel, provider: str) -> None:
    found = kernel.literal("__import__('os').environ['PATH'].split(':')")

    if provider != "stock":
        assert found == [str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]


def test_a_worker_that_was_forked_after_a_run_runs_notebooks(
    kernel: Kernel, provider: str, place: Path
) -> None:
    assert kernel.value("6 * 7") == "42"
    folder = Path(tempfile.mkdtemp(prefix=f"{provider}-", dir=place))
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()

    def run() -> None:
        with kernels.running(provider, folder) as forked:
            answers.put(forked.value("6 * 9"))

    worker = context.Process(target=run)
    worker.start()
    worker.join(FORK_S)
    hung = worker.is_alive()
    worker.kill()
    worker.join()

    assert not hung
    assert worker.exitcode == 0
    assert answers.get() == "54"
    assert kernel.value("6 * 7") == "42"  # and the parent keeps its own
