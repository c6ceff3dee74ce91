"""The path of one submission: read, restore, execute, probe, evaluate, score."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbformat import NotebookNode

from grader import visible
from grader.checks.questions import Array
from grader.checks.session import Verdicts
from grader.errors import InfrastructureError, SubmissionError
from grader.execution import gpu_trial
from grader.grading import assemble, believed, gpu_blame, notices, preparation, workplace
from grader.grading.handed_in import Read, read_notebooks, without_cell
from grader.grading.preparation import Order, Work
from grader.grading.quizzes import personal
from grader.judging import evaluate, probe, stored_answers
from grader.judging.evaluate import Context
from grader.judging.plan import asking_of, notebook_of_set
from grader.judging.probe import Answers
from grader.messages import NOTHING, Message
from grader.records import Grade, Limit, Seconds, Submission

if TYPE_CHECKING:
    from grader.execution import gpu_slots, kernels
    from grader.execution.run import Execution

TRIES = 3  # after errors of ours that another run may not meet


@dataclass(frozen=True)
class Graded:
    """What grading one submission gave: the grade and what belongs into its attempt.

    Attributes:
        grade: the grade.
        submitted: the notebooks as handed in, by name; those that are not there are missing.
        executed: the notebooks as far as they ran, by name; those that did not run are missing.
        answers: validated answers of the probes, by question set and number.
        sets: how many answers each question set has, or why it has none; None: nothing was asked.
    """

    grade: Grade
    submitted: dict[str, bytes]
    executed: dict[str, NotebookNode]
    answers: dict[str, Array] = field(default_factory=dict)
    sets: dict[str, Any] | None = None


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
    submission = dataclasses.replace(submission, notebooks=work.context.assignment.notebooks)
    try:
        # Before the tries: the same bytes would be refused each time.
        work = personal.of_student(work, submission.student)
        read = read_notebooks(submission, work)
    except Exception:
        return Graded(assemble.undecided(submission, work, traceback.format_exc()), {}, {})
    if not read.notebooks:
        # FAILED, not ERROR: the student can mend it.
        return Graded(assemble.unread(submission, work, read.refused), read.submitted, {})
    taken = _HandedIn(submission, work, tools, read, begin, queue_s)
    for number in range(1, TRIES + 1):
        try:
            again = taken.for_try(number)
            return _judge(again, _run_all(again))
        except InfrastructureError:
            taken.log.append(f"try {number}:\n{traceback.format_exc()}")
        except Exception:  # a fault of our own code: it would come again
            taken.log.append(traceback.format_exc())
            break
    # If any try reached a notebook, its code may be the cause, and the attempt counts.
    log, ran = "".join(taken.log), next(iter(taken.isolation.values()), "")
    return Graded(assemble.undecided(submission, work, log, ran), read.submitted, {})


@dataclass(frozen=True)
class _HandedIn:
    """A submission that could be read, and what every run of it needs.

    Attributes:
        submission: what was handed in.
        work: what it is graded with.
        tools: what grades it.
        read: its notebooks.
        begin: `time.monotonic()` when its grading began.
        queue_s: seconds that it waited before.
        notices: what is to be said of this run, beside what it gives rise to itself.
        facts: what its provenance says of this run.
        log: tracebacks of the tries before.
        isolation: how the runs that reached a notebook were isolated, by its name.
    """

    submission: Submission
    work: Work
    tools: Tools
    read: Read
    begin: float
    queue_s: float
    notices: tuple[Message, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    isolation: dict[str, str] = field(default_factory=dict)

    def for_try(self, number: int) -> _HandedIn:
        """Return it for a try after the first one, which was lost through no fault of the submission."""
        if number == 1:
            return self
        notice = Message(
            "The grader had to run this submission {number} times, for reasons of its own. Only the last run counts.",
            number=number,
        )
        return dataclasses.replace(
            self, notices=(notice, *self.notices), facts={**self.facts, "tries": str(number)}
        )

    def of(self, name: str, words: Message) -> Message:
        """Return what is said of one notebook; where there are several, with its name."""
        if len(self.submission.paths) == 1:
            return words
        return Message("{notebook}: {words}", notebook=name, words=words)


@dataclass(frozen=True)
class _Ran:
    """One run of one notebook: what it gave, and what it went through.

    Attributes:
        name: of the notebook.
        execution: what became of it.
        asking: what it was asked.
        answers: what it answered, to its own question sets.
        sandbox: how it was isolated.
        left_out: what of the submission's folder was left out.
        facts: what the grade's provenance says of this run.
        again: why this is another run than the first; `NOTHING` for the first one.
        tested: its run with hidden tests in it; None: there are none.
    """

    name: str
    execution: Execution
    asking: probe.Asking
    answers: Answers
    sandbox: str
    left_out: list[Message]
    facts: dict[str, str] = field(default_factory=dict)
    again: Message = NOTHING
    tested: Execution | None = None

    @property
    def late_through_others(self) -> bool:
        """Whether a time limit was met while others kept the notebook from the processors."""
        late = self.execution.limit in (Limit.WALL, Limit.CELL) or bool(self.asking.spent)
        return late and self.execution.overloaded


def _run_all(taken: _HandedIn) -> list[_Ran]:
    """Run the notebooks of a submission, each in a kernel of its own."""
    runs: list[_Ran] = []
    for name in taken.read.notebooks:
        # A page tells one failure on hidden photos, however many notebooks it is about.
        told_of = runs[-1].asking.told_of if runs else {}
        runs.append(_fairly(taken, name, told_of))
    return runs


def _fairly(taken: _HandedIn, name: str, told_of: Mapping[str, SubmissionError]) -> _Ran:
    """Run a notebook, and once more where its machine, or one cell's memory, took from it what it had earned."""
    # The turn ends with the run: to ask for another one while holding it would wait for itself.
    desk, notebook = taken.work.desk, taken.read.notebooks[name]
    with workplace.turn(desk, alone=False):
        first = _run(taken, name, notebook, told_of)
    execution, asking = first.execution, first.asking
    # The machine took the time: whoever was merely slow has no second run (ADR 13).
    if first.late_through_others or believed.late_through_others(first.tested):
        with workplace.turn(desk, alone=True):
            # It counts whatever it meets: a fork bomb, too, makes a machine look busy, and would end as our error.
            second = _run(taken, name, notebook, told_of)
        return _second(second, notices.alone(), alone="yes") if first.late_through_others else second
    # Only where one cell's memory cost answers: a full GPU says nothing of a cell's definitions, and a notebook
    # that raises MemoryError far below the limit asks for a second draw.
    index = execution.hits.get(Limit.MEMORY)
    if index is None or execution.gpu_full or not asking.lost or not execution.near_memory:
        return first
    number, shorter = without_cell(notebook, execution.notebook, index)
    with workplace.turn(desk, alone=False):
        # Whatever it earned: were the better one to count, who provoked this would have two draws.
        second = _run(taken, name, shorter, told_of)
    cell = f"cell {number}" if len(taken.submission.paths) == 1 else f"{name}, cell {number}"
    return _second(second, notices.left_out(number), left_out=cell)


def _second(ran: _Ran, notice: Message, **facts: str) -> _Ran:
    return dataclasses.replace(ran, again=notice, facts={**ran.facts, **facts})


def _run(taken: _HandedIn, name: str, notebook: NotebookNode, told_of: Mapping[str, SubmissionError]) -> _Ran:
    """Execute a notebook in a fresh kernel, and ask it what its functions are asked."""
    from grader.execution import gpu_slots

    work = taken.work
    limits = work.context.assignment.limits_on(work.context.card)
    with (
        workplace.folder(work) as folder,
        # A GPU that was full is the submission's fault only where nothing else was on it: a second run has it alone.
        gpu_slots.hold(work.device, limits.gpus, work.gpus, alone=name in taken.isolation) as gpus,
    ):
        # Before the lease, since a sandboxed kernel starts with a copy of this folder.
        left_out = workplace.lay_out(folder, taken.submission, work)
        asking = asking_of(work.context, name, folder, told_of)
        execution, sandbox = _execute(taken, name, notebook, asking, folder, gpus)
        # While the GPUs are still held, so that a trial runs on the very same ones.
        try_out = functools.partial(gpu_trial.try_out, work.kernel, gpus, sandboxed=work.sandbox != "none")
        execution, answers = gpu_blame.settle(
            execution, asking.answers(notices.why_dead(execution)), gpus, try_out
        )
        tested = _with_hidden_tests(taken, name, notebook, gpus)
    facts = {"gpu": gpus.describe()} if gpus.devices else {}
    whole = execution if tested is None else believed.joined(execution, tested)
    return _Ran(name, whole, asking, answers, sandbox, left_out, facts, tested=tested)


def _with_hidden_tests(
    taken: _HandedIn, name: str, notebook: NotebookNode, gpus: gpu_slots.Held
) -> Execution | None:
    """Run a notebook once more, with the hidden tests of its source in it; None where there are none."""
    work, tests = taken.work, taken.work.tests.get(name)
    complete = believed.with_hidden_tests(notebook, tests) if tests else notebook
    if complete == notebook:
        return None
    # In a folder and a kernel of its own: what the first run left behind must not be there.
    with workplace.folder(work) as folder:
        workplace.lay_out(folder, taken.submission, work)
        nothing = probe.Asking({}, work.context.assignment, folder, ())
        return _execute(taken, name, complete, nothing, folder, gpus)[0]


def _judge(taken: _HandedIn, runs: Sequence[_Ran]) -> Graded:
    """Judge what the notebooks answered, and put the grade together."""
    # The kernels, their folders and the GPUs are given back: checks need the arrays alone.
    taken.tools.watch("judge", 0, 0)
    judging, context, read = time.monotonic(), taken.work.context, taken.read
    answers = {name: given for ran in runs for name, given in ran.answers.items()}
    # In the order of the plan, as one kernel would have answered.
    in_order = {name: answers[name] if name in answers else _unasked(taken, name) for name in context.plan}
    with workplace.turn(taken.work.desk, alone=False):
        verdicts = (
            believed.verdicts(context.assignment, runs, read.refused_exercises(taken.work))
            if context.assignment.in_the_notebook
            else taken.tools.judge(in_order, context)
        )
    limits, now = context.assignment.limits_on(context.card), time.monotonic()
    spent = [
        sum(getattr(ran.execution, step) for ran in runs) for step in ("kernel_s", "execute_s", "probe_s")
    ]
    spent += [now - judging, now - taken.begin]
    on_runs = [
        taken.of(ran.name, words)
        for ran in runs
        for words in notices.on_run(ran.execution, limits, ran.asking.overruns())
    ]
    grade = assemble.grade_of(
        taken.submission,
        taken.work,
        verdicts,
        executions={ran.name: ran.execution for ran in runs},
        sandbox=runs[0].sandbox,
        seconds=Seconds(round(taken.queue_s, 3), *(round(seconds, 3) for seconds in spent)),
        repairs=tuple(read.repairs),
        notices=[
            *read.refused.values(),
            *(taken.of(ran.name, ran.again) for ran in runs if ran.again),
            *taken.notices,
            *runs[0].left_out,  # of the submission's folder: every run says the same
            *on_runs,
        ],
        provenance=_facts(taken, runs),
        log="".join(taken.log),
        flags=believed.flags(context.assignment, {ran.name: ran for ran in runs}),
    )
    arrays, sets = stored_answers.pack(in_order)
    executed = {ran.name: ran.execution.notebook for ran in runs}
    return Graded(grade, read.submitted, executed, arrays, sets)


def _unasked(taken: _HandedIn, question_set: str) -> SubmissionError:
    """Say why nothing was asked of a question set: its notebook is not there, or could not be read."""
    context = taken.work.context
    name = notebook_of_set(context.assignment, context.plan[question_set])
    return SubmissionError(taken.read.refused[name])


def _facts(taken: _HandedIn, runs: Sequence[_Ran]) -> dict[str, str]:
    """Return what the provenance says of the runs, joined where several notebooks have something to say."""
    facts: dict[str, list[str]] = {}
    for ran in runs:
        for key, value in ran.facts.items():
            facts.setdefault(key, []).append(value)
    return {**taken.facts, **{key: "; ".join(dict.fromkeys(values)) for key, values in facts.items()}}


def _execute(
    taken: _HandedIn,
    name: str,
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
            begin=lambda: taken.isolation.update({name: lease.sandbox}),
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
    if assignment.in_the_notebook:
        variables |= believed.VARIABLES
    if work.sandbox == "none":
        sandbox, environment = None, {**workplace.environment(folder, work), **variables}
    else:
        limits = assignment.limits_on(work.context.card)
        environment = dict[str, str]()  # a sandboxed kernel gets its own from the sandbox
        sandbox = kernels.Sandbox(limits, work.data_dir, gpus.nodes, variables, taken.tools.features)
    with kernels.lease(work.kernel, cwd=folder / "work", environment=environment, sandbox=sandbox) as lease:
        yield lease
