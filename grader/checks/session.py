"""The pytest session that runs checks and turns their outcomes into verdicts.

A check is a plain test function in `check_public.py` or `staff/check_hidden.py`:

```python
@pytest.mark.exercise("recognition", points=30, asks="photos")
def test_top_1(answers, levels):
    \"\"\"Your network names the class of photos it has not seen.\"\"\"
    scores = gather(answers("photos")).plain
    ...
    require_count(correct, of=len(scores), levels=levels["recognition"], what="top-1 accuracy", hint="...")
```

`asks` names the question sets it needs (see `questions(material)` in the same file), `after` the checks that must pass
first. `require`, `require_count`, `require_level` and `require_parts` carry measured, required and hint; a check that calls none of them is an
ERROR, and so is one that raises anything else: what cannot be decided never earns points.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from grader import disclosure
from grader.assignment.spec import Assignment, Levels
from grader.checks.check_files import Mark, read_mark, wanted
from grader.checks.questions import Answer
from grader.checks.requirements import (
    NamedLevels,
    Shortfall,
    fresh_sheet,
    require,
    require_count,
    require_level,
    require_parts,
    sheet,
    show,
)
from grader.errors import SpecError, SubmissionError
from grader.messages import NOTHING, Message, joined, sentences
from grader.records import Check, Picture, Requirement, Status

__all__ = ["require", "require_count", "require_level", "require_parts", "run_checks", "show"]

# pytest's own plugins that stay out: nothing is printed, captured or cached, no fault handler of the host is touched,
# and no garbage is collected five times over, which takes a second beside torch.
_OFF = ["cacheprovider", "capture", "terminal", "faulthandler", "warnings", "logging", "junitxml"]
_OFF += ["unraisableexception", "threadexception"]
ALMOST = 1 - 1e-9  # of the points: who lacks something has not all of them
UNDECIDED = Message("This check could not be decided; your teachers have been told.")


@dataclass(frozen=True)
class Case:
    """The input of one run of checks.

    Attributes:
        assignment: the assignment.
        card: id of the data card, which decides the levels.
        classes: their names.
        groups: name of the group of each class, "" without one.
        answers: per question set the validated answers, or the error that stands in their place.
        levels: secret levels that replace public ones.
        only: run the checks of this exercise, and those they come after, when given.
        ignored: sites of demands that are not made in this run.
        hidden: whether what is asked is hidden, so that verdicts say no more than `disclosure` allows.
        shown: question sets of which all may be said all the same: nothing hidden lies in their answers.
    """

    assignment: Assignment
    card: str
    classes: tuple[str, ...]
    groups: tuple[str, ...]
    answers: Mapping[str, Sequence[Answer] | SubmissionError]
    levels: Mapping[str, Levels] = field(default_factory=dict)
    only: str | None = None
    ignored: frozenset[str] = frozenset()
    hidden: bool = False
    shown: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Verdicts:
    """The outcome of one run of checks.

    Attributes:
        checks: verdicts in order.
        pictures: material for the feedback.
        log: for staff: tracebacks of broken checks.
        second: what checks measured that no report shows.
        staff_pictures: pictures that depend on hidden questions.
    """

    checks: tuple[Check, ...]
    pictures: tuple[Picture, ...] = ()
    log: str = ""
    second: tuple[Requirement, ...] = ()
    staff_pictures: tuple[Picture, ...] = ()


class CheckSession:
    """A pytest plugin that gives checks their fixtures and turns outcomes into verdicts."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.checks: list[Check] = []
        self.pictures: list[Picture] = []
        self.staff_pictures: list[Picture] = []
        self.second: list[Requirement] = []
        self.log: list[str] = []
        self.known: set[str] = set()
        self.waiting: dict[str, Message] = {}  # what checks that were skipped wait for

    def pytest_configure(self, config: pytest.Config) -> None:
        """Register the marker."""
        config.addinivalue_line(
            "markers", "exercise(id, points, asks, after, unreported): the exercise that a check belongs to"
        )

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the checks of the exercise that was asked for, and those they come after; not those without questions."""
        marks = {_name(item): _mark(item) for item in items}
        # Before anything is left out: `after` may name a check that does not run this time.
        self.known = set(marks)
        items[:] = [item for item in items if not marks[_name(item)].unreported or self._asked(item)]
        if self.case.only is not None:
            chosen = wanted(marks, self.case.only)
            items[:] = [item for item in items if _name(item) in chosen]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep what went wrong while a check file was read."""
        if report.failed:
            self.log.append(str(report.longrepr))

    def pytest_internalerror(self, excrepr: object) -> bool:
        """Keep what broke the whole session, and print nothing."""
        self.log.append(str(excrepr))
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
        """Turn the end of a check into a verdict."""
        report = yield
        # A check whose fixtures failed has no call: then the error of its setup is the verdict.
        if (call.when == "call" or call.excinfo is not None) and _mark(item).unreported:
            self._verdict(item, call)  # for its log
            self.second.extend(sheet().requirements)
        elif call.when == "call" or call.excinfo is not None:
            self.checks.append(self._verdict(item, call))
            if self.case.only in (None, _mark(item).exercise):
                self.pictures.extend(sheet().pictures)
                self.staff_pictures.extend(sheet().staff_pictures)
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        """Start each check with an empty sheet."""
        mark, case = _mark(item), self.case
        # Before the fixtures, so that one that fails does not leave the sheet of the check before.
        fresh_sheet(_name(item), case.ignored, hidden=case.hidden, points=mark.points)
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Run a check, unless what it depends on did not pass."""
        unknown = [name for name in _mark(item).after if name not in self.known]
        if unknown:
            raise SpecError(f"{item.nodeid}: `after` names {unknown[0]!r}, and this file has no such check.")
        open_ = [self._title(name) for name in _mark(item).after if not self._passed(name)]
        if open_:
            titles = sentences([Message.of(title) for title in open_])
            # Only a skip that is noted here is ours: a check that skips itself is an ERROR.
            self.waiting[item.nodeid] = Message("First make this pass: {titles}", titles=titles)
            pytest.skip("what it depends on did not pass")
        return (yield)

    def _asked(self, item: pytest.Item) -> bool:
        """Say whether there are answers to what a check asks: a card without a second holdout has no questions to it."""
        sets = [self.case.answers.get(name, ()) for name in _mark(item).asks]
        return self.case.only is None and all(
            isinstance(answer_set, SubmissionError) or len(answer_set) for answer_set in sets
        )

    def _title(self, name: str) -> str:
        return next((check.title for check in self.checks if check.id == name), name)

    def _passed(self, name: str) -> bool:
        return any(check.id == name and check.status is Status.PASSED for check in self.checks)

    def _verdict(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Check:
        mark = _mark(item)
        error = call.excinfo.value if call.excinfo else None
        notes = sheet()
        measured, required = joined(notes.measured), joined(list(dict.fromkeys(notes.required)))
        exact, raised = joined(notes.exact), ""
        title = (item.function.__doc__ or item.name).strip().split("\n")[0]  # type: ignore[attr-defined]

        def verdict(status: Status, points: float = 0.0, hint: Message = NOTHING) -> Check:
            return Check(
                id=_name(item),
                exercise=mark.exercise,
                status=status,
                points=points,
                max_points=mark.points,
                measured=measured,
                required=required,
                hint=hint,
                title=title,
                requirements=tuple(notes.requirements),
                exact=exact if exact != measured else NOTHING,
                raised=raised,
            )

        if error is None and not notes.required:
            self.log.append(
                f"{item.path.name}::{item.name}: the check passed without a single require: it cannot fail."
            )
            return verdict(Status.ERROR, hint=UNDECIDED)
        if error is None:
            # One bound for each measure, so that they can stand side by side; a bound that all share stands once.
            if len(set(notes.required)) > 1:
                required = joined(notes.required)
            return verdict(Status.PASSED, mark.points)
        if isinstance(error, Shortfall):
            # Of the demand that ended the check alone, not of those that were met before it.
            measured, required, exact = error.measured, error.required, notes.exact[-1]
            return verdict(
                Status.FAILED, self._part(error.share, mark.points), self._told(item, error.hint).hint
            )
        if isinstance(error, SubmissionError):
            told = self._told(item, error.hint, error)
            measured, exact, raised = told.message, error.message, error.raised
            required = required or _contract(told.message)
            return verdict(Status.FAILED, hint=told.hint)
        if isinstance(error, pytest.skip.Exception) and item.nodeid in self.waiting:
            return verdict(Status.SKIPPED, hint=self.waiting[item.nodeid])
        if call.excinfo is not None:
            # From the check file on: the frames of pytest above it tell staff nothing.
            call.excinfo.traceback = call.excinfo.traceback.cut(path=item.path)
            self.log.append(f"{item.path.name}::{item.name}\n{call.excinfo.getrepr(style='short')}")
        return verdict(Status.ERROR, hint=UNDECIDED)

    def _part(self, share: float, max_points: float) -> float:
        """Return the points for a share of a demand, never all of them: these mean PASSED."""
        if self.case.hidden:
            return disclosure.points(min(share, ALMOST), max_points)
        # Rounding must not turn almost all points into all of them.
        return max(min(round(share * max_points, 2), max_points - 0.01), 0.0)

    def _told(
        self, item: pytest.Item, hint: Message, error: SubmissionError | None = None
    ) -> SubmissionError:
        """Return a check's words as they may be told; errors that stand for answers had theirs chosen where answers are read."""
        message = error.message if error else NOTHING
        if not self.case.hidden or any(error is answer_set for answer_set in self.case.answers.values()):
            return SubmissionError(message, hint)
        check_literals = disclosure.literals(item.path)
        return SubmissionError(
            disclosure.error(message, check_literals), disclosure.hint(hint, check_literals)
        )

    @pytest.fixture
    def answers(self, request: pytest.FixtureRequest) -> Callable[[str], Sequence[Answer]]:
        """`answers("photos")`: the answers to a question set of the mark's `asks`; a missing or bad answer fails the check."""
        asks = _mark(request.node).asks

        def of(name: str) -> Sequence[Answer]:
            if name not in asks:  # a student's own check would not have asked it
                raise SpecError(f"answers({name!r}): the check's mark asks {', '.join(asks) or 'nothing'}.")
            answer_set = self.case.answers[name]
            # From here on the pictures of this check are for staff: `requirements.show`.
            sheet().seen |= name not in self.case.shown
            if isinstance(answer_set, SubmissionError):
                raise answer_set
            return answer_set

        return of

    @pytest.fixture
    def levels(self) -> dict[str, NamedLevels]:
        """Credit levels on the data card in use, secret ones included."""
        # The secret levels come last, so they win.
        levels_by_name = {**self.case.assignment.on(self.case.card).levels, **self.case.levels}
        return {name: NamedLevels(name=name, **level.model_dump()) for name, level in levels_by_name.items()}

    @pytest.fixture
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.case.classes

    @pytest.fixture
    def groups(self) -> tuple[str, ...]:
        """Name of the group of each class, "" without one."""
        return self.case.groups


def _contract(message: Message) -> Message:
    """Return what a refused answer should have been, in the words of the message that refuses it."""
    expected = message.parameters.get(
        "expected"
    )  # of `answers.found_instead`, which tells no more than it may
    return (
        expected
        if isinstance(expected, Message)
        else Message("an answer of the type and shape that assignment.toml names")
    )


def _name(item: pytest.Item) -> str:
    return item.name.removeprefix("test_")


def _mark(item: pytest.Item) -> Mark:
    mark = item.get_closest_marker("exercise")
    if mark is None or not mark.args:
        return Mark()
    return read_mark(mark)


def run_checks(path: Path, case: Case) -> Verdicts:
    """Run the checks of one file on a case, apart from any pytest settings around.

    A file that cannot be collected gives no verdicts and a log; the caller must treat that as ERROR.
    """
    session = CheckSession(case)
    with tempfile.TemporaryDirectory(prefix="pawgrade-checks-") as folder, _clean_environment():
        # A settings file and root of our own: pytest looks at no other settings and no conftest.py around the
        # checks.
        settings = Path(folder) / "pytest.ini"
        settings.write_text("[pytest]\n", encoding="utf-8")
        options = ["-c", str(settings), "--rootdir", folder, "--import-mode=importlib", "--noconftest"]
        options += [f"-pno:{name}" for name in _OFF]
        code = pytest.main([*options, str(path)], plugins=[session])
        for name, module in list(sys.modules.items()):
            if getattr(module, "__dict__", {}).get("__file__") == str(path):
                del sys.modules[name]  # whoever edits a check and runs it again must meet the new one
    # A failed check is a verdict; only the end of the session itself is worth a log.
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED):
        session.log.append(f"{path.name}: pytest ended with {pytest.ExitCode(code).name}")
    checks = tuple(check for check in session.checks if case.only in (None, check.exercise))
    return Verdicts(
        checks,
        tuple(session.pictures),
        "\n\n".join(session.log),
        second=tuple(session.second),
        staff_pictures=tuple(session.staff_pictures),
    )


@contextlib.contextmanager
def _clean_environment() -> Iterator[None]:
    """Hide the settings that would make pytest load or do more than asked."""
    names = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD", "PYTEST_CURRENT_TEST")
    before = {name: os.environ.pop(name, None) for name in names}
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # nothing is left beside the checks
    try:
        yield
    finally:
        sys.dont_write_bytecode = bytecode
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
