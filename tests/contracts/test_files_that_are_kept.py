"""Files that a kernelspec names come out when a kernel ends: they, whole, beside the notebook, and nothing else."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts import kernel as kernels
from tests.contracts.kernel import Kernel

pytestmark = pytest.mark.parametrize("provider", ["cold", "warm"], indirect=True)

PATTERNS = ["*.csv", "plots/*", "notes.txt", "*"]
WRITING = """
import os, pathlib
def write(name, content="cats"):
    pathlib.Path(name).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(name).write_text(content)
for name in ("a.csv", "deep/er/b.csv", "noted/c.csv", ".hidden.csv", ".secret/d.csv", "in.ipynb",
             "gradebook.db", "staff/e.csv", "evil.py", "Makefile", "lib.so.6", "page.html", "plots/fake.png", "line\\nbreak.csv", "bell\\a.csv"):
    write(name)
pathlib.Path("plots/p.png").write_bytes(b"\\x89PNG\\r\\n\\x1a\\n")
os.symlink("/etc/passwd", "link.csv"); os.symlink("/etc", "linked"); os.mkfifo("pipe.csv")
os.link("a.csv", "same.csv")
os.chmod("a.csv", 0o4777)
write("empty.csv", "")
write("closed.csv"); os.chmod("closed.csv", 0)
os.truncate(os.open("huge.csv", os.O_CREAT | os.O_RDWR), 2**32)
pathlib.Path("large.csv").write_bytes(b"cat,dog\\n" * 1_280_000)
"""
RACING = """
racer = os.fork()
if racer == 0:
    while True:
        os.symlink("/etc/passwd", "fresh"); os.rename("fresh", "racing.csv")
        open("fresh", "w").write("cats"); os.rename("fresh", "racing.csv")
"""


@pytest.fixture
def folder(place: Path, provider: str) -> Path:
    return Path(tempfile.mkdtemp(prefix=f"{provider}-", dir=place))


@pytest.fixture
def keeping(provider: str, folder: Path, nothing_left: None) -> Iterator[Kernel]:
    with kernels.running(provider, folder, keep_files=PATTERNS) as kernel:
        yield kernel


def below(folder: Path) -> set[str]:
    """Name what lies in a folder and was not brought there before."""
    before = {path.name for path in kernels.BESIDE.iterdir()}
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.name not in before and not path.is_dir()
    }


def test_files_that_are_named_come_out_and_nothing_else_does(keeping: Kernel, folder: Path) -> None:
    outside = Path(tempfile.mkdtemp(prefix="outside-", dir=folder.parent))
    (folder / "noted").symlink_to(outside)
    (folder / "in.ipynb").write_text("as it was handed in")
    before = (folder / "beside.py").stat().st_mtime_ns
    written = keeping.run(WRITING + RACING)
    assert written.status == "ok", written

    keeping.close()  # at once, as nbclient does

    assert below(folder) - {"racing.csv", "fresh"} == {
        "a.csv", "same.csv", "closed.csv", "empty.csv", "large.csv", "deep/er/b.csv", "plots/p.png", "in.ipynb",
    }  # fmt: skip
    assert (folder / "in.ipynb").read_text() == "as it was handed in"
    assert list(outside.iterdir()) == []
    assert (folder / "large.csv").read_bytes() == b"cat,dog\n" * 1_280_000
    assert {(folder / name).stat().st_mode & 0o7777 for name in ("a.csv", "closed.csv")} == {0o644}
    assert not (folder / "racing.csv").is_symlink()
    assert (folder / "beside.py").stat().st_mtime_ns == before  # brought, and not changed


def test_they_come_out_at_a_restart_and_at_an_end_of_its_own(keeping: Kernel, folder: Path) -> None:
    keeping.run("open('a.csv', 'w').write('first'); open('notes.txt', 'a').write('more')")
    keeping.restart()

    assert (folder / "a.csv").read_text() == "first"
    assert keeping.value("open('a.csv').read()") == "first"
    assert (folder / "notes.txt").read_text().endswith("more")
    keeping.run("open('a.csv', 'w').write('second')")
    keeping.close(now=False)

    assert (folder / "a.csv").read_text() == "second"
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_nothing_comes_out_where_nothing_is_named(provider: str, folder: Path, nothing_left: None) -> None:
    with kernels.running(provider, folder) as kernel:
        kernel.run("open('a.csv', 'w').write('cats')")

    assert below(folder) == set()
