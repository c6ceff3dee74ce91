"""What `check --html` does: it writes the page of the public checks, one for each notebook, and may show it in a browser."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from grader.cli import output
from grader.cli.options import plain

if TYPE_CHECKING:
    from grader.grading.self_check import Checked

OVER_SSH = ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")  # the browser would open on the other machine
SCREEN = ("DISPLAY", "WAYLAND_DISPLAY")


def write(checked: Checked, notebook: Path, target: Path | None) -> Path:
    """Write a page for each notebook of the assignment; say where they are.

    Args:
        checked: what the check gave.
        notebook: the student's file.
        target: file of the page about that notebook; None: `<notebook>.check.html` beside it. The pages of the assignment's
            other notebooks lie beside this one and are linked.

    Returns:
        The file of the page about the notebook that was given.
    """
    from grader.feedback import page, picture_files
    from grader.files import write_whole

    paths = page_paths(checked.grade.notebook_names, notebook, target)
    several = len(paths) > 1
    drawn = picture_files.drawn_by(checked.folder)
    for name, path in paths.items():
        text = page.render(
            checked.grade,
            title=f"{checked.assignment.title} (public checks)",
            notebook=checked.executed.get(name),
            own=drawn,
            entry_points=[entry_point.name for entry_point in checked.assignment.entry_points],
            about=name if several else "",
            files={other: beside.name for other, beside in paths.items()},
        )
        write_whole(path, text)
        # On standard error: standard output may be the JSON.
        output.errors.print(plain(f"wrote {path}"), highlight=False, soft_wrap=True)
    return paths.get(notebook.stem, next(iter(paths.values())))


def page_paths(names: tuple[str, ...], notebook: Path, target: Path | None) -> dict[str, Path]:
    """Return where the page of each notebook goes, by the notebook's name.

    Args:
        names: of the assignment's notebooks.
        notebook: the student's file.
        target: where the page of that notebook goes; None: beside the notebook.
    """
    if len(names) == 1:
        return {names[0]: target or notebook.with_suffix(".check.html")}
    if target is None:
        return {name: notebook.with_name(f"{name}.check.html") for name in names}
    first = notebook.stem if notebook.stem in names else names[0]
    return {
        name: target if name == first else target.with_name(f"{target.stem}-{name}{target.suffix}")
        for name in names
    }


def is_seen(environ: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Say whether a browser that is opened now would be seen: at a terminal of a desktop, not over SSH or in a log.

    Args:
        environ: the environment's variables.
        platform: as `sys.platform` names it.
    """
    desktop = platform in {"darwin", "win32"} or any(environ.get(name) for name in SCREEN)
    remote = any(environ.get(name) for name in OVER_SSH)
    return output.errors.is_terminal and desktop and not remote


def show(path: Path, *, asked: bool) -> None:
    """Show a page in the browser; where there is none, the path that was printed has to do.

    Args:
        path: the page.
        asked: whether the student asked for it: then a browser in the terminal will do, and it is said if there is none.
    """
    import webbrowser

    try:
        browser = webbrowser.get()
        # The plain class is that of text browsers (lynx, w3m): one would take the terminal over.
        if not asked and type(browser) is webbrowser.GenericBrowser:
            return
        opened = browser.open(path.resolve().as_uri())
    except (webbrowser.Error, OSError):
        opened = False
    if asked and not opened:
        output.errors.print(plain(f"no browser could be opened: open {path} yourself"), highlight=False)
