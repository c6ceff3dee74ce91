"""Into a kernel goes the folder that a program names for a notebook, and nothing that is not the notebook's."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest
from jupyter_client import AsyncKernelManager

from grader.sandbox.belongings import SESSION, NotTaken, named_folder, travels
from grader.sandbox.host import workdir_archive
from grader.sandbox.provisioner import SandboxProvisioner


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course with everything that a course has."""
    found = tmp_path / "course"
    files = """nbgrader_config.py gradebook.db gradebook.db.1 pawgrade.toml .netrc .ssh/id_ed25519 .pawgrade/secret in.ipynb
    solutions/pets/pets.ipynb solutions/pets/staff/check_hidden.py assignments/pets/pets.ipynb
    submitted/student01/pets/pets.ipynb submitted/student02/pets/pets.ipynb submitted/student01/pets/.env
    autograded/student01/pets/pets.ipynb scratch/mine.ipynb"""
    for name in files.split():
        (found / name).parent.mkdir(parents=True, exist_ok=True)
        (found / name).write_text("what only staff may read")
    return found


def taken(folder: Path) -> set[str]:
    """Name what of a folder would be packed."""
    import tarfile

    with (
        workdir_archive.packed(named_folder(folder), 1, travels) as found,
        os.fdopen(os.dup(found.descriptor), "rb") as file,
    ):
        return {one.name for one in tarfile.open(fileobj=file) if one.isfile()}


@pytest.mark.parametrize("cwd", [None, "", "/no/such/folder", 5])
def test_where_no_folder_is_named_nothing_is_taken(cwd: object) -> None:
    with pytest.raises(NotTaken):
        named_folder(cwd)


@pytest.mark.parametrize(
    "folder",
    ["/", "/root", "/home", "/etc", "/tmp", "/usr", str(Path.home()), str(Path.home().parent)],  # noqa: S108
)
def test_homes_and_top_folders_are_never_taken(folder: str) -> None:
    with pytest.raises(NotTaken):
        named_folder(folder)


def test_the_home_of_an_account_is_not_taken_through_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, link = tmp_path / "people" / "ann", tmp_path / "link"
    home.mkdir(parents=True)
    link.symlink_to(home)
    monkeypatch.setenv("HOME", str(home))

    for folder in (home, link, home.parent):
        with pytest.raises(NotTaken, match="no notebook's own folder"):
            named_folder(folder)


@pytest.mark.parametrize(
    "folder",
    [
        ".",
        "solutions",
        "assignments",
        "submitted",
        "submitted/student01",
        "autograded",
        ".pawgrade",
        ".ssh",
        "scratch",
        "solutions/pets/staff",
    ],
)
def test_of_a_course_only_the_folder_of_one_notebook_is_taken(course: Path, folder: str) -> None:
    with pytest.raises(NotTaken, match="belongs to the course"):
        named_folder(course / folder)


@pytest.mark.parametrize(
    "folder", ["solutions/pets", "submitted/student01/pets", "autograded/student01/pets", "assignments/pets"]
)
def test_a_notebooks_own_folder_comes_without_staffs_and_hidden_files(course: Path, folder: str) -> None:
    assert taken(course / folder) == {"pets.ipynb"}


def test_a_course_below_a_notebooks_folder_stays_behind(course: Path) -> None:
    (course.parent / "helper.py").touch()

    assert taken(course.parent) == {"helper.py"}


def test_a_folder_beside_the_notebook_that_a_server_names_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deep").mkdir()
    notebook = str(tmp_path / "deep" / "a.ipynb")

    with pytest.raises(NotTaken, match="not where"):
        named_folder(tmp_path, {SESSION: notebook})
    assert named_folder(tmp_path / "deep", {SESSION: notebook}) == tmp_path / "deep"
    monkeypatch.setenv(SESSION, notebook)  # of the notebook that started this process
    assert named_folder(tmp_path, dict(os.environ)) == tmp_path


@pytest.mark.sandbox
@pytest.mark.slow
def test_a_program_that_names_no_folder_gives_none_away(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(course)

    assert asyncio.run(_listing(None)) == "[]"
    assert asyncio.run(_listing(course)) == "[]"
    assert asyncio.run(_listing(course / "submitted" / "student01" / "pets")) == "['pets.ipynb']"


async def _listing(cwd: Path | None) -> str:
    """Start a kernel as Jupyter programs do, and let it list its folder."""
    from grader.sandbox.kernelspecs import kernel_spec

    manager = AsyncKernelManager()
    manager._kernel_spec = kernel_spec(preload=("json",))
    await manager.start_kernel(**({} if cwd is None else {"cwd": str(cwd)}))
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=60)
        said: list[str] = []
        await client.execute_interactive(
            "import os; print(sorted(os.listdir()))",
            output_hook=lambda message: said.append(message["content"].get("text", "")),
            timeout=30,
        )
        return "".join(said).strip()
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)


def test_the_event_loop_goes_on_while_a_folder_is_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: object) -> None:
        time.sleep(0.5)
        raise RuntimeError("packed")

    async def both() -> int:
        ticks, provisioner = 0, SandboxProvisioner(parent=AsyncKernelManager())
        provisioner.kernel_spec = None
        start = asyncio.ensure_future(provisioner.launch_kernel([], cwd=str(tmp_path), env={}))
        while not start.done():
            await asyncio.sleep(0.01)
            ticks += 1
        with pytest.raises(RuntimeError, match="packed"):
            start.result()
        return ticks

    monkeypatch.setattr(SandboxProvisioner, "_start", slow)

    assert asyncio.run(both()) > 10
