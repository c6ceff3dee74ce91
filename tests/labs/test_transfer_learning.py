"""Cats and dogs: what the checks say to honest solutions, to the usual mistakes and to tricks; the notebook for real.

Most solutions are judged without a kernel: the notebook's cells run here, on drawn pets, and what its functions
answer goes through the same contracts and checks. A frozen network is asked about each picture once for all tests.
"""

from __future__ import annotations

import contextlib
import copy
import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
import torch
from nbformat import NotebookNode
from torch import nn

from grader import lab
from grader.assignment.course import packaged_course
from grader.assignment.spec import bind_sizes, load_assignment
from grader.authoring.variants import Variant, apply, read_variants
from grader.checks.check_files import load_checks
from grader.checks.questions import Answer, Material
from grader.checks.session import Case, Verdicts, run_checks
from grader.datasets import views
from grader.errors import SubmissionError
from grader.feedback import publish
from grader.feedback.figures import draw
from grader.feedback.picture_files import load_pictures
from grader.grading import preparation
from grader.grading.submission import grade_submission
from grader.judging.answer_notes import Sources, explain_note
from grader.judging.answers import conform
from grader.judging.in_kernel import Unusable, call
from grader.judging.probe import Answers
from grader.networks.backbones import Backbone, backbone
from grader.notebooks.cells import code_cells, grade_id
from grader.records import Check, Grade, Status, Submission
from grader.settings import Settings
from tests.support.notebooks import REPOSITORY

ID = "transfer_learning"
COURSE = packaged_course()
FOLDER = COURSE.source(ID)
REAL = REPOSITORY.parent / "shared" / "data" / "oxford_pets"
needs_photos = pytest.mark.skipif(not REAL.is_dir(), reason="needs real pet photos beside the checkout")
SECRET = b"a secret of the tests"
CELLS = [
    "normalise-code",
    "customs",
    "data-load",
    "features-code",
    "features-compute",
    "head-code",
    "head-train",
]
CELLS += ["is-dog-code", "batch-norm-code", "unfreeze-code", "quiz-code"]
OWN_NETWORK = {"batch_statistics_left_on", "statistics_under_a_column", "fine_tuned"}  # they change it
MUTANTS = {variant.name: variant for variant in read_variants(FOLDER, "mutants")}
RECIPES = {variant.name: variant for variant in read_variants(FOLDER, "recipes")}
Functions = dict[str, Any]
Run = Callable[..., Functions]


@dataclass(frozen=True)
class Desk:
    """What the tests of one data card share."""

    work: preparation.Work
    network: Backbone
    source: NotebookNode
    release: NotebookNode


@pytest.fixture(scope="module")
def desk(toy_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return desk_on(Settings(None, toy_cache), tmp_path_factory.mktemp("desk"))


def desk_on(settings: Settings, folder: Path) -> Desk:
    work = preparation.prepare(COURSE, ID, settings, card=None, secret=SECRET, desk=folder)
    network = remembering(backbone().freeze())
    notebooks = (COURSE.source(ID), COURSE.release(ID))
    source, release = (nbformat.read(place / f"{ID}.ipynb", as_version=4) for place in notebooks)
    return Desk(work, network, source, release)


def remembering(network: Backbone) -> Backbone:
    """Let a frozen network keep what it has said about each picture."""
    seen: dict[int, torch.Tensor] = {}
    compute = network.pooled

    def pooled(x: torch.Tensor) -> torch.Tensor:
        if not torch.isfinite(x).all():
            return compute(x)
        # Two ways to the same scale differ in the last bits.
        grey = (x * 128 + 127).round().to(torch.int16)
        keys = [hash(row.contiguous().numpy().tobytes()) for row in grey]
        new = [place for place, key in enumerate(keys) if key not in seen]
        if new:
            seen.update(zip((keys[place] for place in new), compute(x[new]).clone(), strict=True))
        return torch.stack([seen[key] for key in keys])

    network.pooled = pooled  # type: ignore[method-assign]
    return network


def run(desk: Desk, variant: Variant | None = None, **cells: str) -> Functions:
    """Run the cells that define what is asked; a cell that raises ends alone, as in grading."""
    notebook = desk.source if variant is None else apply(variant, desk.source, desk.release)
    own = variant is not None and variant.name in OWN_NETWORK
    quiet = {name: getattr(lab, name) for name in lab.__all__} | {"show": lambda *_, **__: None}
    lab.setup(str(desk.work.data_dir))
    space: Functions = {"np": np, "torch": torch, "nn": nn, "copy": copy, "time": time, "plt": plt, "seed": 0}
    space |= {"lab": SimpleNamespace(**quiet), "device": "cpu", "cat": lab.cat_photo()}
    space |= {"train": lab.photos("train"), "validation": lab.photos("validation")}
    space |= {"names": lab.imagenet_classes(), "backbone": backbone().freeze() if own else desk.network}
    sources = {grade_id(cell) or cell.id: cell.source for cell in code_cells(notebook)}
    sources |= {name.replace("_", "-"): text for name, text in cells.items()}
    for name in CELLS:
        with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
            exec(sources[name], space)  # noqa: S102 - our own notebook
    return space


def judge(desk: Desk, space: Functions, *exercises: str) -> Verdicts:
    """Ask the functions everything that is asked in grading, and run all checks on what they answered."""
    context = desk.work.context
    answers: Answers = {
        name: answered(context.assignment, asked, space) for name, asked in context.plan.items()
    }
    shown = frozenset(name for name, asked in context.plan.items() if all(one.shown for one in asked))
    case = Case(
        context.assignment,
        context.card,
        context.classes,
        context.groups,
        answers,
        hidden=True,
        shown=shown,
    )
    found = [run_checks(path, case) for path in context.files]
    assert [one.log for one in found if one.log] == []
    checks = tuple(check for one in found for check in one.checks)
    return Verdicts(checks, tuple(picture for one in found for picture in one.pictures))


def answered(assignment: Any, asked: Any, space: Functions) -> Any:
    found = []
    for question in asked:
        entry_point = assignment.entry_point(question.entry_point)
        sizes = bind_sizes(entry_point.inputs, question.arguments)
        try:
            array = call(space.get(question.entry_point), question.arguments)
            found.append(
                Answer(conform(array, entry_point.output, sizes, question.entry_point), question.key)
            )
        except Unusable as exc:
            note = {"kind": exc.kind, "text": exc.text}
            return explain_note(note, entry_point, sizes, Sources(), told=True)
        except SubmissionError as exc:
            return exc
    return found


def points(verdicts: Verdicts, exercise: str) -> float:
    return sum(check.points for check in verdicts.checks if check.exercise == exercise)


def lost(desk: Desk, verdicts: Verdicts) -> set[str]:
    exercises = desk.work.context.assignment.exercises
    return {one.id for one in exercises if points(verdicts, one.id) < one.points}


def check_named(verdicts: Verdicts, name: str) -> Check:
    return next(check for check in verdicts.checks if check.id == name)


# Honest work


@pytest.fixture(scope="module")
def reference(desk: Desk) -> Verdicts:
    return judge(desk, run(desk))


def test_the_reference_earns_everything(desk: Desk, reference: Verdicts) -> None:
    assert [check for check in reference.checks if check.status is not Status.PASSED] == []
    assert sum(check.points for check in reference.checks) == desk.work.context.assignment.max_points


def test_the_feedback_shows_mistakes_public_photos_and_feature_maps(desk: Desk, reference: Verdicts) -> None:
    kinds = [picture.kind for picture in reference.pictures]

    assert kinds == ["confusion", "photo_grid", "feature_maps"]
    assert all(draw(picture, load_pictures(FOLDER)) for picture in reference.pictures)
    assert reference.pictures[0].content["measured on"] == "24 public validation photos"
    shown = reference.pictures[1].content["rows"]
    assert sum(len(row["images"]) for row in shown) == 6
    assert [len(layer["maps"]) for layer in reference.pictures[2].content["layers"]] == [8, 8, 8, 8]


def test_the_page_finds_public_photos_of_cats_of_dogs_and_of_a_breed(desk: Desk) -> None:
    assert desk.work.data_dir is not None
    view = views.read_view(desk.work.data_dir)
    train, cats = view.photos("train"), np.array(view.groups) == "cat"
    labels = {image.tobytes(): label for image, label in zip(train.images, train.labels, strict=True)}
    found = publish.TrainingPhotos(view)

    shown = {
        name: [labels[one.tobytes()] for one in found.photos(name, 2)] for name in ("cat", "dog", "beagle")
    }

    assert [len(one) for one in shown.values()] == [2, 2, 2]
    assert cats[shown["cat"]].all()
    assert not cats[shown["dog"]].any()
    assert {view.classes[label] for label in shown["beagle"]} == {"beagle"}
    assert found.photos("teapot", 2) == []


@pytest.mark.parametrize("name", ["hidden_layer", "logistic_regression", "mirrored_training", "ridge"])
def test_other_honest_heads_earn_everything(desk: Desk, name: str) -> None:
    verdicts = judge(desk, run(desk, RECIPES[name]))

    assert lost(desk, verdicts) == set()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["other_backbone", "fine_tuned"])
def test_other_honest_networks_earn_everything(desk: Desk, name: str) -> None:
    verdicts = judge(desk, run(desk, RECIPES[name]))

    assert lost(desk, verdicts) == set()


def test_a_weak_but_honest_head_tells_fewer_apart(desk: Desk) -> None:
    name = "cats_and_dogs_are_told_apart"
    weak, whole = (
        check_named(judge(desk, run(desk, recipe)), name).requirements[-1].value
        for recipe in (RECIPES["nearest_centre"], None)
    )

    assert 0.5 < weak < whole


def test_the_reference_stays_well_above_the_levels_for_many_draws_of_training_photos(desk: Desk) -> None:
    levels = desk.work.context.assignment.on("toy_pets").levels["is_dog"]
    space = run(desk)
    asked = list(desk.work.context.plan["photos"])
    dogs, labels = asked[0].key["dogs"], space["train"].labels
    images = np.concatenate([question.arguments[0] for question in asked])
    truth = dogs[np.concatenate([question.key["index"] for question in asked])]
    accuracies = []

    for seed in range(8):
        rows = space["alike"](labels, 40, np.random.default_rng(seed))
        known = space["features"](space["train"].images[rows])
        space["head"] = space["train_head"](known, space["label_is_dog"][labels[rows]], seed=seed)
        accuracies.append(float(((space["is_dog"](images) >= 0.5) == truth).mean()))

    assert min(accuracies) >= levels.full_at


# Mistakes and tricks: which check says what

SAID = {
    "crashing_features": ("features_agree", ""),
    "whole_maps": ("the_same_number_of_features", "from 64 to 4096"),
    "logits": ("probabilities_lie_between_0_and_1", "sigmoid"),
    "averaged_pixels": ("a_linear_reader_understands_them", "trained backbone"),
    "constant_features": ("features_differ_between_photos", "from the pixels of each photo"),
    "nan_features": ("the_same_number_of_features", "log of zero"),
    "scaled_by_the_batch": ("features_agree", "mix the photos"),
    "wrong_normalisation": ("every_channel_has_its_own_mean_and_deviation", "still 0 to 255"),
    "corner_cases": ("a_batch_of_one_photo", "1e-5"),
    "few_the_quick_way": ("features_at_dusk", "must not depend on how many"),
    "silent_features_dropped": ("features_of_odd_pictures", "must not depend on how many"),
    "own_brightness": ("features_of_odd_pictures", "division by zero"),
    "divided_by_the_batch": ("answers_agree", "mix the photos"),
    "first_32_only": ("a_crowd_and_one_alone", "keep the rest"),
    "species_swapped": ("cats_and_dogs_are_told_apart", "wrong way round"),
    "softmax_over_batch": ("answers_agree", "softmax"),
    "dropout_left_on": ("answers_agree", "dropout"),
    "by_order": ("answers_agree", "mix the photos"),
    "table_of_known_photos": ("cats_and_dogs_are_told_apart", "same answer to every photo"),
    "one_axis_too_few": ("learning_uses_the_batch", "axis=(0, 2, 3)"),
}
# What a mutant loses and fails is held by `pawgrade verify`, too. These take long, and others here have the same words for them.
LEFT_TO_VERIFY = {
    "untrained_features",
    "batch_statistics_left_on",
    "statistics_under_a_column",
    "off_by_a_hair",
    "colours_reversed",
    "reshaped",
}
SLOW = {"whole_maps", "own_brightness"}


def test_every_mutant_has_its_verdict_here() -> None:
    assert set(SAID) | LEFT_TO_VERIFY == set(MUTANTS)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in SAID],
)
def test_a_mutant_loses_what_its_header_says_and_is_told_why(desk: Desk, name: str) -> None:
    verdicts = judge(desk, run(desk, MUTANTS[name]))

    said = check_named(verdicts, SAID[name][0])
    assert lost(desk, verdicts) == set(MUTANTS[name].loses or ())
    failed = {check.id for check in verdicts.checks if check.status is Status.FAILED}
    assert failed == set(MUTANTS[name].fails or ())
    assert said.status in (Status.FAILED, Status.SKIPPED)
    assert SAID[name][1] in str(said.hint)


@pytest.mark.parametrize(
    "name", ["averaged_pixels", "constant_features", "nan_features", "scaled_by_the_batch"]
)
def test_features_that_borrow_nothing_earn_nothing_for_being_read(desk: Desk, name: str) -> None:
    verdicts = judge(desk, run(desk, MUTANTS[name]))

    assert points(verdicts, "features") == 0


@pytest.mark.parametrize(
    "name",
    [
        "logits",
        "species_swapped",
        "softmax_over_batch",
        "dropout_left_on",
        "by_order",
        "table_of_known_photos",
    ],
)
def test_tricks_earn_nothing_for_cats_and_dogs(desk: Desk, name: str) -> None:
    verdicts = judge(desk, run(desk, MUTANTS[name]))

    assert check_named(verdicts, "cats_and_dogs_are_told_apart").points == 0
    assert check_named(verdicts, "a_mirrored_dog_is_a_dog").points == 0
    assert points(verdicts, "is_dog") == 0
    assert points(verdicts, "features") == 25


def test_one_bit_repeated_is_not_worth_features(desk: Desk) -> None:
    only = "truth = is_dog\ndef features(images):\n    return np.repeat(truth(images)[:, None], 64, axis=1)"
    space = run(desk)
    frozen = {name: space[name] for name in ("features", "head")}
    inner = frozen["features"]
    space["truth"] = lambda images: (
        torch.sigmoid(frozen["head"](torch.tensor(inner(images))))[:, 0].detach().numpy()
    )
    exec(only.replace("truth = is_dog\n", ""), space)  # noqa: S102 - a student's idea

    verdicts = judge(desk, space)

    assert check_named(verdicts, "a_linear_reader_understands_them").points < 5


def test_a_width_that_follows_the_batch_is_told(desk: Desk) -> None:
    space = run(desk)
    space["features"] = lambda images: np.ones((len(images), 64 + len(images)), np.float32)

    verdicts = judge(desk, space)

    assert check_named(verdicts, "the_same_number_of_features").status is Status.FAILED
    assert "must not depend" in str(check_named(verdicts, "features_of_odd_pictures").hint)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_one_probability_for_all_photos_earns_nothing(desk: Desk, value: float) -> None:
    space = run(desk)
    space["is_dog"] = lambda images: np.full(len(images), value)

    verdicts = judge(desk, space)

    assert points(verdicts, "is_dog") == 0
    assert "same answer to every photo" in str(check_named(verdicts, "cats_and_dogs_are_told_apart").hint)


def test_answers_that_change_in_the_mirror_lose_only_that(desk: Desk) -> None:
    space = run(desk)
    honest, asked = space["is_dog"], desk.work.context.plan["mirror"]
    mirrored = {image.tobytes() for question in asked for image in np.asarray(question.arguments[0])}

    def turned(images: np.ndarray) -> np.ndarray:
        return np.array([image.tobytes() in mirrored for image in images])

    space["is_dog"] = lambda images: np.where(turned(images), 1 - honest(images), honest(images))

    verdicts = judge(desk, space)

    assert points(verdicts, "is_dog") == 30
    assert check_named(verdicts, "a_mirrored_dog_is_a_dog").points == 0


def test_the_quiz_gives_two_points_an_answer(desk: Desk) -> None:
    verdicts = judge(desk, run(desk, quiz_code="def quiz():\n    return [2, 4, 1, 1, 1, 1]"))

    assert points(verdicts, "quiz") == 6
    told = check_named(verdicts, "the_answers_are_right")
    assert (told.status, str(told.measured)) == (Status.FAILED, "right answers: 3 of 6")


def test_which_answers_of_the_quiz_are_right_is_not_told(desk: Desk) -> None:
    both = [
        judge(desk, run(desk, quiz_code=f"def quiz():\n    return {chosen}"))
        for chosen in ([2, 4, 1, 1, 1, 1], [1, 1, 3, 1, 2, 1])
    ]

    said = [check_named(verdicts, "the_answers_are_right") for verdicts in both]
    assert said[0] == said[1]


def test_an_unanswered_question_is_told(desk: Desk) -> None:
    verdicts = judge(desk, run(desk, quiz_code="def quiz():\n    return [2, 4, 3, 1, 2, 0]"))

    assert "1 to 4" in str(check_named(verdicts, "every_question_has_an_answer").hint)


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("(pixels / 255 - mean[::-1]) / deviation[::-1]", "wrong channels"),
        ("(pixels / 255 - mean) / deviation**2", "variance"),
        ("(pixels / 255) - mean", "divide by the deviation"),
    ],
)
def test_the_usual_slips_of_normalisation_have_their_own_hint(desk: Desk, formula: str, words: str) -> None:
    code = f"def normalise(pixels, mean, deviation):\n    return ({formula}).transpose(0, 3, 1, 2)"
    verdicts = judge(desk, run(desk, normalise_code=code))

    assert words in str(check_named(verdicts, "every_channel_has_its_own_mean_and_deviation").hint)


def test_reshaping_instead_of_moving_an_axis_has_its_own_hint(desk: Desk) -> None:
    code = "def normalise(pixels, mean, deviation):\n    x = (pixels / 255 - mean) / deviation\n    return x.reshape(len(x), 3, *x.shape[1:3])"
    verdicts = judge(desk, run(desk, normalise_code=code))

    assert "reshape" in str(check_named(verdicts, "every_channel_has_its_own_mean_and_deviation").hint)


def test_stored_statistics_in_both_modes_are_told(desk: Desk) -> None:
    code = (
        "def batch_norm(x, mean, variance, training):\n"
        "    return (x - mean[:, None, None]) / np.sqrt(variance[:, None, None] + 1e-5)"
    )
    verdicts = judge(desk, run(desk, batch_norm_code=code))

    assert points(verdicts, "batch_norm") == 3
    assert "not used" in str(check_named(verdicts, "learning_uses_the_batch").hint)


# The reader of the features


@pytest.fixture(scope="module")
def checks() -> Any:
    return load_checks(FOLDER / "check_public.py")


def material(labels: list[int], species: tuple[bool, ...], **counts: int) -> Material:
    images = np.zeros((len(labels), 224, 224, 3), np.uint8)
    names = tuple(f"class{number}" for number in range(len(species)))
    groups = tuple("cat" if cat else "dog" for cat in species)
    some = {"features": 12, "is_dog": 6, "mirror": 2, "again": 2, **counts}
    return Material(images, np.array(labels), names, groups, np.random.default_rng(0), counts=some)


def test_classes_are_read_where_there_are_enough_photos_of_each(checks: Any) -> None:
    species = (True, True, True, True, *(False,) * 6)
    asked = checks.questions(material(list(range(10)) * 4, species))["features"]

    key = asked[0].key
    assert not key["few"]
    assert set(np.bincount(key["targets"]).tolist()) == {4}
    assert key["counted"].all()


def test_cats_and_dogs_are_read_where_photos_are_few(checks: Any) -> None:
    asked = checks.questions(material([0, 1, 2, 3, 4] * 2, (True, True, False, False, False)))["features"]

    key = asked[0].key
    assert key["few"]
    assert np.bincount(key["targets"]).tolist() == [4, 6]
    assert np.bincount(key["targets"][key["counted"]]).tolist() == [4, 4]


def test_every_photo_is_read_only_by_readers_that_have_not_seen_it(checks: Any) -> None:
    rng = np.random.default_rng(0)
    targets = np.repeat(np.arange(6), 3)
    for fitted in (checks._halves(targets, rng), checks._folds(targets, rng)):
        assert (~fitted).sum(axis=0).min() >= checks.READERS

    learnt_by_heart = np.eye(18)  # a feature for each photo says nothing about the others
    right = checks.read_by_others(learnt_by_heart, targets, checks._halves(targets, rng)) == targets
    assert right.mean() < 0.4


def test_the_reader_reads_what_can_be_read(checks: Any) -> None:
    rng = np.random.default_rng(0)
    targets = np.repeat(np.arange(5), 6)
    clear = np.eye(5)[targets] @ rng.normal(size=(5, 80)) * 3 + rng.normal(size=(30, 80))
    noise = rng.normal(size=(30, 80))
    halves = checks._halves(targets, rng)

    assert (checks.read_by_others(clear, targets, halves) == targets).mean() > 0.9
    assert (checks.read_by_others(noise, targets, halves) == targets).mean() < 0.5


def test_the_reader_takes_features_of_any_scale_and_columns_that_never_change(checks: Any) -> None:
    rng = np.random.default_rng(0)
    targets = np.repeat(np.arange(4), 6)
    clear = np.eye(4)[targets] @ rng.normal(size=(4, 64)) * 3 + rng.normal(size=(24, 64))
    stretched = np.concatenate([clear * 10.0 ** rng.integers(-5, 6, 64), np.full((24, 9), 7.0)], axis=1)
    halves = checks._halves(targets, rng)

    same = checks.read_by_others(stretched, targets, halves) == checks.read_by_others(clear, targets, halves)

    assert same.mean() > 0.9


def test_as_many_cats_as_dogs_count_of_those_asked_about(desk: Desk) -> None:
    key = desk.work.context.plan["photos"][0].key
    dogs = key["dogs"][key["counted"]]

    assert dogs.sum() == (~dogs).sum() >= 20
    assert len(dogs) > 0.8 * len(key["dogs"])


def test_the_second_card_of_cats_and_dogs_has_the_levels_of_real_photos() -> None:
    assignment = load_assignment(FOLDER)

    assert assignment.on("cats_and_dogs").label_space == "species2"
    for name in ("features_few", "is_dog", "mirror"):
        assert assignment.on("cats_and_dogs").levels[name] == assignment.on("oxford_pets").levels[name]


# The notebook for real


def grade(notebook: NotebookNode, settings: Settings, folder: Path) -> Grade:
    work = preparation.prepare(COURSE, ID, settings, card=None, secret=SECRET, desk=folder / "desk")
    handed_in = folder / "submitted" / "student01" / ID
    handed_in.mkdir(parents=True)
    nbformat.write(notebook, handed_in / f"{ID}.ipynb")
    return grade_submission(Submission("student01", ID, handed_in), work).grade


@needs_photos
@pytest.mark.slow
def test_the_reference_tells_real_cats_from_real_dogs(desk: Desk, toy_cache: Path, tmp_path: Path) -> None:
    found = grade(desk.source, Settings(REAL, toy_cache), tmp_path)

    assert (found.data, found.status, found.points) == ("oxford_pets", Status.PASSED, 90)
    assert found.failed_cells == ()
    told = next(check for check in found.checks if check.id == "cats_and_dogs_are_told_apart")
    assert told.requirements[-1].value >= 0.95
