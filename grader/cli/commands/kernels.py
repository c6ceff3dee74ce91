"""`pawgrade kernels`: write kernelspecs for other Jupyter programs, and look at what runs."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grader.cli import output
from grader.cli.commands import kernel_options
from grader.cli.commands.kernel_options import EnvOption, KeepFilesOption
from grader.errors import GraderError, InfrastructureError, SpecError

if TYPE_CHECKING:
    from rich.table import Table

    from grader.limits import Limits
    from grader.sandbox.host.status import Zygote

kernels_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="""Sandboxed kernels for any Jupyter program: install one, see which run.

A *zygote* imports the heavy libraries once. Each kernel is a fork of it: it starts in a fraction of a second, is
locked into a sandbox, serves one notebook, and is gone with all that the notebook started.""",
)
# Each kernel has these for itself, so a folder of the host below one of them could not be seen.
KERNELS_OWN = ("/tmp", "/dev", "/proc", "/sys", "/pawgrade")  # noqa: S108 - nothing is written there
JUPYTERS_NAME = re.compile(r"[A-Za-z0-9._-]+")  # what jupyter_client takes for a kernel's name


NameOption = Annotated[str, typer.Option("--name", help="What programs call the kernel by.")]
PreloadOption = Annotated[
    str | None,
    typer.Option(
        "--preload",
        help="Modules to import once for all kernels, comma separated. Default: what notebooks on images import.",
    ),
]
UserOption = Annotated[
    bool,
    typer.Option(
        "--user",
        help="For you, in all environments. Default: the folder JUPYTER_DATA_DIR if it is set, else this environment.",
    ),
]
PrefixOption = Annotated[
    Path | None,
    typer.Option(
        "--prefix",
        help="For the environment in this folder: the kernelspec goes below share/jupyter/kernels.",
        show_default=False,
    ),
]
MemoryMbOption = Annotated[
    int | None,
    typer.Option("--memory-mb", min=1, help="MiB that a kernel and all it starts may use. Default: 6144."),
]
DiskMbOption = Annotated[
    int | None, typer.Option("--disk-mb", min=1, help="MiB that it may write. Default: 512.")
]
ProcessesOption = Annotated[
    int | None,
    typer.Option("--processes", min=1, help="Processes and threads that may live at once. Default: 128."),
]
CpusOption = Annotated[
    int | None, typer.Option("--cpus", min=1, help="Threads for numerical libraries. Default: 2.")
]
ReadOnlyOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--read-only",
        help="Folder that kernels may read, at the same path; may be repeated.",
        show_default=False,
    ),
]
IdleOption = Annotated[
    float, typer.Option("--idle", min=0, help="Seconds without a kernel after which the zygote ends.")
]
KeepOption = Annotated[
    float,
    typer.Option(
        "--keep",
        min=0,
        help="Seconds that the zygote outlives the program that started it: with 600, the second `papermill` "
        "command line within ten minutes is warm.",
    ),
]
ColdOption = Annotated[
    bool,
    typer.Option("--cold", help="Start an interpreter for each kernel; nothing is shared, all is slow."),
]
NoCheckOption = Annotated[bool, typer.Option("--no-check", help="Only write the kernelspec, start nothing.")]


@kernels_app.command()
def install(
    name: NameOption = "pawgrade",
    preload: PreloadOption = None,
    user: UserOption = False,
    prefix: PrefixOption = None,
    memory_mb: MemoryMbOption = None,
    disk_mb: DiskMbOption = None,
    processes: ProcessesOption = None,
    cpus: CpusOption = None,
    read_only: ReadOnlyOption = None,
    env: EnvOption = None,
    keep_files: KeepFilesOption = None,
    idle: IdleOption = 600,
    keep: KeepOption = 0,
    cold: ColdOption = False,
    no_check: NoCheckOption = False,
) -> None:
    """Write a kernelspec, so that other programs get fast sandboxed kernels; try it.

    Kernels have no network, see the system and this Python read-only, and end with all that they started. They work on
    a private copy of the folder that the program names for the notebook: JupyterLab, nbconvert and nbgrader name the
    notebook's own, papermill one only by --cwd. Nothing is copied where none is named, from a home, or from a course's
    own folders, and never a hidden file. The notebook's changes are discarded, but for files that --keep-files names.

    They are made for running notebooks from top to bottom, not for working in JupyterLab: there is no debugger, no
    history of former sessions, and what you save is gone with the kernel.

    For example, `pawgrade kernels install --preload numpy,pandas --keep 600`, then `papermill -k pawgrade --cwd .
    in.ipynb out.ipynb`.
    """
    _refuse_elsewhere()
    from grader.sandbox import kernelspecs

    name = name.lower()  # as Jupyter does
    # All mistakes are told before anything is written: limits, name, modules and folders are looked at first.
    chosen = _limits(memory_mb=memory_mb, disk_mb=disk_mb, processes=processes, cpus=cpus)
    _check_place(name, user=user, prefix=prefix)
    # Who sets it says where Jupyter's files are; programs look there before they look into an environment.
    user = user or (prefix is None and bool(os.environ.get("JUPYTER_DATA_DIR")))
    options: dict[str, Any] = {
        "preload": kernelspecs.PRELOAD if preload is None else _modules(preload),
        "warm": not cold,
        "limits": chosen,
        "env": kernel_options.variables(env or ()),
        "idle_s": idle,
        "keep_s": keep,
    }
    if folders := _folders(read_only or ()):
        options |= {"folders": folders, "shelves": sorted(folders)}
    if patterns := kernel_options.keep_files(keep_files or ()):
        options["keep_files"] = patterns
    if not no_check:
        _refuse_where_nothing_runs()
    where = _written(name, user, prefix, options)
    # Through the file that was just written, as any other program will read it.
    if not no_check:
        _try(where)
    _explain(name, where, chosen)
    for line in kernel_options.openings(options["env"], patterns):
        _say(line, style="yellow")


def _written(name: str, user: bool, prefix: Path | None, options: dict[str, Any]) -> Path:
    """Write the kernelspec and say where; return its folder."""
    from grader.sandbox import kernelspecs

    try:
        where = kernelspecs.install(
            name, user=user, prefix=str(prefix.resolve()) if prefix else None, **options
        )
    except OSError as exc:
        raise SpecError(
            f"the kernelspec cannot be written: {exc.strerror}: {exc.filename}.",
            "Choose --user, or --prefix with a folder of yours.",
        ) from exc
    _say(f"wrote {where}/kernel.json")
    return where


def _limits(**given: int | None) -> Limits:
    from grader.limits import Limits

    # An option that was not given leaves the default to `Limits`.
    return Limits.model_validate({key: value for key, value in given.items() if value is not None})


def _modules(text: str) -> list[str]:
    """Read the preload list; a module that does not exist is a mistake, found before anything is written."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        # Only the top package is looked up: to find a module in it, Python would import it.
        top = name.partition(".")[0]
        # In this order: `find_spec` raises on an empty name.
        if (
            not all(identifier.isidentifier() for identifier in name.split("."))
            or importlib.util.find_spec(top) is None
        ):
            raise SpecError(
                f"--preload: {sys.executable} has no module {name!r}.",
                f"Correct the name, or install it: {sys.executable} -m pip install {top}",
            )
    return names


def _folders(given: Sequence[Path]) -> dict[str, str]:
    for folder in given:
        if not folder.is_dir():
            raise SpecError(f"--read-only: {folder} is no folder.")
    # Links are resolved first: one could lead into a place that each kernel has for itself.
    paths = [str(folder.resolve()) for folder in given]
    for path in paths:
        if path == "/" or any(Path(path).is_relative_to(private_folder) for private_folder in KERNELS_OWN):
            raise SpecError(
                f"--read-only: {path} is in a place of which each kernel has its own.",
                f"Move the folder out of {', '.join(KERNELS_OWN)}.",
            )
    return dict(zip(paths, paths, strict=True))


def _check_place(name: str, *, user: bool, prefix: Path | None) -> None:
    """Raise SpecError for a name or place that cannot be used, or when the kernel there is another program's."""
    if user and prefix:
        raise SpecError("--user and --prefix exclude each other.")
    if not JUPYTERS_NAME.fullmatch(name):
        raise SpecError(f"--name: {name!r} is none that Jupyter takes.", "Use letters, digits, - _ and .")
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        # Else Jupyter would answer for a native kernel that nobody has installed.
        spec = KernelSpecManager(ensure_native_kernel=False).get_kernel_spec(name)
    except NoSuchKernel:
        return
    stanza = spec.metadata.get("kernel_provisioner", {})
    # Our own is replaced: installing again is how limits and modules are changed.
    if stanza.get("provisioner_name") != "pawgrade":
        raise SpecError(
            f"--name: there is a kernel {name} already, in {spec.resource_dir}, and it is another program's.",
            "Choose another name.",
        )


def _refuse_elsewhere() -> None:
    if sys.platform != "linux":
        raise InfrastructureError(
            f"sandboxed kernels need Linux, this is {sys.platform}.",
            "Grade in a Linux container or on a cluster; `pawgrade check` works everywhere.",
        )


def _refuse_where_nothing_runs() -> None:
    from grader.sandbox.self_check import sandbox_problem

    problem = sandbox_problem()
    if problem is not None:
        raise InfrastructureError(
            f"no sandboxed kernel runs here: {problem.what}: {problem.found}.",
            f"{problem.advice}. `pawgrade doctor` shows more; --no-check writes the kernelspec anyway.",
        )


def _try(where: Path) -> None:
    """Start two kernels from the kernelspec and say how long it took and what was left out."""
    from jupyter_client.kernelspec import KernelSpec

    from grader.sandbox.self_check import launches

    try:
        # Two: the first one waits for the zygote, the second shows what every later one costs.
        with output.errors.status("starting two kernels ..."):
            done = launches(KernelSpec.from_resource_dir(str(where)))
    except GraderError as exc:
        raise InfrastructureError(
            f"the kernelspec is written, but its kernel does not start: {exc.message}", exc.hint
        ) from exc
    _say(f"first kernel, with the zygote: {done.first_s:.1f} s; second: {done.second_s:.2f} s")
    for module, why in done.left_out.items():
        _say(f"not preloaded: {module}: {why}", style="yellow")
    if done.left_out:
        _say("Kernels import these themselves when a notebook asks for them.")


def _explain(name: str, where: Path, limits: Limits) -> None:
    from jupyter_core.paths import jupyter_path

    # With --prefix the kernelspec may lie where this environment's programs never look.
    if str(where.parent) not in jupyter_path("kernels"):
        _say(
            f"Jupyter programs of this environment do not look there: export JUPYTER_PATH={where.parents[1]}"
        )
    _say(
        f"Each kernel may use {limits.memory_mb} MiB of memory, {limits.disk_mb} MiB of disk, {limits.processes} "
        f"processes, {limits.cpus} threads for numerical libraries."
    )
    option = f"--ExecutePreprocessor.kernel_name={name}"
    for program in (
        f"papermill -k {name} --cwd . IN.ipynb OUT.ipynb",
        f"jupyter nbconvert --to notebook --execute {option} IN.ipynb",
        f"nbgrader autograde ASSIGNMENT {option}",
    ):
        _say(f"  {program}")


@kernels_app.command("list")
def list_(
    json_path: Annotated[
        Path | None, typer.Option("--json", help="Write the result as JSON to this file; - prints it.")
    ] = None,
) -> None:
    """Show your zygotes and their kernels: age, memory, who owns them, what is preloaded.

    Memory is that of all processes together: PSS counts a shared page in part, USS only what ending them would give back.
    """
    from grader.sandbox.host import status

    zygotes = status.zygotes()
    if json_path:
        output.write_json([zygote.to_json() for zygote in zygotes], json_path)
    if json_path is None or str(json_path) != "-":
        if zygotes:
            output.console.print(_table(zygotes))
        else:
            _say("no zygote is running")


def _table(zygotes: Sequence[Zygote]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(show_lines=True, title="zygotes and kernels")
    for title in ("", "pid", "age", "PSS MiB", "USS MiB"):
        table.add_column(title, no_wrap=True, justify="left" if not title else "right")
    table.add_column("owner", max_width=50)
    table.add_column("what", overflow="fold")
    for zygote in zygotes:
        # The zygote first, its forks below it.
        for process in (zygote.process, *zygote.kernels):
            row = (
                process.name,
                str(process.pid or "-"),  # 0: it is being born
                _age(process.age_s),
                _mib(process.pss_mb),
                _mib(process.uss_mb),
                "\n".join(f"{owner.pid} {owner.command}".strip() for owner in process.owners) or "nobody",
                process.what,
            )
            # As Text: brackets in the command line of an owner are no markup.
            table.add_row(*(Text(cell) for cell in row))
    return table


def _mib(size: float | None) -> str:
    # None: the system does not tell.
    return "?" if size is None else f"{size:.0f}"


def _age(seconds: float) -> str:
    whole = int(seconds)
    if whole < 120:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 7200 else f"{whole // 3600} h {whole % 3600 // 60} min"


def _say(text: str, style: str | None = None) -> None:
    # Paths and commands are copied from here: no markup in them, and no line break of rich's.
    output.console.print(text, highlight=False, soft_wrap=True, markup=False, style=style)
