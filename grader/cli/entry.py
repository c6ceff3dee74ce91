"""What every command has: `--version`, `-h`, `-q`, `-v`, and an end in one line and an exit code, whatever went wrong."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from grader.cli import output
from grader.cli.options import plain
from grader.errors import GraderError, InfrastructureError

INTERRUPTED = 130  # exit code, as shells have it
GOES_ON = {"grade", "calibrate"}  # commands that store each result before they begin the next one
HELP_NAMES = {"help_option_names": ["-h", "--help"]}  # commands inherit it

_FULL = (
    "Make room there (`df -h` shows which disk), then give the same command again. No file is half-written."
)
_CLOSED = "Choose a folder that you may write to, or have its permissions changed."
_HINTS = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: "This shell's limit of a file's size was met: `ulimit -f` shows it. No file is half-written.",
    errno.EROFS: "Choose a folder on another disk, or have this one mounted for writing.",
    errno.EACCES: _CLOSED,
    errno.EPERM: _CLOSED,
    errno.EIO: "The disk or its connection is damaged: look at the system's log.",
    errno.EMFILE: "Too many files are open: `ulimit -n` shows the limit.",
}


class Interrupted(Exception):
    """Somebody pressed Ctrl-C: typer would end a command at KeyboardInterrupt without a word.

    Args:
        command: name of the command that was running; "" before there was one.
    """

    def __init__(self, command: str) -> None:
        super().__init__(command)
        self.command = command


def _version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        typer.echo(f"pawgrade {version('pawgrade')}")
        raise typer.Exit


def _quiet(value: bool) -> None:
    if value:
        output.verbosity.level = output.QUIET


def _verbose(value: bool) -> None:
    if value:
        output.verbosity.level = output.VERBOSE


QuietOption = Annotated[
    bool,
    typer.Option(
        "-q",
        "--quiet",
        help="No progress, no notes of what was written: results, warnings and errors only.",
        callback=_quiet,
        expose_value=False,
    ),
]
VerboseOption = Annotated[
    bool,
    typer.Option(
        "-v",
        "--verbose",
        help="Log lines for staff, too: tracebacks of errors and of what could not be decided. Not for logs that students see.",
        callback=_verbose,
        expose_value=False,
    ),
]
VersionOption = Annotated[
    bool,
    typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True),
]


def common_options(version: VersionOption = False) -> None:
    """Nothing but the options before a command's name; their callbacks do all of it."""
    del version


class Commands(TyperGroup):
    """All commands of the program: each of them, however deep, takes `-q` and `-v`, before or after its other words."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - typer's own
        super().__init__(**attributes)
        for command in (self, *_below(self)):
            command.params.extend(_common_parameters())

    def make_context(self, *words: Any, **more: Any) -> Any:  # noqa: ANN401 - typer's own
        """Begin a command line, as loud as usual."""
        output.verbosity.level = output.USUAL
        return super().make_context(*words, **more)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer's own
        """Run a command; raises Interrupted at Ctrl-C."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as exc:
            exc.message = exc.message.removeprefix("Value error, ")  # pydantic's words before typer's own
            raise
        except KeyboardInterrupt as exc:
            raise Interrupted(ctx.invoked_subcommand or "") from exc


def _below(group: Any) -> Iterator[Any]:  # noqa: ANN401 - typer has a copy of click, or the installed one
    for command in getattr(group, "commands", {}).values():
        yield command
        yield from _below(command)


def _common_parameters() -> list[Any]:
    """Return new parameters for `-q` and `-v`, made by typer itself from a command that has nothing else."""
    made = typer.Typer(add_completion=False)

    @made.command()
    def _both(quiet: QuietOption = False, verbose: VerboseOption = False) -> None:
        del quiet, verbose

    return list(typer.main.get_command(made).params)


def run(app: typer.Typer) -> None:
    """Run the command line and end the process: errors become one line and an exit code."""
    code = _code(app)
    try:
        # What is still in a buffer meets a full disk here, or else while Python ends, with a traceback.
        sys.stdout.flush()
    except BrokenPipeError:
        output.discard(sys.stdout)
    except OSError as exc:
        _tell(of_the_machine(exc))
        output.discard(sys.stdout)
        code = InfrastructureError.exit_code
    sys.exit(code)


def _code(app: typer.Typer) -> int:
    """Run the command line; return its exit code, with the reason told where it failed."""
    try:
        app(standalone_mode=True)
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else int(bool(exc.code))
    except (Interrupted, KeyboardInterrupt) as exc:
        _tell_interrupted(exc.command if isinstance(exc, Interrupted) else "")
        return INTERRUPTED
    except GraderError as exc:
        _tell(exc)
        return exc.exit_code
    except OSError as exc:
        error = of_the_machine(exc)
        _tell(error)
        return error.exit_code
    # The last resort: no user should have to read a traceback, and whoever asks for it gets it.
    except Exception as exc:
        _tell(
            InfrastructureError(
                f"a fault of Pawgrade itself: {type(exc).__name__}: {exc}",
                "Please report it, with what -v adds to the same command.",
            )
        )
        return InfrastructureError.exit_code
    return 0


def of_the_machine(exc: OSError) -> InfrastructureError:
    """Return what the operating system refused as an error of ours: what and where, and what to do about it."""
    names = [str(name) for name in (exc.filename, exc.filename2) if name not in (None, "")]
    reason = exc.strerror or str(exc) or type(exc).__name__
    where = f"{' to '.join(names) or 'a file that is written'}: "
    hint = _HINTS.get(
        exc.errno or 0, "Is the path what it should be? `pawgrade doctor` looks at this machine."
    )
    with contextlib.suppress(Exception):  # a setting that cannot be read has been told before
        hint = _about_the_cache(names) or hint
    return InfrastructureError(f"{where}{reason}.", hint)


def _about_the_cache(names: list[str]) -> str:
    """Return a hint where a path lies in the cache, or leads to it; "" elsewhere."""
    from grader.settings import load

    cache = load(None, os.environ).cache.absolute()
    paths = [Path(name).absolute() for name in names]
    inside = any(
        path.is_relative_to(cache) or (path != path.parent and cache.is_relative_to(path)) for path in paths
    )
    return "Set PAWGRADE_CACHE to a folder that can be written, with 2 GB free." if inside else ""


def _tell(error: GraderError) -> None:
    """Print an error on standard error, so that standard output stays JSON, and with -v where it comes from."""
    # An error may quote a hostile file, so no markup in it; a line of its own each, which no window's width breaks.
    with _whatever_happens():
        if output.verbosity.level == output.VERBOSE:
            output.errors.print(plain(_traceback()), highlight=False, soft_wrap=True)
        output.errors.print(
            f"[bold red]error:[/] {plain(str(error.message))}", highlight=False, soft_wrap=True
        )
        if error.hint:
            output.errors.print(f"       {plain(str(error.hint))}", highlight=False, soft_wrap=True)


def _traceback() -> str:
    """Return the traceback of the error at hand, without the frames of the library that parses options."""
    whole = traceback.TracebackException(*sys.exc_info(), compact=True)
    library = str(Path(typer.__file__).parent)
    frames = [frame for frame in whole.stack if not frame.filename.startswith(library)]
    whole.stack = traceback.StackSummary.from_list(frames)
    return "".join(whole.format()).rstrip()


def _tell_interrupted(command: str) -> None:
    text = (
        "what is graded is stored; the same command goes on from there"
        if command in GOES_ON
        else "no file is half-written; the same command begins again"
    )
    with _whatever_happens():
        output.errors.print(f"interrupted; {text}", highlight=False, soft_wrap=True)


@contextlib.contextmanager
def _whatever_happens() -> Iterator[None]:
    """Ignore that standard error is closed or full: there is nobody left to tell."""
    with contextlib.suppress(OSError):
        yield
