"""The path of one submission: read, restore, execute, probe, evaluate, score."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import functools
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nbformat import NotebookNode

from grader import files, visible
from grader.assignment.course import notebooks
from grader.checks.questions import Array
from grader.checks.session import Verdicts
from grader.errors import InfrastructureError, SubmissionError
from grader.execution import gpu_trial
from grader.grading import assemble, believed, gpu_blame, notices, preparation, workplace
from grader.grading.preparation import Order, Work
from grader.grading.workplace import turn
from grader.judging import evaluate, probe
from grader.judging.evaluate import Context
from grader.judging.probe import Answers
from grader.messages import NOTHING, Message
from grader.notebooks import cells, reading
from grader.records import Grade, Limit, Repair, Seconds, Submission

if TYPE_CHECKING:
    from grader.execution import gpu_slots, kernels
    from grader.execution.run import Execution

TRIES = 3  # after errors of ours that another run may not meet


@dataclass(frozen=True)
class Graded:
    """What grading one submission gave: the grade and what belongs into its attempt.

    Attributes:
        grade: the grade.
        submitted: the notebook as handed in; None when it could not be read.
        executed: the notebook as far as it ran; None when nothing did.
        answers: validated answers of the probes, by question set and number.
    """

    grade: Grade
    submitted: bytes | None
    executed: NotebookNode | None
    answers: dict[str, Array] = field(default_factory=dict)


def _unwatched(*_: object) -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Tools:
    """What grades, where it is not as for students' work: calibrations and verifications bring their own.

    Attributes:
        judge: turns answers into verdicts.
        features: folder with features of photos that kernels need not compute again, or None.
        watch: is told how far a run has come: `cell` with its number, from 1, and how many there are; `ask`; `judge`.
    """

    judge: Callable[[Answers, Context], Verdicts] = evaluate.evaluate
    features: Path | None = None
    watch: Callable[[str, int, int], object] = _unwatched


TOOLS = Tools()


def grade_as_ordered(submission: Submission, order: Order, queued: float | None = None) -> Graded:
    """Grade in a worker, which prepares itself once for all submissions of an order.

    Args:
        submission: what was handed in.
        order: what is graded.
        queued: `time.time()` when it was handed to the runner; None: just now.
    """
    waited_s = 0.0 if queued is None else max(0.0, time.time() - queued)
    return grade_submission(submission, preparation.prepared(order), queue_s=waited_s)


def grade_submission(
    submission: Submission, work: Work, tools: Tools = TOOLS, *, queue_s: float = 0.0
) -> Graded:
    """Grade one submission: read, restore, execute, probe, evaluate, score.

    It raises nothing: a mistake of the student is a verdict, one of ours a grade with status ERROR and a log.
    """
    begin = time.monotonic()
    submitted = None
    try:
        # Before the tries: the same bytes would be refused each time.
        submitted = files.read_bytes(submission.notebook, cells.MAX_NOTEBOOK_BYTES)
        notebook, repairs = reading.read_restored(submitted, work.release)
    except (FileNotFoundError, SubmissionError) as exc:
        # FAILED, not ERROR: the student can mend it.
        return Graded(assemble.unread(submission, work, _explain_unread(exc, submission)), submitted, None)
    except Exception:
        return Graded(assemble.undecided(submission, work, traceback.format_exc()), submitted, None)
    taken = _HandedIn(submission, work, tools, submitted, repairs, begin, queue_s)
    for number in range(1, TRIES + 1):
        try:
            return _fairly(taken.for_try(number), notebook)
        except InfrastructureError:
            taken.log.append(f"try {number}:\n{traceback.format_exc()}")
        except Exception:  # a fault of our own code: it would come again
            taken.log.append(traceback.format_exc())
            break
    # If any try reached the notebook, its code may be the cause, and the attempt counts.
    log, ran = "".join(taken.log), next(iter(taken.isolation), "")
    return Graded(assemble.undecided(submission, work, log, ran), submitted, None)


def _explain_unread(exc: Exception, submission: Submission) -> Message:
    if isinstance(exc, SubmissionError):
        return Message("The notebook could not be read: {reason}", reason=exc.words)
    names = notebooks(submission.folder)
    if len(names) > 1:
        return Message(
            "There is no {name} in what was handed in, and {count} notebooks of other names: {names}. Hand in one, under this name.",
            name=submission.notebook.name,
            count=len(names),
            names=workplace.some_names(names),
        )
    return Message(
        "There is no {name} in what was handed in. Hand in the notebook under this name.",
        name=submission.notebook.name,
    )


@dataclass(frozen=True)
class _HandedIn:
    """A submission that could be read, and what every run of it needs.

    Attributes:
        submission: what was handed in.
        work: what it is graded with.
        tools: what grades it.
        submitted: the notebook's bytes.
        repairs: what was put right in it.
        begin: `time.monotonic()` when its grading began.
        queue_s: seconds that it waited before.
        notices: what is to be said of this run, beside what it gives rise to itself.
        facts: what its provenance says of this run.
        log: tracebacks of the tries before.
        isolation: how each run that reached the notebook was isolated.
    """

    submission: Submission
    work: Work
    tools: Tools
    submitted: bytes
    repairs: tuple[Repair, ...]
    begin: float
    queue_s: float
    notices: tuple[Message, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    isolation: list[str] = field(default_factory=list)

    def for_try(self, number: int) -> _HandedIn:
        """Return it for a try after the first one, which was lost through no fault of the submission."""
        if number == 1:
            return self
        notice = Message(
            "The grader had to run this submission {number} times, for reasons of its own. Only the last run counts.",
            number=number,
        )
        return self.again(notice, tries=str(number))

    def again(self, notice: Message, **facts: str) -> _HandedIn:
        """Return it for another run, of which something is to be said."""
        return dataclasses.replace(self, notices=(notice, *self.notices), facts={**self.facts, **facts})


@dataclass(frozen=True)
class _Ran:
    """One run: what it gave, and what it went through."""

    graded: Graded
    execution: Execution
    asking: probe.Asking

    @property
    def late_through_others(self) -> bool:
        """Whether a time limit was met while others kept the notebook from the processors."""
        late = self.execution.limit in (Limit.WALL, Limit.CELL) or bool(self.asking.spent)
        return late and self.execution.overloaded


def _fairly(taken: _HandedIn, notebook: NotebookNode) -> Graded:
    """Run a notebook, and once more where its machine, or one cell's memory, took from it what it had earned."""
    # The turn ends with the run: to ask for another one while holding it would wait for itself.
    desk = taken.work.desk
    with turn(desk, alone=False):
        first = _run(taken, notebook)
    execution, asking = first.execution, first.asking
    # The machine took the time: whoever was merely slow has no second run (ADR 13).
    if first.late_through_others:
        with turn(desk, alone=True):
            # It counts whatever it meets: a fork bomb, too, makes a machine look busy, and would end as our error.
            return _run(taken.again(notices.alone(), alone="yes"), notebook).graded
    # Only where one cell's memory cost answers: a full GPU says nothing of a cell's definitions, and a notebook
    # that raises MemoryError far below the limit asks for a second draw.
    index = execution.hits.get(Limit.MEMORY)
    if index is None or execution.gpu_full or not asking.lost or not execution.near_memory:
        return first.graded
    number, shorter = _without_cell(notebook, execution.notebook, index)
    with turn(desk, alone=False):
        # Whatever it earned: were the better one to count, who provoked this would have two draws.
        return _run(taken.again(notices.left_out(number), left_out=f"cell {number}"), shorter).graded


def _without_cell(notebook: NotebookNode, executed: NotebookNode, index: int) -> tuple[int, NotebookNode]:
    """Return the number of a cell of an executed notebook, and the notebook to run with an error in that cell's place."""
    number = sum(1 for cell in executed.cells[: index + 1] if cell.cell_type == "code")
    shorter = copy.deepcopy(notebook)
    for cell in shorter.cells:
        # By id, not by position: papermill has put a cell with the parameters into the executed notebook.
        if cell.get("id") == executed.cells[index].get("id"):
            cell.source = _definitions(cell.source)
    return number, shorter


def _definitions(source: str) -> str:
    """Return what a cell imports and defines, and an error in place of everything else that it does."""
    return f'{reading.definitions_of(source)}\n\nraise MemoryError("this cell met the memory limit: all but its definitions was left out")'


def _run(taken: _HandedIn, notebook: NotebookNode) -> _Ran:
    """Execute a notebook in a fresh kernel, ask it, and judge what it answered."""
    from grader.execution import gpu_slots

    submission, work = taken.submission, taken.work
    context, limits = work.context, work.context.assignment.limits_on(work.context.card)
    with (
        workplace.folder(work) as folder,
        # A GPU that was full is the submission's fault only where nothing else was on it: a second run has it alone.
        gpu_slots.hold(work.device, limits.gpus, work.gpus, alone=bool(taken.isolation)) as gpus,
    ):
        # Before the lease, since a sandboxed kernel starts with a copy of this folder.
        told = [*taken.notices, *workplace.lay_out(folder, submission, work)]
        asking = probe.Asking(
            context.plan,
            context.assignment,
            folder,
            context.order,
            context.rehearsal,
            public=not context.complete,
        )
        execution, sandbox = _execute(taken, notebook, asking, folder, gpus)
        believed_verdicts, execution = _believed(taken, notebook, execution, gpus)
        judging = time.monotonic()
        # While the GPUs are still held, so that a trial runs on the very same ones.
        try_out = functools.partial(gpu_trial.try_out, work.kernel, gpus, sandboxed=work.sandbox != "none")
        execution, answers = gpu_blame.settle(execution, asking.answers(_why_dead(execution)), gpus, try_out)
    # The kernel, its folder and the GPUs are given back: checks need the arrays alone.
    taken.tools.watch("judge", 0, 0)
    verdicts = believed_verdicts or taken.tools.judge(answers, context)
    now = time.monotonic()
    spent = (execution.kernel_s, execution.execute_s, execution.probe_s, now - judging, now - taken.begin)
    grade = assemble.grade_of(
        submission,
        work,
        verdicts,
        execution=execution,
        sandbox=sandbox,
        seconds=Seconds(round(taken.queue_s, 3), *(round(seconds, 3) for seconds in spent)),
        repairs=taken.repairs,
        notices=[*told, *notices.on_run(execution, limits, asking.overruns())],
        provenance={**taken.facts, **({"gpu": gpus.describe()} if gpus.devices else {})},
        log="".join(taken.log),
    )
    return _Ran(Graded(grade, taken.submitted, execution.notebook, _values(answers)), execution, asking)


def _believed(
    taken: _HandedIn, notebook: NotebookNode, execution: Execution, gpus: gpu_slots.Held
) -> tuple[Verdicts | None, Execution]:
    """Return what the notebook's own tests say, where they decide; it runs once more where hidden ones are among them."""
    work, assignment = taken.work, taken.work.context.assignment
    if work.tests is None:
        return None, execution
    complete = believed.with_hidden_tests(notebook, work.tests)
    if complete == notebook:
        return believed.verdicts(assignment, [believed.Runs(execution)]), execution
    # In a folder and a kernel of its own: what the first run left behind must not be there.
    with workplace.folder(work) as folder:
        workplace.lay_out(folder, taken.submission, work)
        nothing = probe.Asking({}, assignment, folder, ())
        tested, _ = _execute(taken, complete, nothing, folder, gpus)
    return believed.verdicts(assignment, [believed.Runs(execution, tested)]), believed.joined(
        execution, tested
    )


def _execute(
    taken: _HandedIn,
    notebook: NotebookNode,
    asking: probe.Asking,
    folder: Path,
    gpus: gpu_slots.Held,
) -> tuple[Execution, str]:
    """Run the notebook in a kernel of its own, and ask it; return what became of it, and how it was isolated."""
    from grader.execution import engine

    work, watch = taken.work, taken.tools.watch
    limits = work.context.assignment.limits_on(work.context.card)

    def ask(client: engine.GradingClient) -> None:
        watch("ask", 0, 0)
        asking.ask(client)

    with _leased(taken, folder, gpus) as lease:
        run = engine.Run(
            lease,
            limits,
            ask,
            gpu=bool(gpus.devices),
            # From here on an error may be the notebook's doing.
            begin=lambda: taken.isolation.append(lease.sandbox),
            step=functools.partial(watch, "cell"),
        )
        execution = engine.run(notebook, run, workplace.parameters(lease, folder, work))
        neutral = workplace.without_paths(execution.notebook, folder, work)
        return dataclasses.replace(execution, notebook=neutral), lease.sandbox


@contextlib.contextmanager
def _leased(taken: _HandedIn, folder: Path, gpus: gpu_slots.Held) -> Iterator[kernels.Lease]:
    from grader.execution import kernels

    work = taken.work
    assignment = work.context.assignment
    variables = {**gpus.environment(), **visible.withheld(exercise.id for exercise in assignment.exercises)}
    if work.tests is not None:
        variables |= believed.VARIABLES
    if work.sandbox == "none":
        sandbox, environment = None, {**workplace.environment(folder, work), **variables}
    else:
        limits = assignment.limits_on(work.context.card)
        environment = dict[str, str]()  # a sandboxed kernel gets its own from the sandbox
        sandbox = kernels.Sandbox(limits, work.data_dir, gpus.nodes, variables, taken.tools.features)
    with kernels.lease(work.kernel, cwd=folder / "work", environment=environment, sandbox=sandbox) as lease:
        yield lease


def _why_dead(execution: Execution) -> Message:
    """Say why the kernel was gone before everything was asked; `NOTHING` when it was not."""
    if not execution.dead:
        return NOTHING
    if execution.broken:
        return execution.broken
    if not execution.failed:
        return Message("the kernel ended while it was asked.")
    # The last one: no cell was run after the kernel's end.
    cell = execution.failed[-1]
    return Message(
        "the kernel ended in code cell {number} ({error}).", number=cell.number, error=cell.message
    )


def _values(answers: Answers) -> dict[str, Array]:
    """Return the answers that keep their contract, by set and number."""
    return {
        f"{name}-{number:04d}": answer.value
        for name, given in answers.items()
        if not isinstance(given, SubmissionError)
        for number, answer in enumerate(given)
    }
