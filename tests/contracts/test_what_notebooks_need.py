"""What a kernel must do for the notebooks of a course, however it was got."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from tests.contracts.conftest import Fresh
from tests.contracts.kernel import Kernel

THREADS = """
import torch
def gradient(threads):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    layer = torch.nn.Conv2d(3, 16, 5)
    layer(torch.rand(8, 3, 64, 64)).square().sum().backward()
    return layer.weight.grad
one, two = gradient(1), gradient(2)
print(torch.get_num_threads(), torch.allclose(one, two, rtol=1e-3))
torch.set_num_threads(1)
"""
LOADER = """
import torch
numbers = torch.utils.data.TensorDataset(torch.arange(64))
loader = torch.utils.data.DataLoader(numbers, batch_size=8, num_workers=2)
print(sum(int(batch.sum()) for batch, in loader))
"""
POOL = """
import multiprocessing
from beside import squared
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(pool.map(squared, range(5)))
"""
SPAWN = """
import multiprocessing
from beside import put_squared
context = multiprocessing.get_context("spawn")
answers = context.Queue()
child = context.Process(target=put_squared, args=(7, answers))
child.start()
print(answers.get(timeout=20))
child.join(); answers.close(); answers.join_thread()
"""
SHARED_MEMORY = """
import multiprocessing
from multiprocessing import shared_memory
import numpy
block = shared_memory.SharedMemory(create=True, size=80)
def fill(name):
    seen = shared_memory.SharedMemory(name=name)
    numpy.ndarray(10, dtype="int64", buffer=seen.buf)[:] = 4
    seen.close()
child = multiprocessing.get_context("fork").Process(target=fill, args=(block.name,))
child.start(); child.join()
print(numpy.ndarray(10, dtype="int64", buffer=block.buf).sum())
block.close(); block.unlink()
"""
EXECUTORS = """
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from beside import squared
with ThreadPoolExecutor(4) as threads, ProcessPoolExecutor(2) as processes:
    print(sum(threads.map(squared, range(9))), sum(processes.map(squared, range(9))))
"""
PICTURE = """
%matplotlib inline
import matplotlib.pyplot as plt
plt.figure(figsize=(1, 1)); plt.plot([1, 2, 3]); plt.title("ß猫"); plt.show()
"""
SAVED = """
import io, pickle
import numpy, torch
from PIL import Image
Image.fromarray(numpy.arange(48, dtype="uint8").reshape(4, 4, 3)).save("small.png")
torch.save({"weight": torch.ones(3)}, "weights.pt")
pickle.dump([1, 2], open("list.pkl", "wb")); numpy.save("array.npy", numpy.eye(2))
print(Image.open("small.png").size, torch.load("weights.pt")["weight"].sum().item(),
      pickle.load(open("list.pkl", "rb")), numpy.load("array.npy").sum())
"""
WRITTEN = """
import os, tempfile
from pathlib import Path
for folder in (".", Path.home(), "/tmp", tempfile.gettempdir()):
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        file.write(b"cat"); file.flush()
        print(Path(file.name).read_text(), end=" ")
Path("a", "b").mkdir(parents=True); Path("a", "b", "c.txt").write_text("deep")
print(Path("a/b/c.txt").read_text())
"""
DATABASES = """
import sqlite3
for name in (":memory:", "cats.db"):
    with sqlite3.connect(name) as database:
        database.execute("create table cats (name text)")
        database.execute("insert into cats values ('Tom')")
        print(*database.execute("select name from cats").fetchone())
    database.close()
"""
TELLING = """
import logging, sys, warnings
logging.getLogger("cats").warning("logged")
warnings.warn("warned")
print("printed", file=sys.stderr)
"""
COMM = """
from ipykernel.comm import Comm
comm = Comm(target_name="jupyter.widget", data={"state": {}}, metadata={"version": "2.1.0"})
comm.send({"method": "update", "state": {"value": 3}}); comm.close()
print("still here")
"""
UPDATED = """
from IPython.display import HTML, display
display(HTML("<b>cat</b>"))
handle = display("first", display_id=True)
handle.update("second")
"""
AWAITED = """
import asyncio
async def nap(number):
    await asyncio.sleep(0.01)
    return number
print(sum(await asyncio.gather(nap(1), nap(2))))
"""
IN_THREADS = """
import threading
found = []
threads = [threading.Thread(target=lambda: found.append(1)) for _ in range(8)]
[thread.start() for thread in threads]; [thread.join() for thread in threads]
print(len(found))
"""


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        pytest.param(THREADS, "2 True", id="torch with two threads"),
        pytest.param(LOADER, "2016", id="a DataLoader with workers"),
        pytest.param(POOL, "[0, 1, 4, 9, 16]", id="a pool of forks"),
        pytest.param(SPAWN, "49", id="a spawned process and a queue"),
        pytest.param(SHARED_MEMORY, "40", id="shared memory"),
        pytest.param(EXECUTORS, "204 204", id="executors"),
        pytest.param(IN_THREADS, "8", id="threads"),
        pytest.param(AWAITED, "3", id="an async cell"),
        pytest.param(SAVED, "(4, 4) 3.0 [1, 2] 2.0", id="files of pictures, weights and arrays"),
        pytest.param(WRITTEN, "cat cat cat cat deep", id="files in cwd, home and tmp"),
        pytest.param(DATABASES, "Tom\nTom", id="sqlite in memory and on disk"),
        pytest.param(COMM, "still here", id="a widget's comm"),
        pytest.param("import os; print(len(os.openpty()))", "2", id="a pseudo terminal"),
        pytest.param(
            "import numpy; print(numpy.ones(50_000_000).sum())", "50000000.0", id="an array of 400 MB"
        ),
        pytest.param(
            "print(open('notes.txt').read().strip())",
            "The cat sat on the mat: Katze, кошка, 猫.",
            id="a file beside the notebook",
        ),
        pytest.param("print('ß кот 猫 🐈')", "ß кот 猫 🐈", id="unicode output"),
        pytest.param(
            "import subprocess; print(subprocess.check_output(['echo', 'cat'], text=True))",
            "cat",
            id="a subprocess",
        ),
        pytest.param("%%bash\nfor word in cat dog; do echo $word; done", "cat\ndog", id="a bash cell"),
        pytest.param("import grader.lab; print(callable(grader.lab.check))", "True", id="the lab"),
        pytest.param(
            "import os; print(os.cpu_count() > 0, len(os.sched_getaffinity(0)) > 0)",
            "True True",
            id="the number of cores",
        ),
        pytest.param(
            "import locale, time; locale.setlocale(locale.LC_ALL, ''); print(bool(time.strftime('%c %Z')), 'ä'.encode().decode())",
            "True ä",
            id="locale and time zone",
        ),
    ],
)
def test_a_cell_prints_what_it_should(kernel: Kernel, code: str, printed: str) -> None:
    outcome = kernel.run(code, timeout_s=60)

    assert (outcome.error, outcome.text.strip()) == ("", printed), outcome


def test_a_plot_arrives_as_png(kernel: Kernel) -> None:
    outcome = kernel.run(PICTURE, timeout_s=60)

    assert base64.b64decode(outcome.displays[0]["image/png"]).startswith(b"\x89PNG"), outcome


def test_a_listing_by_the_shell_shows_what_lies_beside_the_notebook(kernel: Kernel) -> None:
    assert {"beside.py", "notes.txt"} <= set(kernel.run("!ls").text.split())


@pytest.mark.parametrize("magic", ["%timeit -n1 -r1 sum(range(9))", "%%time\nsum(range(9))"])
def test_timing_magics_tell_a_time(kernel: Kernel, magic: str) -> None:
    assert "s" in kernel.run(magic).text.split()[1:][0]


def test_displays_and_their_updates_arrive(kernel: Kernel) -> None:
    outcome = kernel.run(UPDATED)

    assert outcome.displays[0]["text/html"] == "<b>cat</b>"
    assert [bundle["text/plain"] for bundle in outcome.updates] == ["'second'"]


def test_a_question_to_the_user_is_refused_with_an_error(kernel: Kernel) -> None:
    assert kernel.run("input('name? ')").error == "StdinNotImplementedError"


def test_warnings_logs_and_stderr_arrive(kernel: Kernel) -> None:
    outcome = kernel.run(TELLING)

    assert all(word in outcome.stderr for word in ("logged", "warned", "printed")), outcome


def test_an_exception_comes_with_its_traceback(kernel: Kernel) -> None:
    outcome = kernel.run("def divide(): return 1 / 0\ndivide()")

    assert (outcome.status, outcome.error) == ("error", "ZeroDivisionError")
    assert "divide()" in outcome.traceback_text


def test_sys_exit_ends_the_cell_and_not_the_kernel(kernel: Kernel) -> None:
    ended = kernel.run("import sys; sys.exit(3)")

    assert ended.error == "SystemExit"
    assert kernel.value("1 + 1") == "2"


def test_the_history_holds_the_last_results(kernel: Kernel) -> None:
    kernel.run("6 * 7")

    assert kernel.value("(_, 42 in Out.values())") == "(42, True)"


def test_an_interrupt_ends_an_endless_loop_and_the_kernel_goes_on(kernel: Kernel) -> None:
    request = kernel.begin("print('looping', flush=True)\nwhile True: pass")
    kernel.wait_for(request, "looping")

    kernel.interrupt()

    assert kernel.finish(request, timeout_s=10).error == "KeyboardInterrupt"
    assert kernel.value("1 + 1") == "2"


def test_an_interrupt_ends_a_sleep(kernel: Kernel) -> None:
    request = kernel.begin("import time; print('asleep', flush=True); time.sleep(60)")
    kernel.wait_for(request, "asleep")

    kernel.interrupt()

    assert kernel.finish(request, timeout_s=10).error == "KeyboardInterrupt"


def test_each_kernel_and_each_restart_draws_its_own_numbers_and_names(kernel: Kernel, fresh: Fresh) -> None:
    other, names = fresh(), "random.random(), numpy.random.rand()"
    drawn = [kernel.literal("first_numbers")]
    other.run("import random, numpy, torch; mine = 1", timeout_s=60)
    drawn.append(other.literal(f"({names}, torch.rand(1).item())"))
    other.restart()
    other.run("import random, numpy")  # importing torch again takes a cold kernel seconds
    drawn.append(other.literal(f"({names}, 2)"))

    assert all(len(set(numbers)) == 3 for numbers in zip(*drawn, strict=True)), drawn
    assert other.run("mine").error == "NameError"


def test_what_a_notebook_writes_is_its_own_copy(kernel: Kernel, provider: str) -> None:
    kernel.run("open('notes.txt', 'a').write('more'); open('mine.txt', 'w').write('mine')")

    kept = (kernel.cwd / "notes.txt").read_text()
    original = (Path(__file__).parent / "beside" / "notes.txt").read_text()
    kernel.run(f"open('notes.txt', 'w').write({original!r})")
    if provider != "stock":  # a stock kernel writes where it stands
        assert kept == original
        assert not (kernel.cwd / "mine.txt").exists()
