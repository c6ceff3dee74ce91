"""The box: a read-only world without network or environment, made by bubblewrap, in which a zygote lives.

As an ordinary user bubblewrap does all of it. As root the mounts are made first, while files that only root can reach
(an interpreter in root's home) still can be reached, and then the rights of root are given up for a uid of nobody's.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from grader import visible
from grader.errors import SpecError
from grader.files import public_parts, staff_paths
from grader.kernel_env import DATA, HOME, PLACE, TUNING, WORK
from grader.sandbox import uids
from grader.sandbox.bwrap import find_bwrap
from grader.sandbox.inside import syscalls
from grader.sandbox.paths import BOX, BROUGHT, INLINE, UID

SANDBOX_UID = 64_737  # of nobody: not in passwd, outside the ranges that adduser and systemd give out
STAGE = "/mnt"  # in a mount namespace of the box's own; the host's /mnt is not touched
ETC = Path(__file__).parent / "etc"
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SETTINGS = (
    "alternatives", "fonts", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "mime.types", "terminfo", "timezone",
)  # fmt: skip
TOPOLOGY = ("/sys/devices/system/cpu", "/sys/devices/system/node")
GPU_TOPOLOGY = (
    "devices/system/memory",
    "devices/pci*",
    "bus/pci",
    "module/nvidia*",
)  # without, cuInit returns 304
COURSES = ("solutions", "course/solutions")  # of a package: what no kernel may find in its environment
NO_CONTEXT = {
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1"
}  # asking for a GPU must not create a context before the fork
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Interpreter:
    """A Python and the folders it lives in.

    Attributes:
        executable: its path.
        folders: what must be visible for it to run: its prefixes and its user site.
        package: the folder of the `grader` package that it imports.
        hidden: real paths of staff's files and folders, which no kernel may see.
    """

    executable: str
    folders: tuple[str, ...]
    package: str
    hidden: tuple[str, ...] = ()


def interpreter(executable: str) -> Interpreter:
    """Ask a Python where it lives.

    Raises:
        SpecError: it does not run, or has no pawgrade.
    """
    code = (
        "import sys, site, json, grader, os; from grader.files import staff_paths;"
        "user = site.getusersitepackages() if site.ENABLE_USER_SITE else '';"
        "real = os.path.dirname(os.path.dirname(os.path.realpath(sys.executable)));"
        "hidden = [os.path.realpath(path) for path in staff_paths()];"
        "print(json.dumps([[sys.prefix, sys.base_prefix, real, user], os.path.dirname(grader.__file__), hidden]))"
    )
    completed = subprocess.run(
        [executable, "-P", "-c", code], capture_output=True, text=True, check=False, cwd="/", timeout=60
    )
    if completed.returncode != 0:
        last = completed.stderr.strip().splitlines()[-1:] or ["no output"]
        raise SpecError(
            f"{executable} cannot run kernels: {last[0]}.", "Install pawgrade into that environment."
        )
    folders, package, hidden = json.loads(completed.stdout)
    hidden_here = map(
        os.path.realpath, staff_paths()
    )  # its environment may lie in a folder that this one's box shows
    return Interpreter(
        executable, tuple(_outermost(folders)), package, tuple(sorted({*hidden, *hidden_here}))
    )


def _outermost(folders: Sequence[str]) -> list[str]:
    """Return the folders that exist, without those inside another one or in the system's."""
    outermost: list[str] = []
    for folder in sorted({*filter(os.path.isdir, folders)}, key=len):
        if not any(Path(folder).is_relative_to(parent) for parent in (*outermost, "/usr")):
            outermost.append(folder)
    return outermost


@dataclass(frozen=True)
class Box:
    """The contents of a box: an interpreter, folders, devices, variables.

    Attributes:
        python: the interpreter of its kernels.
        shelves: folders of the host from which kernels may be given parts, read-only.
        devices: device nodes, for example those of a GPU.
        environment: the zygote's own variables, beside the tuning that every box has.
        first_uid: of a block on this machine, from which each kernel gets one; 0: all have the box's.
    """

    python: Interpreter
    shelves: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    first_uid: int = 0

    def shown(self) -> dict[str, str]:
        """Return what is bound read-only: place in the box -> path of the host."""
        package = Path(self.python.package)
        binds = {path: path for path in SYSTEM if Path(path).is_dir() and not Path(path).is_symlink()}
        binds |= {f"/etc/{name}": f"/etc/{name}" for name in SETTINGS if Path("/etc", name).exists()}
        binds |= {f"/etc/{path.name}": str(path) for path in sorted(ETC.iterdir())}
        binds |= {path: path for path in TOPOLOGY if Path(path).is_dir()}
        if self.devices:
            topology = (path for pattern in GPU_TOPOLOGY for path in Path("/sys").glob(pattern))
            binds |= {str(path): str(path) for path in topology if path.is_dir()}
        binds |= {path: path for path in self.python.folders}
        binds |= {str(path): str(path) for path in self.package_files()}
        cards = public_parts(package) / "datasets"
        if cards.is_dir():
            binds[str(cards)] = str(cards)
        binds |= {f"{BOX}/shelf/{number}": path for number, path in enumerate(self.shelves)}
        return binds

    def hidden(self) -> list[str]:
        """Return where the box would show staff's files, by whatever name their folder is bound."""
        paths: set[str] = set()
        for target, source in self.shown().items():
            root = Path(source).resolve()
            # By real paths: a home that is a link would show them under another name.
            inside = (path for path in self.python.hidden if Path(path).is_relative_to(root))
            paths |= {str(Path(target, Path(path).relative_to(root))) for path in inside}
        return sorted(paths)

    def kept(self) -> list[str]:
        """Return what stays visible although a kernel's private /tmp covers it."""
        package = self.python.package
        places = {path for path in self.shown() if not Path(path).is_relative_to(package)}
        return sorted(path for path in {*places, package} if Path(path).is_relative_to("/tmp"))  # noqa: S108

    def package_files(self) -> list[Path]:
        """Return the files of the package that kernels need: of everything else in it not even the names are there."""
        modules = (Path(self.python.package, *name.split(".")[1:]) for name in sorted(visible.MODULES))
        files = (
            module / "__init__.py" if module.is_dir() else module.with_suffix(".py") for module in modules
        )
        return [path for path in files if path.is_file()]

    def inside(self, path: str) -> str:
        """Return where the box has a path of a shelf.

        Raises:
            SpecError: no shelf holds it.
        """
        for number, shelf in enumerate(self.shelves):
            if Path(path).is_relative_to(shelf):
                return str(Path(f"{BOX}/shelf/{number}", Path(path).relative_to(shelf)))
        raise SpecError(f"{path} is on no shelf of this box; it has {', '.join(self.shelves) or 'none'}.")

    def command(self, argument: str, stage: str = "") -> list[str]:
        """Return the command line that makes the box and runs the zygote in it.

        Args:
            argument: the zygote's configuration.
            stage: folder below which the host's paths are found.
        """
        line = [find_bwrap().below(stage), "--die-with-parent", "--new-session", "--hostname", "pawgrade"]
        line += ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
        if self.first_uid:  # the user namespace is there already: `_stage` made it
            line += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--clearenv"]
        else:
            line += ["--unshare-user", "--uid", str(UID), "--gid", str(UID), "--clearenv"]
        for name, value in self._variables().items():
            line += ["--setenv", name, value]
        line += ["--tmpfs", "/tmp"]  # noqa: S108 - the box's own
        for path in SYSTEM:
            # With /usr merged, /bin is a link to usr/bin: it is made anew, not bound.
            if Path(path).is_symlink():
                line += ["--symlink", str(Path(path).readlink()), path]
        line += self._bound(stage)
        line += ["--proc", "/proc", "--dev", "/dev"]
        for device in self.devices:
            line += ["--dev-bind-try", f"{stage}{device}", node_inside(device)]
        for folder in (WORK, HOME, DATA, PLACE, BROUGHT, f"{BOX}/private"):
            line += ["--dir", folder]
        for shelf in self.shelves:  # a folder may be given to kernels under its own path, too
            line += ["--dir", shelf]
        for number, _ in enumerate(self.kept()):
            line += ["--dir", f"{BOX}/kept/{number}"]
        line += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"]
        return [*line, "--", self.python.executable, "-P", "-m", "grader.sandbox.inside.zygote", argument]

    def _bound(self, stage: str) -> list[str]:
        """Return the options that bind all that is shown; an empty folder covers the package, its few files come on top."""
        package, binds = Path(self.python.package), self.shown()
        inside = {target for target in binds if Path(target).is_relative_to(package)}
        line = []
        for target in _parents(set(binds) - inside):
            line += [
                "--dir",
                target,
            ]  # for everybody: bubblewrap alone would make some as closed as the host's
        for target in sorted(set(binds) - inside):
            line += ["--ro-bind", f"{stage}{binds[target]}", target]
        lists = [path for path in self.hidden() if path.endswith("/RECORD")]  # of staff's files, by name
        # From short to long: what lies in a folder that is covered needs no cover of its own.
        covered = [str(package)]
        for target in sorted({*self._courses(), *self.hidden()} - {*lists}, key=len):
            if not any(Path(target).is_relative_to(cover) for cover in covered):
                covered.append(target)
        for target in covered:
            line += ["--tmpfs", target]
        for target in lists:
            line += ["--ro-bind", "/dev/null", target]
        for target in _parents(inside):
            line += ["--dir", target] if package in Path(target).parents else []
        for target in sorted(inside):
            line += ["--ro-bind", f"{stage}{binds[target]}", target]
        for target in covered:
            # Last, when all that lies in them is bound. Writable, they would let kernels leave notes for each other.
            line += ["--remount-ro", target]
        return line

    def _courses(self) -> list[str]:
        """Return the folders of solutions that installed packages carry."""
        patterns = [f"{start}site-packages/*/{way}" for start in ("", "lib/python*/") for way in COURSES]
        matches = {
            path
            for folder in self.python.folders
            for pattern in patterns
            for path in Path(folder).glob(pattern)
        }
        package = Path(self.python.package)
        return sorted(str(path) for path in matches if path.is_dir() and package not in path.parents)

    def _variables(self) -> Mapping[str, str]:
        search = f"{Path(self.python.executable).parent}:/usr/local/bin:/usr/bin:/bin"
        variables = {"PATH": search, "HOME": "/tmp", "LANG": "C.UTF-8", "MPLCONFIGDIR": "/tmp/matplotlib"}  # noqa: S108
        variables["MPLBACKEND"] = INLINE
        users = [path for path in self.python.folders if path.endswith("site-packages")]
        base = {"PYTHONUSERBASE": str(Path(users[0]).parents[2])} if users else {"PYTHONNOUSERSITE": "1"}
        return {**variables, **base, **TUNING, **NO_CONTEXT, **ONE_THREAD, **dict(self.environment)}

    def prepare(self) -> Callable[[], None] | None:
        """Return what the forked process does before it executes bubblewrap: nothing as an ordinary user."""
        return partial(self._stage, find_bwrap().folders) if os.getuid() == 0 else None

    def _stage(self, program: Sequence[str]) -> None:
        """As root: make what is shown, and bubblewrap's folders, reachable below `STAGE`; then give root up for good."""
        # Everything below is seen by this process and what it executes, by nobody else.
        syscalls.unshare(syscalls.CLONE_NEWNS)
        syscalls.mount("none", "/", "", syscalls.MS_REC | syscalls.MS_PRIVATE)
        paths = sorted({*self.shown().values(), *program, *filter(os.path.exists, self.devices)})
        held = {path: os.open(path, os.O_PATH) for path in paths}  # they may lie below STAGE themselves
        syscalls.mount("tmpfs", STAGE, "tmpfs", syscalls.MS_NOSUID, "mode=0755,size=1m")
        for path, descriptor in held.items():
            _make_mount_point(Path(f"{STAGE}{path}"), is_folder=Path(f"/proc/self/fd/{descriptor}").is_dir())
            syscalls.mount(
                f"/proc/self/fd/{descriptor}", f"{STAGE}{path}", "", syscalls.MS_BIND | syscalls.MS_REC
            )
            os.close(descriptor)
        os.chdir("/")
        # Root's other groups would stay otherwise.
        os.setgroups([])
        if self.first_uid:
            self._leave_root_for_a_block()
        else:
            os.setresgid(SANDBOX_UID, SANDBOX_UID, SANDBOX_UID)
            os.setresuid(SANDBOX_UID, SANDBOX_UID, SANDBOX_UID)

    def _leave_root_for_a_block(self) -> None:
        """Become root of a user namespace that has this keeper's uids and no other."""
        # Forked while we are still root: the child writes the maps that we may not write later.
        writer = uids.mapped_by_a_child(f"0 {self.first_uid} {uids.BLOCK}\n")
        os.setresgid(self.first_uid, self.first_uid, self.first_uid)
        os.setresuid(
            self.first_uid, self.first_uid, self.first_uid
        )  # Linux counts for who makes a namespace, too
        syscalls.prctl(syscalls.PR_SET_DUMPABLE, 1)  # or the maps would belong to the machine's root
        syscalls.unshare(syscalls.CLONE_NEWUSER)
        uids.wait_for_maps(*writer)


def _parents(paths: Collection[str]) -> list[str]:
    """Return the folders around places, from the outside in."""
    parents = {str(parent) for path in paths for parent in Path(path).parents}
    return sorted(parents - {"/", "/tmp"})  # noqa: S108 - these are there already


def node_inside(device: str) -> str:
    """Return where a box has a device node of the host."""
    return f"/dev/{Path(device).name}"


def stage_prefix() -> str:
    """Return below which folder bubblewrap finds what a box shows."""
    return STAGE if os.getuid() == 0 else ""


def _make_mount_point(target: Path, *, is_folder: bool) -> None:
    if target.exists():  # inside a folder that is bound already
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if is_folder:
        target.mkdir()
    else:
        target.touch()
