"""The functions for notebooks: photos, a network, pictures, and the public checks. No staff code stands behind them.

```python
from grader import lab
lab.setup(data_dir=data_dir, scratch_dir=scratch_dir, seed=seed, device=device, language=language)
train = lab.photos("train")          # .images uint8 [n, 224, 224, 3], .labels int64 [n], .names
lab.check("recognition")             # what was measured, what is required, what to try next
lab.check()                          # the same of all exercises
classify(*lab.call("classify"))      # the call that a public check makes
```
"""

from __future__ import annotations

import os
import random
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from grader import kernel_env, settings, visible
from grader.datasets import cards, kinds, sources, views
from grader.datasets import digits as handwritten
from grader.datasets import photos as pets
from grader.errors import SpecError
from grader.networks import backbones

if TYPE_CHECKING:
    from grader.checks.questions import Answer, Argument
    from grader.lab.results import ExerciseResult, LabResult

__all__ = [
    "available",
    "backbone",
    "breeds",
    "call",
    "card",
    "cat_photo",
    "check",
    "classes",
    "digits",
    "groups",
    "imagenet_classes",
    "photos",
    "pictures",
    "setup",
    "show",
    "species",
]

NORMALISING = "grader.networks.normalising"
GRADED_DATA, GRADED_VARIABLE = "/pawgrade/data", "PAWGRADE_LEASE"  # how a notebook that is graded can be told


def __dir__() -> list[str]:
    """Name what students use: Tab shows these, and not what this module imports."""
    return list(__all__)


@dataclass(frozen=True)
class Later:
    """What `check` returns while a notebook is graded: nothing is decided yet, and no grade depends on it."""

    points: float = 0.0
    max_points: float = 0.0
    passed: bool = False
    checks: tuple[()] = ()

    def show(self, count: int = 0) -> None:
        """Draw nothing."""

    def _ipython_display_(self) -> None:
        """Display nothing: `check` has printed a line."""


@dataclass
class _Lab:
    """The state of this module, as `setup` left it."""

    view: views.View | None = None
    device: str = "cpu"
    scratch_dir: Path = Path()
    asked: dict[str, list[Answer]] = field(default_factory=dict)


# One for the process: a kernel runs one notebook.
_lab = _Lab()


def setup(
    data_dir: str | None = None,
    scratch_dir: str = ".",
    *,
    seed: int = 0,
    device: str = "cpu",
    language: str = "en",
) -> None:
    """Find the photos, seed every source of randomness, choose the device; on a GPU, ask torch to be repeatable.

    Args:
        data_dir: folder with the public splits, as the grader prepares it. None: real photos if `PAWGRADE_DATA`
            names them, otherwise toy pets, drawn once and kept in a cache.
        scratch_dir: where the notebook may write.
        seed: for `random`, numpy and torch.
        device: `cpu` or `cuda`.
        language: language of the notebook's messages; `en`.

    Raises:
        GraderError: there are no photos there; the message says what to do.
    """
    import torch

    del language  # one language so far; the parameter is part of the contract
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - students use the global generator too
    torch.manual_seed(seed)
    if device != "cpu":
        kernel_env.apply()
    # (): the assignment has no data card. None: there is no assignment, so any card will do.
    _lab.view = views.read_view(Path(data_dir)) if data_dir else None if _named_cards() == () else _own_view()
    _lab.device, _lab.scratch_dir = device, Path(scratch_dir)
    # Earlier answers may be about other photos.
    _lab.asked.clear()


def _named_cards() -> tuple[str, ...] | None:
    """Name the data cards of the assignment beside the notebook, the preferred one first; None: there is no assignment."""
    try:
        return tuple(tomllib.loads(Path("assignment.toml").read_text(encoding="utf-8")).get("data", {}))
    except (OSError, ValueError, AttributeError):
        return None


def _own_view() -> views.View:
    chosen = settings.load(None, os.environ)
    cards_folder = settings.own_cards(Path.cwd())
    chosen_card = cards.load_card(
        sources.choose(_named_cards() or cards.known(cards_folder), chosen.data_folder, cards_folder),
        cards_folder,
    )
    folder = sources.find(chosen_card, chosen.data_folder, chosen.cache)
    # The folder of a drawn set is named after seed and size, so each drawn set has its own view.
    split = folder.name if chosen.data_folder is None else "real"
    return views.read_view(
        views.public_view(
            chosen_card, folder, chosen_card.default_space, chosen.cache / f"view-{chosen_card.id}-{split}"
        )
    )


def _view() -> views.View:
    if _lab.view is None:
        setup()
    if _lab.view is None:
        raise SpecError("lab.setup did not find photos.")
    return _lab.view


def photos(split: str) -> pets.Photos:
    """Return the photos of `"train"` or `"validation"`: images uint8 `[n, 224, 224, 3]`, labels int64 `[n]`, names."""
    return _view().photos(split)


def pictures(kind: str, split: str) -> pets.Photos:
    """Return small pictures of a kind, `train` to learn from and `test` to measure with; everybody has the same ones.

    Args:
        kind: `pets` (cat, dog: of the photos in use), `textures` (brick, grass, gravel) or `cells` (round, spindle, uneven).
        split: `train` has 20 of each class, `test` 15, where there are so many.

    Returns:
        images uint8 `[n, 112, 112, 3]`; labels int64 `[n]`, positions in the classes named above.

    Raises:
        SpecError: there is no such kind or split.
    """
    names = ("pets", *kinds.DRAWN)
    if kind not in names or split not in kinds.PER_CLASS:
        raise SpecError(
            f"lab.pictures: expected one of {', '.join(names)} and one of {', '.join(kinds.PER_CLASS)}, found {kind!r} and {split!r}."
        )
    per_class, rng = kinds.PER_CLASS[split], kinds.public_rng(kind, split)
    if kind == "pets":
        public = photos("train" if split == "train" else "validation")
        return kinds.of_groups(public.images, public.labels, _view().groups, per_class, rng)
    counts = (per_class,) * len(kinds.DRAWN[kind])
    return kinds.draw_kind(kind, counts, rng, "train" if split == "train" else "test")


def breeds() -> tuple[str, ...]:
    """Return the breeds' names; a label is a position in them."""
    return _view().classes


def species() -> tuple[bool, ...]:
    """Return for each breed whether it is a cat."""
    return tuple(group == "cat" for group in _view().groups)


def classes() -> tuple[str, ...]:
    """Return the names of the classes; a label is a position in them."""
    return _view().classes


def groups() -> tuple[str, ...]:
    """Return for each class the name of its group, "" without one."""
    return _view().groups


def card() -> str:
    """Return title, licence and citation of the photos in use."""
    return _view().credit


def backbone(name: str = "efficientnet_lite0") -> backbones.Backbone:
    """Return a network with ImageNet weights, in eval mode, on the device in use.

    Args:
        name: `efficientnet_lite0` and `efficientnet_lite1` are always there; the weights of `vgg16`, `vgg19`, `resnet18`,
            `resnet50`, `mobilenet_v2` and `mobilenet_v3_large` are downloaded once and kept.

    Returns:
        The network. It takes photos as they are; `normalise`, which gives what it is fed, is there unless an exercise asks for it.

    Raises:
        GraderError: there is no such network, or its weights are not to be had; the message says what to do.
    """
    network = backbones.backbone(name, _lab.device)
    if _asks_to_normalise():
        return network
    # Imported here alone: where an exercise asks for it, the module is withheld (`visible.withheld`).
    from grader.networks.normalising import with_normalise

    return with_normalise(network)


def _asks_to_normalise() -> bool:
    """Whether an exercise of this notebook's assignment asks for `normalise`."""
    # A graded kernel has the variable; at home the assignment beside the notebook tells.
    return NORMALISING in os.environ.get(visible.WITHHELD_VARIABLE, "") or "normalise" in _titles()


def available(name: str) -> bool:
    """Return whether `backbone(name)` works at once, without a download."""
    return backbones.is_available(name)


def imagenet_classes() -> tuple[str, ...]:
    """Return the names of the 1000 ImageNet classes."""
    return backbones.imagenet_classes()


def cat_photo() -> npt.NDArray[np.uint8]:
    """Return a photo of a cat (Chelsea, by Stefan van der Walt, CC0) as uint8 `[224, 224, 3]`."""
    return pets.cat_photo()


def digits() -> handwritten.Digits:
    """Return handwritten digits (E. Alpaydin and C. Kaynak, CC BY 4.0): `.images` uint8 `[1797, 8, 8]`, 0 to 16, `.labels` int64 `[1797]`."""
    return handwritten.read()


def show(images: Sequence[npt.NDArray[Any]], titles: Sequence[str] | None = None, columns: int = 6) -> None:
    """Draw photos in a grid with matplotlib.

    Args:
        images: uint8 or float in [0, 1], each `[h, w, 3]`.
        titles: one an image.
        columns: photos in a row.
    """
    # Here, since not every notebook draws.
    from matplotlib import pyplot

    # Rounded up.
    rows = -(-len(images) // columns)
    figure, axes = pyplot.subplots(rows, columns, figsize=(1.7 * columns, 1.95 * rows), dpi=72, squeeze=False)
    for position, axis in enumerate(axes.flat):
        axis.axis("off")
        if position < len(images):
            axis.imshow(images[position])
            if titles is not None:
                axis.set_title(titles[position], fontsize=8)
    figure.tight_layout()
    pyplot.show()


def check(exercise: str | None = None) -> ExerciseResult | LabResult | Later:
    """Run the public checks of an exercise on what the notebook defines now, and show the verdicts.

    It asks about the validation photos and about numbers of its own, within the seconds that each function has
    (`budget_s`). The grade is decided on photos that nobody has seen. A wrong answer shows a hint; it raises nothing.
    While a notebook is graded nothing is asked here: the same checks and more follow when it has run.

    Args:
        exercise: id of the exercise; None: all of them.

    Returns:
        Fields `points`, `max_points`, `passed` and `checks`; `show()` draws photos that were named wrongly. While a notebook is
        graded they are 0, 0, False and empty.

    Raises:
        SpecError: there is no such exercise.
    """
    # The globals of the notebook, which has the functions that are asked.
    caller = sys._getframe(1).f_globals
    if _is_graded(caller):
        titles = _titles()
        if titles and exercise not in {*titles, None}:
            raise SpecError(f"lab.check: no exercise {exercise!r}; there are {', '.join(titles)}.")
        title = "all exercises" if exercise is None else titles.get(exercise, exercise)
        print(f"{title}: judged when the notebook has run")  # noqa: T201
        return Later()
    from grader.lab.public_checks import results  # it is not there where notebooks are graded

    result = results(exercise, _checked_view(), _lab.asked, caller)
    result.present()
    return result


def call(name: str, number: int = 0) -> tuple[Argument, ...]:
    """Return what the public checks ask a function with, to call it yourself: `split(*lab.call("split"))`.

    Args:
        name: of the function, or id of the exercise.
        number: which of the questions about it, from 0; a message that says what raised names it.

    Raises:
        SpecError: nothing public is asked by that name or number, or the notebook is being graded.
    """
    if _is_graded(sys._getframe(1).f_globals):
        raise SpecError(
            "lab.call: there are no arguments while a notebook is graded.",
            "It is for trying things out: take the cell out before you hand in.",
        )
    from grader.lab.public_checks import arguments

    return arguments(name, number, _checked_view())


def _is_graded(caller: Mapping[str, Any]) -> bool:
    # Who pretends one of these signs loses the public checks and nothing else.
    return caller.get("data_dir") == GRADED_DATA or GRADED_VARIABLE in os.environ or visible.is_guarded()


def _checked_view() -> views.View | None:
    return None if _named_cards() == () else _view()


def _titles() -> dict[str, str]:
    """Return the exercises of the assignment beside the notebook, by id; {} when there is none."""
    try:
        description = tomllib.loads(Path("assignment.toml").read_text(encoding="utf-8"))
        return {
            exercise["id"]: exercise.get("title", exercise["id"]) for exercise in description["exercises"]
        }
    except (OSError, ValueError, KeyError, TypeError):
        return {}
