"""Floods: whatever a notebook sends, the grading process stays small, says so once, and gets to its end.

Run as a script, it measures one flood at any size: `python tests/execution/test_engine_floods.py print 1000 pawgrade`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from grader.execution import engine
from grader.execution.kernels import SANDBOXED, Sandbox, lease
from grader.execution.messages import NOT_KEPT
from grader.limits import Limits
from grader.records import Limit

# Each flood is `n` units; the second number is what the tests use, enough to hurt who keeps it.
SEND = """\
import threading, time, zmq
k = get_ipython().kernel
def send(kind, content, **more):
    more.setdefault("parent", k.get_parent())
    k.session.send(k.iopub_socket, kind, content, **more)
"""
FLOODS: dict[str, tuple[str, int]] = {
    "print": ("line = 'x' * 1_000_000\nfor _ in range(n): print(line)", 200),
    "print_flush": ("for i in range(n): print(i, flush=True)", 8_000),
    "images": (
        "import os\nfrom IPython.display import Image, display\n"
        "picture = Image(b'\\x89PNG\\r\\n\\x1a\\n' + os.urandom(100_000), format='png')\n"
        "for _ in range(n): display(picture)",
        500,
    ),
    "messages": (SEND + "for i in range(n): send('stream', {'name': 'stdout', 'text': 'x'})", 15_000),
    "errors": (
        SEND + "for i in range(n): send('error', {'ename': 'E', 'evalue': 'x' * 9000, 'traceback': []})",
        10_000,
    ),
    "busy": (SEND + "for i in range(n): send('status', {'execution_state': 'busy'})", 15_000),
    "strangers": (
        SEND + "for i in range(n): send('stream', {'name': 'stdout', 'text': 'x'}, parent={})",
        15_000,
    ),
    "prompts": (SEND + "for i in range(n): send('execute_input', {'execution_count': 'x' * 50_000})", 3_000),
    "comms": (
        SEND + "for i in range(n): send('comm_open', {'comm_id': str(i), 'target_name': 'jupyter.widget',"
        " 'data': {'state': {'x': 'x' * 10_000}}})",
        10_000,
    ),
    "clears": (
        "from IPython.display import clear_output\nfor i in range(n): print(i); clear_output()",
        7_000,
    ),
    "updates": (
        "handles = [display('x', display_id='one') for _ in range(1000)]\n"
        "for i in range(n): handles[0].update('x' * 100_000)",
        1_000,
    ),
    "one_message": (SEND + "send('stream', {'name': 'stdout', 'text': 'x' * n})", 300_000_000),
    "many_parts": (
        SEND + "part = b'x' * 1_000_000\n"
        "send('display_data', {'data': {}, 'metadata': {}}, buffers=[part] * n)",
        1_000,
    ),
    "tiny_parts": (SEND + "send('display_data', {'data': {}, 'metadata': {}}, buffers=[b''] * n)", 1_000_000),
    "no_delimiter": (SEND + "for _ in range(n): k.iopub_socket.send_multipart([b'x' * 100_000] * 10)", 300),
    "deep": (
        SEND + "deep = lambda levels: b'{\"data\":{\"application/json\":' + b'[' * levels + b']' * levels"
        " + b'},\"metadata\":{}}'\n"
        "for i in range(n): send('display_data', deep(300)); send('display_data', deep(100_000))",
        300,
    ),
    "replies": (
        SEND + "for i in range(n): k.session.send(k.shell_stream if False else k.shell_stream.socket,"
        " 'execute_reply', {'status': 'ok', 'x': 'x' * 10_000}, parent=k.get_parent(),"
        " ident=k._parent_ident['shell'])",
        10_000,
    ),
    "sockets": (
        "import os, socket, threading\n"
        "def fill(channel):\n"
        "    channel.setblocking(True)\n"
        "    for _ in range(n): channel.sendall(b'\\x01\\x04zzzz' * 100_000)\n"
        "found = []\n"
        "for name in os.listdir('/proc/self/fd'):\n"
        "    try:\n"
        "        channel = socket.socket(fileno=os.dup(int(name)))\n"
        "        channel.getpeername()\n"
        "        found.append(threading.Thread(target=fill, args=(channel,), daemon=True))\n"
        "    except OSError: pass\n"
        "for one in found: one.start()\n"
        "for one in found: one.join(2)",
        30,
    ),
}


def measure(name: str, n: int, kernel: str = "python3", **limits: float) -> dict[str, Any]:
    """Run one flood in this process; return what it cost beside a quiet notebook, and what became of it."""

    def quietly(code: str) -> engine.Execution:
        cells = [new_code_cell("seed = 0", metadata={"tags": ["parameters"]}), new_code_cell(code)]
        cells.append(new_code_cell("print('after')"))
        spec = {"name": kernel, "display_name": "Python", "language": "python"}
        allowed = Limits.model_validate({"wall_s": 400, "cell_s": 300, **limits})
        sandbox = Sandbox(allowed) if kernel == SANDBOXED else None
        with tempfile.TemporaryDirectory() as folder:
            home = {"HOME": folder, "IPYTHONDIR": folder, "TMPDIR": folder}
            with lease(kernel, cwd=Path(folder), environment=home, sandbox=sandbox) as held:
                notebook = new_notebook(cells=cells, metadata={"kernelspec": spec})
                return engine.run(notebook, engine.Run(held, allowed, ask), {})

    asked: list[float] = []

    def ask(client: engine.GradingClient) -> None:
        begin = time.monotonic()
        client.request("x = 1", 30)
        asked.append(time.monotonic() - begin)

    quietly("print('quiet')")
    Path("/proc/self/clear_refs").write_text("5")  # forget the highest memory so far
    idle_mb, cpu_s, begin = memory_mb("VmRSS"), time.process_time(), time.monotonic()
    execution = quietly(f"n = {n}\n{FLOODS[name][0]}")
    notebook = execution.notebook
    text = ["".join(one.get("text", "") for one in cell.outputs) for cell in notebook.cells]
    return {
        "flood": name,
        "n": n,
        "growth_mb": round(memory_mb("VmHWM") - idle_mb),
        "idle_mb": round(idle_mb),
        "cpu_s": round(time.process_time() - cpu_s, 1),
        "wall_s": round(time.monotonic() - begin, 1),
        "hits": {str(limit): index for limit, index in execution.hits.items()},
        "notices": sum(one.count("[cut:") for one in text),
        "notebook_kb": len(nbformat.writes(notebook)) // 1024,
        "dead": execution.dead,
        "failed": [f"{one.number} {one.error}: {one.message}"[:80] for one in execution.failed],
        "after": text[-1],
        "asked_s": round(asked[-1], 2),
    }


def memory_mb(field: str) -> float:
    """Return a line of this process's status, in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


def flooded(name: str) -> dict[str, Any]:
    command = [sys.executable, __file__, name]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


CUT = set(FLOODS) - {"busy", "strangers", "prompts", "comms", "no_delimiter", "replies", "sockets"}


@pytest.mark.slow
@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_leaves_the_grader_small_and_the_run_comes_to_its_end(name: str) -> None:
    found = flooded(name)

    assert found["growth_mb"] < 100
    assert found["notebook_kb"] < 700
    assert found["notices"] == (name in CUT)
    assert ("output" in found["hits"]) == (name in CUT)
    assert found["hits"].get("output", 1) == 1  # the cell that did it
    assert found["dead"] == (name == "sockets")  # whose kernel cannot speak any more


def run(folder: Path, *sources: str, **limits: float) -> engine.Execution:
    first = new_code_cell("seed = 0", metadata={"tags": ["parameters"]})
    spec = {"name": "python3", "display_name": "Python", "language": "python"}
    cells = [first, *(new_code_cell(source) for source in sources)]
    home = {"HOME": str(folder), "IPYTHONDIR": str(folder), "TMPDIR": str(folder)}
    with lease("python3", cwd=folder, environment=home) as held:
        given = engine.Run(held, Limits.model_validate({"wall_s": 60, "cell_s": 30, **limits}))
        return engine.run(new_notebook(cells=cells, metadata={"kernelspec": spec}), given, {})


def outputs(execution: engine.Execution, number: int) -> list[Any]:
    """Return the outputs of the code cell of that number, parameters not counted."""
    nbformat.validate(execution.notebook)
    shown: list[Any] = execution.notebook.cells[number].outputs
    return shown


def test_two_thousand_quick_displays_are_all_kept(tmp_path: Path) -> None:
    execution = run(tmp_path, "for i in range(2000): display(i)", "print('after')")

    assert [one.data["text/plain"] for one in outputs(execution, 1)] == [str(i) for i in range(2000)]
    assert outputs(execution, 2)[0].text == "after\n"
    assert execution.hits == {}


def test_what_came_before_the_cut_is_kept_and_the_notice_stands_behind_it(tmp_path: Path) -> None:
    execution = run(tmp_path, "for i in range(100): print('x' * 999, flush=True)", output_kb=64)

    *kept, notice = (one.text for one in outputs(execution, 1))
    assert len("".join(kept)) == 1000 * round(len("".join(kept)) / 1000) > 50_000
    assert notice == "\n[cut: the notebook printed and displayed more than 64 KB]\n"


def test_a_cell_stops_being_cut_only_for_its_error(tmp_path: Path) -> None:
    execution = run(tmp_path, "print('x' * 70_000)", "print('silent')\n1 / 0", output_kb=64)

    assert [one.output_type for one in outputs(execution, 2)] == ["error"]
    assert [(one.number, one.error) for one in execution.failed] == [(3, "ZeroDivisionError")]


HOSTILE = {
    "a prompt number of text": "send('execute_input', {'execution_count': 'x' * 1000})",
    "a prompt number in a stream": "send('stream', {'name': 'stdout', 'text': 'x', 'execution_count': [1]})",
    "half a character": 'send(\'stream\', b\'{"name": "stdout", "text": "\\\\ud800"}\')',
    "no number": 'send(\'display_data\', b\'{"data": {"application/json": NaN}, "metadata": {}}\')',
    "a page of numbers": "send('display_data', {'data': {'text/html': [1, 2]}, 'metadata': {}})",
    "an unknown stream of unknown kind": "send('nonsense', {'text': 'x'})",
    "a display id of a list": "send('display_data', {'data': {}, 'metadata': {}, 'transient': {'display_id': []}})",
    "not JSON": "send('display_data', b'{')",
    "an error of errors": "send('error', {'ename': 1, 'evalue': {}, 'traceback': [2]})",
    "no list of anything": "k.iopub_socket.send_multipart([b''])",
    "a signature of another": "k.iopub_socket.send_multipart([b'<IDS|MSG>', b'0' * 64, b'{}', b'{}', b'{}', b'{}'])",
}


def test_no_message_makes_the_notebook_invalid_or_unreadable(tmp_path: Path) -> None:
    execution = run(tmp_path, *(SEND + code + "\nprint('on')" for code in HOSTILE.values()))

    for number in range(1, len(HOSTILE) + 1):
        assert outputs(execution, number)[-1].text == "on\n", list(HOSTILE)[number - 1]
    assert execution.failed == ()
    assert nbformat.writes(execution.notebook).encode()
    assert outputs(execution, list(HOSTILE).index("no number") + 1)[0].data == {"application/json": NOT_KEPT}


def test_a_display_in_many_places_is_charged_for_each(tmp_path: Path) -> None:
    code = "for _ in range(500): display('x', display_id='one')\n"
    code += "for _ in range(3): display('y' * 10_000, display_id='one', update=True)"

    execution = run(tmp_path, code)

    assert execution.limit is Limit.OUTPUT
    assert len(nbformat.writes(execution.notebook)) < 1_000_000


if __name__ == "__main__":
    flood, size, kernel_name = (*sys.argv[1:], "", "")[:3]
    units = int(size) if size else FLOODS[flood][1]
    cell_s = 5 if flood == "sockets" else 300
    sys.stdout.write(json.dumps(measure(flood, units, kernel_name or "python3", cell_s=cell_s)) + "\n")
