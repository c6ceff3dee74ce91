"""The checks of the feature maps. They are no secret: only the photos, layers, units and angles that are asked about are.

The network that the notebook uses is run here too, and an answer is held against what it says. In the notebook and in
`pawgrade check` the photos are the validation photos; when a submission is graded, photos that nobody has seen.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from grader.checks import Answer, Material, Question, backbone, different, require, require_level, show

Floats = npt.NDArray[np.floating]

PX = 224
NEAR = 1e-3  # difference that arithmetic may make, as a share of what the answers spread
# Stages that the network's own `feature_maps` shows under other names, by the path of the module.
STAGES = {f"blocks.{number}": f"stage{number + 1}" for number in range(7)} | {"bn1": "stem", "bn2": "last"}
ASKED = ("blocks.1", "blocks.3", "blocks.4", "blocks.6")  # the notebook draws other ones
DRAWN = (("early", "bn1"), ("middle", "blocks.2"), ("late", "bn2"))
ORDERED = ("blocks.2", "blocks.4", "blocks.5")
STRIPED = ("bn1", "blocks.0", "blocks.1")
FURRY = ("blocks.4.2.bn1", "blocks.5.0.bn1", "blocks.5.2", "blocks.5.3.bn1", "blocks.6.0.bn1", "blocks.6.0")
IMAGES = 2  # photos whose maps are asked for
MAPS = 8  # maps of a layer in the picture
ANGLES = 6
# Worked by hand in the notebook or easy to follow: layer, row, column, and the box.
WORKED = (
    ("conv_stem", 0, 0, (0, 0, 2, 2)),
    ("conv_stem", 10, 40, (20, 80, 22, 82)),
    ("blocks.0.0.conv_dw", 10, 40, (18, 78, 24, 84)),
    ("blocks.1.0.conv_dw", 5, 20, (18, 78, 28, 88)),
)
# Breeds with long hair, by the first word of their name; drawn and real pets are alike in this.
LONG_FUR = (
    "birman",
    "maine",
    "persian",
    "ragdoll",
    "english",
    "great",
    "havanese",
    "japanese",
    "keeshond",
    "leonberger",
    "newfoundland",
    "pomeranian",
    "saint",
    "samoyed",
    "scottish",
    "wheaten",
    "yorkshire",
)
PERIOD_PX = 8.0  # of a grating


def questions(material: Material) -> dict[str, list[Question]]:
    """Plan what each entry point is asked."""
    return {
        "maps": _map_questions(material),
        "drawn": [
            Question("activations", (material.shown[:1], layer), {"photo": material.shown[:1]}, shown=True)
            for _, layer in DRAWN
        ],
        "worked": [
            Question("receptive_field", (layer, row, column), {"box": np.array(box)})
            for layer, row, column, box in WORKED
        ],
        "order": _order_questions(material),
        "gratings": _grating_questions(material.rng),
        "fur": _fur_questions(material),
    }


def some(material: Material, count: int) -> npt.NDArray[np.uint8]:
    """Draw photos; none twice."""
    rows = material.rng.permutation(len(material.images))[:count]
    return np.ascontiguousarray(material.images[rows])


def _map_questions(material: Material) -> list[Question]:
    images, network = some(material, IMAGES), backbone()
    return [
        Question(
            "activations", (images, layer), {"expected": network.feature_maps(images, STAGES[layer]).numpy()}
        )
        for layer in material.rng.choice(ASKED, 2, replace=False).tolist()
    ]


def _order_questions(material: Material) -> list[Question]:
    images, layer = some(material, material.counts["photos"]), str(material.rng.choice(ORDERED))
    maxima = backbone().feature_maps(images, STAGES[layer]).amax(dim=(2, 3)).numpy()
    # Of some channels the one whose photos differ most clearly: no two that rounding could exchange.
    channels = material.rng.permutation(maxima.shape[1])[:16]
    gaps = np.diff(np.sort(maxima[:, channels], axis=0), axis=0).min(axis=0) / np.ptp(
        maxima[:, channels], axis=0
    )
    channel = int(channels[gaps.argmax()])
    count = min(material.counts["strongest"], len(images))
    return [Question("strongest", (images, layer, channel, count), {"maxima": maxima[:, channel]})]


def grating(angle: float) -> npt.NDArray[np.uint8]:
    """Draw stripes, as the notebook does: uint8 `[224, 224, 3]`; angle in degrees, 0 for upright ones."""
    rows, columns = np.mgrid[:PX, :PX] - (PX - 1) / 2
    turn = np.deg2rad(angle)
    wave = np.cos(2 * np.pi * (columns * np.cos(turn) + rows * np.sin(turn)) / PERIOD_PX)
    grey = np.rint(127.5 + 127.5 * wave).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def _grating_questions(rng: np.random.Generator) -> list[Question]:
    layer, angles = str(rng.choice(STRIPED)), np.sort(rng.choice(np.arange(0, 180, 5), ANGLES, replace=False))
    means = (
        backbone()
        .feature_maps(np.stack([grating(angle) for angle in angles]), STAGES[layer])
        .mean(dim=(2, 3))
    )
    channel = int(rng.choice(means.std(dim=0).argsort(descending=True)[:8].numpy()))
    key = {"expected": means[:, channel].double().numpy()}
    return [Question("grating_answers", (layer, channel, angles.astype(np.float64)), key)]


def _fur_questions(material: Material) -> list[Question]:
    """Ask for channels of some layers; the key has what all their channels answer to photos that judge."""
    long = np.isin([name.split("_")[0].lower() for name in material.classes], LONG_FUR)
    order = material.rng.permutation(len(material.images))
    each = min(material.counts["fur"] // 2, *(int((long[material.labels] == kind).sum()) for kind in (0, 1)))
    rows = np.concatenate([order[long[material.labels[order]] == kind][:each] for kind in (False, True)])
    chosen = material.rng.choice(FURRY, material.counts["layers"], replace=False).tolist()
    means = channel_means(material.images[rows], chosen)
    marked = long[material.labels[rows]]
    return [
        Question("telling_channel", (layer,), {"means": means[layer], "long": marked}) for layer in chosen
    ]


def channel_means(images: npt.NDArray[np.uint8], layers: Sequence[str]) -> dict[str, npt.NDArray[np.float32]]:
    """Return the mean of every channel's map, by layer, in one pass."""
    network, means = backbone(), {layer: [] for layer in layers}
    hooks = [
        network.network.get_submodule(layer).register_forward_hook(
            lambda _module, _given, answer, layer=layer: means[layer].append(answer.mean(dim=(2, 3)).numpy())
        )
        for layer in layers
    ]
    network.logits(np.ascontiguousarray(images), batch=16)
    for hook in hooks:
        hook.remove()
    return {layer: np.concatenate(rows) for layer, rows in means.items()}


def apart(value: Floats, expected: Floats) -> float:
    """Return the largest difference as a share of what the expected numbers spread; infinity for another shape."""
    if value.shape != expected.shape:
        return float("inf")
    with np.errstate(over="ignore", invalid="ignore"):
        gap = float(np.abs(value.astype(np.float64) - expected).max())
    return gap / max(float(expected.std()), 1e-12)


def require_maps(answered: Sequence[Answer], hint: str) -> None:
    """Demand that all maps are those of the reference."""
    if any(answer.value.shape != answer.key["expected"].shape for answer in answered):
        hint = "The answer has another shape than the layer's: is it the layer of this name, and are all images in it?"
    require(
        max(apart(answer.value, answer.key["expected"]) for answer in answered),
        at_most=NEAR,
        what="largest difference from the layer's answer, as a share of its spread",
        hint=hint,
    )


@pytest.mark.exercise("activations", points=10, asks=("drawn", "maps"))
def test_a_stage_answers(answers):
    """The answer of a stage is that of the module with this path."""
    _show_maps(answers("drawn"))
    require_maps(
        answers("maps"),
        "Hook the module's output, not its input, and feed the network what `backbone.normalise` returns.",
    )


def _show_maps(answered: Sequence[Answer]) -> None:
    layers = []
    for (when, layer), answer in zip(DRAWN, answered, strict=True):
        maps = answer.value[0]
        varied = maps[np.argsort(-maps.std(axis=(1, 2)), kind="stable")[:MAPS]]
        lowest, highest = (edge(varied, axis=(1, 2), keepdims=True) for edge in (np.min, np.max))
        grey = np.rint(255 * ((varied - lowest) / np.maximum(highest - lowest, 1e-12))).astype(np.uint8)
        layers.append({"name": f"{when}: {layer}", "maps": [grey_map.tolist() for grey_map in grey]})
    show(
        "map_strips",
        "What your function returns for one public photo",
        photo=answered[0].key["photo"][0],
        layers=layers,
    )


@pytest.mark.exercise("fields", points=6, asks="worked")
def test_worked_boxes(answers):
    """Boxes that can be worked out by hand: one, two and three convolutions deep."""
    require(
        sum(different(answer.value, answer.key["box"]) > 0 for answer in answers("worked")),
        at_most=0,
        what="wrong boxes",
        hint="First row, first column, last row, last column, all within the picture. The first convolution has no"
        " padding above and left: its unit (0, 0) reads the pixels 0 to 2.",
    )


@pytest.mark.exercise("strongest", points=8, asks="order")
def test_the_strongest_come_first(answers):
    """The photos come in the order of the largest value of the channel's map, and no stronger one is left out."""
    (answer,) = answers("order")
    require(
        misplaced(answer.value, answer.key["maxima"]),
        at_most=0,
        what="photos out of order, left out or named twice",
        hint="Take the largest value of the map over rows and columns, and return positions in `images`, the"
        " strongest first.",
    )


def misplaced(order: npt.NDArray[np.int64], maxima: Floats) -> int:
    """Count what is wrong with an order, near-ties aside: weaker before stronger, stronger ones left out, repeats."""
    if ((order < 0) | (order >= len(maxima))).any():
        return len(order)
    slack = NEAR * float(np.ptp(maxima))
    values, rest = maxima[order], np.delete(maxima, order)
    return int(
        (values[1:] > values[:-1] + slack).sum()
        + (rest > values[-1] + slack).sum()
        + len(order)
        - len(np.unique(order))
    )


@pytest.mark.exercise("gratings", points=7, asks="gratings")
def test_gratings_every_five_degrees(answers):
    """The mean answer of an early channel to gratings of some angles."""
    (answer,) = answers("gratings")
    require(
        apart(answer.value, answer.key["expected"]),
        at_most=NEAR,
        what="largest error, as a share of what the answers spread",
        hint="Draw each angle with `grating(angle)`, in degrees, and take the mean of the channel's map over rows and"
        " columns.",
    )


def area(values: Floats, marked: npt.NDArray[np.bool_]) -> float:
    """Return the area under the ROC curve: the chance that a marked photo has the larger value; a tie is half."""
    if marked.all() or not marked.any():
        return 0.5
    return float(
        stats.mannwhitneyu(values[marked], values[~marked]).statistic / (marked.sum() * (~marked).sum())
    )


@pytest.mark.exercise("fur", points=15, asks="fur")
def test_long_fur_is_told_from_short(answers, levels):
    """On photos that it was not chosen on, the channel's mean answer is larger for long fur."""
    reached = []
    for answer in answers("fur"):
        channel, means = int(answer.value), answer.key["means"]
        inside = 0 <= channel < means.shape[1]
        reached.append(area(means[:, channel], answer.key["long"].astype(bool)) if inside else 0.0)
    require_level(
        float(np.mean(reached)),
        levels=levels["fur"],
        what="mean area under the ROC curve",
        hint="Compare all channels of the layer on the training photos, by the area that each one reaches; larger"
        " answers must mean long fur.",
    )
