"""Assignments and their limits, read from `assignment.toml` and `staff/hidden.toml` and validated.

Every threshold, budget and limit of an assignment stands there, with its unit in its name. A mistake is a
`SpecError` that names the file, the key, what was found and what is allowed.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AwareDatetime, BaseModel, Field, ValidationError, model_validator

from grader import records
from grader.assignment.calibrated import Calibration
from grader.assignment.names import PlainName
from grader.assignment.source_files import that_decide
from grader.errors import SpecError
from grader.limits import Limits
from grader.schema import Strict, mistakes, refuse, told

Name = str
Size = Annotated[int, Field(ge=0)]
Dtype = Literal["float", "float32", "float64", "int", "int64", "uint8", "bool", "str"]
NO_CARD = records.NO_CARD
IN_THE_NOTEBOOK = "in the notebook"
CALIBRATED = b"# Written by `pawgrade calibrate`"  # what stands from here on in hidden.toml
PICTURES = "pictures.py"  # of an assignment's folder: it draws for the feedback, and decides nothing


class Exercise(Strict):
    """A graded unit: `points` are the sum over its checks, and stand in its locked cell."""

    id: Name
    title: str
    points: float = Field(ge=0)


class Value(Strict):
    """The contract of one input or of the output.

    Attributes:
        name: the argument's name; unused for an output.
        dtype: `float` and `int` admit every width; `bool` admits 0/1 integers.
        shape: sizes; a name stands for a size bound by an input's shape or value, or for a free one. Empty: one number.
        free: names in the shape of an output whose sizes the answer chooses, each with its smallest and largest size.
        finite: whether NaN and infinities are refused.
        meaning: what it is, for people.
    """

    name: str = ""
    dtype: Dtype
    shape: tuple[int | str, ...] = ()
    free: dict[str, tuple[Size, Size]] = Field(default_factory=dict)
    finite: bool = True
    meaning: str = ""

    @model_validator(mode="after")
    def _free_names_stand_in_the_shape(self) -> Self:
        for name, (smallest, largest) in self.free.items():
            if name not in self.shape:
                raise ValueError(f"free: {name!r} does not stand in the shape {list(self.shape)}")
            if smallest > largest:
                raise ValueError(
                    f"free.{name}: the smallest size ({smallest}) is above the largest ({largest})"
                )
        return self


class EntryPoint(Strict):
    """A function that the notebook must define.

    Attributes:
        name: the function's name.
        budget_s: seconds for the questions of one set: sets that ask the same function do not take time from each other.
        inputs: positional arguments.
        output: what it must return.
        notebook: name of the notebook that defines it; "": the assignment's only one.
    """

    name: Name
    notebook: str = ""
    budget_s: float = Field(gt=0)
    inputs: tuple[Value, ...] = ()
    output: Value

    @model_validator(mode="after")
    def _readable(self) -> Self:
        if self.output.dtype == "str":
            raise ValueError("output.dtype: an entry point answers with numbers, not text")
        return self

    @model_validator(mode="after")
    def _sizes_are_known(self) -> Self:
        if any(value.free for value in self.inputs):
            raise ValueError("inputs: only an output has free sizes; those of an input are what is asked")
        bound = {size for value in self.inputs for size in value.shape if isinstance(size, str)}
        # A whole number that is an argument may be a size of the answer.
        bound |= {value.name for value in self.inputs if value.dtype in {"int", "int64"} and not value.shape}
        for size in self.output.shape:
            # Bound once and only once: unbound it demands nothing, bound twice the two could disagree.
            if isinstance(size, str) and (size in bound) == (size in self.output.free):
                binding = "by an input and by free" if size in bound else "by no input"
                raise ValueError(
                    f"output.shape: {size!r} is bound {binding}; give it to an input, or bounds in output.free"
                )
        return self

    def signature(self) -> str:
        """Say the contract in one line, for messages."""
        arguments = ", ".join(f"{value.name} {_describe(value)}" for value in self.inputs)
        return f"{self.name}({arguments}) -> {_describe(self.output)}"


class File(Strict):
    """A file beside the notebook that counts as part of the submission."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    max_kb: int = Field(gt=0)


class Levels(Strict):
    """Linear credit between two levels of a measure: 0 points at `zero_at`, all at `full_at`."""

    zero_at: float
    full_at: float

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.zero_at >= self.full_at:
            raise ValueError(f"zero_at ({self.zero_at}) must be below full_at ({self.full_at})")
        return self


class Data(Strict):
    """What an assignment says about one data card.

    Attributes:
        label_space: one of the card's; "": its first.
        limits: limits that differ on this card.
        levels: credit levels by exercise or check.
        counts: how many photos, classes and the like the checks ask about, by name.
    """

    label_space: str = ""
    limits: dict[str, float] = Field(default_factory=dict)
    levels: dict[str, Levels] = Field(default_factory=dict)
    counts: dict[str, Annotated[int, Field(gt=0)]] = Field(default_factory=dict)


class Assignment(Strict):
    """The public description of an assignment: what `assignment.toml` holds.

    Its notebooks are files `<name>.ipynb` beside it; where none is named, there is one, called as the assignment is. `graded` is
    `by checks`, which ask the notebook from outside, or `in the notebook`: by the tests in its own cells, as nbgrader grades, so
    that the student's kernel says what the points are.
    """

    id: PlainName
    title: str
    notebooks: tuple[PlainName, ...] = Field((), min_length=1)
    points: float = Field(gt=0)
    pass_points: float = Field(ge=0)
    graded: Literal["by checks", "in the notebook"] = "by checks"
    deadline: AwareDatetime | None = None  # from when on a quiz is explained, and for nothing else
    backbone: str = "efficientnet_lite0"
    repeat_within: float = Field(
        0.02, ge=0
    )  # by what a measure may differ between two runs with the same seed
    limits: Limits = Limits()
    exercises: tuple[Exercise, ...] = Field(min_length=1)
    manual: tuple[Exercise, ...] = ()
    entry_points: tuple[EntryPoint, ...] = ()
    files: tuple[File, ...] = ()
    data: dict[str, Data] = Field(default_factory=dict)
    levels: dict[str, Levels] = Field(default_factory=dict)  # of an assignment without a data card
    counts: dict[str, Annotated[int, Field(gt=0)]] = Field(default_factory=dict)  # the same

    @model_validator(mode="before")
    @classmethod
    def _one_notebook(cls, values: Any) -> Any:  # noqa: ANN401 - what a file holds
        """Name the notebook of an assignment that names none."""
        if isinstance(values, dict) and "notebooks" not in values and isinstance(values.get("id"), str):
            return {**values, "notebooks": [values["id"]]}
        return values

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        ids = [exercise.id for exercise in (*self.exercises, *self.manual)]
        # All of them, so that one look mends the file.
        problems = [f"exercise ids must differ, found {ids}"] if len(set(ids)) != len(ids) else []
        for kind, names in (
            ("entry_points", [entry.name for entry in self.entry_points]),
            ("files", [file.name for file in self.files]),
            # Some disks take names for equal that differ in case alone.
            ("notebooks", [name.casefold() for name in self.notebooks]),
        ):
            if len(set(names)) != len(names):
                problems.append(f"{kind}: names must differ, found {names}")
        problems += [
            f"entry point {entry.name}: expected notebook = one of {', '.join(self.notebooks)}, found {entry.notebook!r}"
            for entry in self.entry_points
            # Which one defines it cannot be told from outside, and a guess would cost everybody's points.
            if entry.notebook not in self.notebooks and (entry.notebook or len(self.notebooks) > 1)
        ]
        total = sum(exercise.points for exercise in (*self.exercises, *self.manual))
        # Points may be decimal fractions, whose sums are not exact in binary.
        if abs(total - self.points) > 1e-9:
            problems.append(f"points is {self.points:g}, but the exercises add up to {total:g}")
        if self.data and (self.levels or self.counts):
            problems.append("levels and counts stand in [data.<card>] where there is a data card")
        if self.in_the_notebook and (self.entry_points or self.levels or self.data):
            problems.append(
                f"graded is {IN_THE_NOTEBOOK!r}: entry_points, levels and data are for checks, which are not run"
            )
        if not self.in_the_notebook:
            # nbgrader allows tests that are worth nothing.
            problems += [
                f"exercise {exercise.id!r}: points must be more than 0"
                for exercise in (*self.exercises, *self.manual)
                if not exercise.points
            ]
        if self.pass_points > self.points:
            problems.append(f"pass_points ({self.pass_points:g}) is more than points ({self.points:g})")
        refuse(type(self), problems)
        return self

    @property
    def in_the_notebook(self) -> bool:
        """Whether the tests in the notebook's own cells give the points."""
        return self.graded == IN_THE_NOTEBOOK

    @property
    def max_points(self) -> float:
        """Points that the grader itself can give: all but the manual ones."""
        return sum(exercise.points for exercise in self.exercises)

    def entry_point(self, name: str) -> EntryPoint:
        """Return the entry point of that name; raises SpecError."""
        for entry_point in self.entry_points:
            if entry_point.name == name:
                return entry_point
        entry_point_names = ", ".join(entry.name for entry in self.entry_points)
        raise SpecError(
            f"assignment {self.id}: no entry point {name!r} in assignment.toml; it has {entry_point_names}."
        )

    def notebook_of(self, entry_point: str) -> str:
        """Return the name of the notebook that defines an entry point; raises SpecError when there is no such function."""
        return self.entry_point(entry_point).notebook or self.notebooks[0]

    def on(self, card: str) -> Data:
        """Return what the assignment says about a data card, or about `NO_CARD` where it has none; raises SpecError."""
        if not self.data and card == NO_CARD:
            return Data(levels=self.levels, counts=self.counts)
        if card not in self.data:
            card_ids = ", ".join(self.data)
            raise SpecError(f"assignment {self.id}: no [data.{card}] in assignment.toml; it has {card_ids}.")
        return self.data[card]

    def limits_on(self, card: str) -> Limits:
        """Return the limits that hold on a data card."""
        try:
            # Validated once more: the limits of a card are plain numbers until they meet the others.
            return Limits.model_validate({**self.limits.model_dump(), **self.on(card).limits})
        except ValidationError as exc:
            raise SpecError(
                f"assignment {self.id}: [data.{card}.limits]: {'; '.join(mistakes(exc))}."
            ) from exc


class Holdout(Strict):
    """Which hidden photos decide grades, and how many of the second holdout are asked about for staff alone."""

    split: Literal["holdout", "second_holdout"] = "holdout"
    second_at_most: int = Field(175, ge=0)


class Hidden(Strict):
    """What `staff/hidden.toml` holds: never released.

    Attributes:
        holdout: the hidden photos.
        levels: secret levels by data card, in place of the public ones.
        calibration: what honest solutions were found to reach, by data card.
    """

    holdout: Holdout = Holdout()
    levels: dict[str, dict[str, Levels]] = Field(default_factory=dict)
    calibration: dict[str, Calibration] = Field(default_factory=dict)


Model = TypeVar("Model", bound=BaseModel)


def load_assignment(folder: Path) -> Assignment:
    """Read `assignment.toml` of a source or release folder; raises SpecError."""
    assignment = _load(folder / "assignment.toml", Assignment)
    if assignment.id != folder.name:
        raise SpecError(
            f"{folder / 'assignment.toml'}: id is {assignment.id!r}, but the folder is {folder.name!r}.",
            "Make them equal: nbgrader finds an assignment by its folder.",
        )
    return assignment


def notebook_names(folder: Path) -> tuple[str, ...]:
    """Return the names of an assignment's notebooks: those that its `assignment.toml` names, else the folder's; raises SpecError."""
    return load_assignment(folder).notebooks if (folder / "assignment.toml").is_file() else (folder.name,)


def load_public(folder: Path) -> Assignment:
    """Read the `assignment.toml` beside a student's notebook, whatever the folder is called; raises SpecError."""
    return _load(folder / "assignment.toml", Assignment)


def load_hidden(folder: Path) -> Hidden:
    """Read `staff/hidden.toml` of a source folder; all defaults when there is none; raises SpecError."""
    path = folder / "staff" / "hidden.toml"
    if not path.is_file():
        return Hidden()
    hidden = _load(path, Hidden)
    # The next calibration replaces all that stands below its marker (`calibration_file.write`).
    written = tomllib.loads(path.read_bytes().partition(CALIBRATED)[2].partition(b"\n")[2].decode())
    if extra := sorted(set(written) - {"calibration"}):
        raise SpecError(
            f"{path}: [{extra[0]}] stands below the line that `pawgrade calibrate` wrote, where it would be lost.",
            "Put it above that line.",
        )
    return hidden


def version(folder: Path) -> str:
    """Return a digest (16 hex digits) of everything in an assignment's source folder that decides a grade.

    A calibration decides none, and neither does what pictures look like: to calibrate, or to mend a drawing, draws no other
    hidden crops and grades nobody again.
    """
    digest = hashlib.sha256()
    for path in that_decide(folder):
        relative = path.relative_to(folder).as_posix()
        if relative == PICTURES:
            continue
        content = path.read_bytes()
        if relative == "staff/hidden.toml":
            # A file with a calibration alone counts as none, so that the first calibration changes no version.
            content = content.partition(CALIBRATED)[0].rstrip()
            if not content:
                continue
        # Path and length in front of the content: no two sets of files give the same stream of bytes.
        digest.update(f"{relative}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def bind_sizes(inputs: Sequence[Value], arguments: Sequence[object]) -> dict[str, int]:
    """Return what the names in a contract's shapes stand for, given the arguments of one call."""
    sizes: dict[str, int] = {}
    for value, argument in zip(inputs, arguments, strict=True):
        # Each named size of an array; other named sizes are whole numbers among the arguments.
        if hasattr(argument, "shape"):
            sizes.update(
                (name, size)
                for name, size in zip(value.shape, argument.shape, strict=True)
                if isinstance(name, str)
            )
        elif isinstance(argument, int):
            sizes[value.name] = argument
    return sizes


def _load(path: Path, model: type[Model]) -> Model:
    try:
        return model.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as exc:
        raise SpecError(f"{path} does not exist.", "Every assignment folder needs one.") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise SpecError(f"{path} is not valid TOML: {exc}.") from exc
    except ValidationError as exc:
        raise SpecError(told(str(path), mistakes(exc))) from exc


def _describe(value: Value) -> str:
    return f"{value.dtype}[{', '.join(map(str, value.shape))}]" if value.shape else value.dtype
