"""The checks of the training tricks. They are no secret: only the numbers they are run on are.

In the notebook and in `pawgrade check` they ask about numbers that are the same every time; when a submission is graded, about
others. `questions` says what is asked, each check what is demanded of the answers. Most demands are properties that only the right
answer has: they give no line of the solution away.
"""

import numpy as np
import pytest
from scipy import stats

from grader.checks import Material, Question, different, largest_gap, require, require_count

DEVIATIONS = 5.0  # of what is random: right answers go beyond this less than once in a million draws
NEAR = 1e-4  # what the 1e-5 beside the variance, or single precision, may cost
MEDIAN_WIDTH = 1.35  # of an interval, in units of Welch's: half of all experiments
USUAL_WIDTH = 2.2  # the same: nine of ten experiments; a bootstrap of five runs goes up to 1.6
# The rows of `results` that each row of `report` compares: the places of STATEMENTS in SETTINGS.
PAIRS = np.array(
    [(1, 0), (2, 0), (3, 0), (4, 0), (5, 2), (6, 0), (7, 0), (8, 0), (9, 0), (11, 10), (12, 0), (13, 0)]
)
PLAIN, SMALL_START = 0, 2  # rows of `results`
HAND = np.array(  # with patience 2: the example of the notebook, and three runs that are as easy to follow
    [
        [5.0, 3.0, 4.0, 4.0, 1.0],
        [5.0, 4.0, 4.0, 3.0, 2.0],
        [5.0, 4.0, 3.0, 2.0, 1.0],
        [1.0, 2.0, 3.0, 4.0, 0.5],
        [3.0, 2.0, 2.0, 2.0, 1.0],
    ]
)
HAND_KEPT = np.array([1, 4, 4, 0, 1])


def questions(material: Material) -> dict[str, list[Question]]:
    """Plan what each entry point is asked."""
    rng = material.rng
    return {
        "dropped": _dropped_questions(rng),
        "undropped": _undropped_questions(rng),
        **_batch_norm_questions(rng),
        **_clip_questions(rng),
        "rising": [_rising_question(rng) for _ in range(3)],
        "falling": [_falling_question(rng) for _ in range(3)],
        "by_hand": [Question("early_stopping", (HAND, 2), {"epochs": HAND_KEPT})],
        "without_a_stop": _falling_losses(rng),
        "experiments": _experiments(rng, material.counts["experiments"]),
        "results": [Question("results", ())],
        "report": [Question("report", ())],
    }


def _dropped_questions(rng):
    x = rng.uniform(1, 3, (150, 160))
    return [
        Question("dropout", (x, rate, True), {"x": x, "rate": np.array(rate)})
        for rate in (0.2, 0.5, float(rng.uniform(0.6, 0.8)))
    ]


def _undropped_questions(rng):
    x = rng.normal(size=(20, 30))
    return [
        Question("dropout", (x, rate, training), {"x": x}) for rate, training in ((0.5, False), (0.0, True))
    ]


def _batch_norm_questions(rng):
    x = rng.normal(size=(16, 5)) * np.array([1.0, 3.0, 0.6, 2.0, 9.0]) + np.array([0.0, 5.0, -2.0, 1.0, 30.0])
    gain, shift = rng.uniform(0.5, 2.0, 5), rng.normal(size=5)
    state = np.stack([rng.normal(size=5), rng.uniform(0.5, 4.0, 5)])
    steps = state[0] + np.array([[0.0], [1.0], [-2.0]]) * np.sqrt(
        state[1]
    )  # the stored mean, and deviations from it
    settled = np.stack([x.mean(axis=0), x.var(axis=0) * len(x) / (len(x) - 1)])
    momentum = float(rng.uniform(0.1, 0.4))
    return {
        "learning": [Question("batch_norm", (x, gain, shift, state, True), {"gain": gain, "shift": shift})],
        "answering": [
            Question("batch_norm", (steps, gain, shift, state, False), {"gain": gain, "shift": shift})
        ],
        "settled": [Question("update_state", (x, settled, momentum), {"state": settled})],
    }


def _clip_questions(rng):
    asked = {"short": [], "long": []}
    for size in (1.5, 20.0):
        gradients = rng.normal(size=(4, 12)) * np.array([[1.0], [0.1], [3.0], [0.5]])
        gradients[1, 7:] = gradients[3, 2:] = 0.0  # smaller layers
        norm = float(np.sqrt((gradients**2).sum()))
        for name, limit in (("short", norm * size), ("long", norm / size)):
            key = {"gradients": gradients, "limit": np.array(limit)}
            asked[name].append(Question("clip_by_norm", (gradients, limit), key))
    return asked


def _rising_question(rng):
    warmup, peak = int(rng.integers(5, 40)), float(rng.uniform(0.05, 2))
    return Question(
        "schedule",
        (np.arange(warmup), warmup, warmup + int(rng.integers(50, 200)), peak),
        {"peak": np.array(peak)},
    )


def _falling_question(rng):
    warmup, half, peak = int(rng.integers(2, 40)), int(rng.integers(30, 90)), float(rng.uniform(0.05, 2))
    steps = warmup + np.array([0, half, 2 * half])
    return Question("schedule", (steps, warmup, warmup + 2 * half, peak), {"peak": np.array(peak)})


def _falling_losses(rng):
    falling = -np.sort(-rng.uniform(0.1, 3, (6, 12)), axis=1)
    rising = np.sort(rng.uniform(0.1, 3, (6, 12)), axis=1)
    patience = int(rng.integers(2, 5))
    return [
        Question("early_stopping", (falling, patience), {"epochs": np.full(6, 11)}),
        Question("early_stopping", (rising, patience), {"epochs": np.zeros(6, np.int64)}),
    ]


def drawn(rng, experiments, runs, spreads, noise):
    """Draw experiments of which the truth is known, each with a scale and a middle of its own.

    Args:
        rng: the generator.
        experiments: how many.
        runs: of a, of b.
        spreads: the deviation of a, of b, in units of the experiment's scale.
        noise: a function of the generator and a shape that draws with mean 0 and deviation 1.
    """
    scale, middle = 10 ** rng.uniform(-3, 0, (experiments, 1)), rng.normal(size=(experiments, 1))
    truth = scale * rng.normal(size=(experiments, 1))
    a = middle + truth + scale * spreads[0] * noise(rng, (experiments, runs[0]))
    b = middle + scale * spreads[1] * noise(rng, (experiments, runs[1]))
    return Question("compare", (a, b), {"truth": truth[:, 0], "a": a, "b": b})


def normal(rng, shape):
    """Draw from the normal distribution."""
    return rng.normal(size=shape)


def _experiments(rng, experiments):
    return [
        drawn(rng, experiments, (5, 5), (1.0, 4.0), normal),
        drawn(rng, experiments, (5, 10), (3.0, 1.0), normal),
        drawn(rng, experiments, (10, 5), (1.0, 3.0), normal),
    ]


def welch(a, b):
    """Return difference and half width of Welch's interval at 90 %; a and b are float `[experiments, runs]`."""
    shares = [side.var(axis=1, ddof=1) / side.shape[1] for side in (a, b)]
    square = shares[0] + shares[1]
    below = sum(share**2 / (side.shape[1] - 1) for share, side in zip(shares, (a, b), strict=True))
    freedom = square**2 / np.maximum(below, 1e-300)
    reach = stats.t.ppf(0.95, np.maximum(freedom, 1.0)) * np.sqrt(square)
    return a.mean(axis=1) - b.mean(axis=1), reach


def held(asked):
    """Count the experiments whose interval holds the truth, and all of them."""
    right = [
        (answer.value[:, 0] <= answer.key["truth"]) & (answer.key["truth"] <= answer.value[:, 1])
        for answer in asked
    ]
    return int(np.concatenate(right).sum()), sum(map(len, right))


@pytest.mark.exercise("dropout", points=2, asks="undropped")
def test_answering_changes_nothing(answers):
    """Nothing changes while the network answers, and nothing at rate 0."""
    require(
        max(largest_gap(answer.value, answer.key["x"]) for answer in answers("undropped")),
        at_most=NEAR,
        what="largest change",
        hint="Return x as it is when `training` is False; do not multiply by 1 - rate there, since the survivors were divided by it.",
    )


@pytest.mark.exercise("dropout", points=3, asks="dropped")
def test_as_many_are_silenced_as_the_rate_says(answers):
    """The share of zeros is the rate, up to the luck of the draw."""
    worst = 0.0
    for answer in answers("dropped"):
        rate = float(answer.key["rate"])
        share = float((answer.value == 0).mean())
        worst = max(worst, abs(share - rate) / np.sqrt(rate * (1 - rate) / answer.value.size))
    require(
        worst,
        at_most=DEVIATIONS,
        what="distance of the share of zeros from the rate, in standard deviations",
        hint="`rate` is the chance to be silenced, not the chance to stay; draw a number for each element.",
    )


@pytest.mark.exercise("dropout", points=3, asks="dropped")
def test_the_expected_value_stays(answers):
    """What is not silenced is scaled up, so that the mean stays, up to the luck of the draw."""
    worst = 0.0
    for answer in answers("dropped"):
        x, rate = answer.key["x"], float(answer.key["rate"])
        deviation = np.sqrt((x**2).mean() * rate / (1 - rate) / x.size)
        worst = max(worst, abs(float(answer.value.mean() - x.mean())) / deviation)
    require(
        worst,
        at_most=DEVIATIONS,
        what="distance of the mean from that of x, in standard deviations",
        hint="Divide what stays by 1 - rate.",
    )


@pytest.mark.exercise("batch_norm", points=3, asks="learning")
def test_learning_uses_the_batch(answers):
    """In training each column of the answer has the mean `shift` and the deviation `gain`."""
    (answer,) = answers("learning")
    require(
        largest_gap(answer.value.mean(axis=0), answer.key["shift"]),
        at_most=NEAR,
        what="largest distance of a column's mean from its shift",
        hint="Subtract the batch's own mean, one for each column (axis=0), and add the shift last.",
    )
    require(
        largest_gap(answer.value.std(axis=0), answer.key["gain"]),
        at_most=NEAR,
        what="largest distance of a column's deviation from its gain",
        hint="Divide by the root of the biased variance of the batch (np.var as it is), then multiply by the gain.",
    )


@pytest.mark.exercise("batch_norm", points=3, asks="answering")
def test_answering_uses_what_was_stored(answers):
    """While answering, the stored mean becomes the shift, and a stored deviation more becomes a gain more."""
    (answer,) = answers("answering")
    expected = answer.key["shift"] + np.array([[0.0], [1.0], [-2.0]]) * answer.key["gain"]
    require(
        largest_gap(answer.value, expected),
        at_most=NEAR,
        what="largest error",
        hint="When `training` is False take state[0] as the mean and state[1] as the variance, whatever the batch is.",
    )


@pytest.mark.exercise("batch_norm", points=2, asks="settled")
def test_a_state_that_fits_stays(answers):
    """A state that already has the batch's mean and unbiased variance does not move."""
    (answer,) = answers("settled")
    require(
        largest_gap(answer.value, answer.key["state"]),
        at_most=NEAR,
        what="largest change of a stored number",
        hint="new = (1 - momentum) * old + momentum * of the batch; for the state torch takes the unbiased variance (ddof=1).",
    )


@pytest.mark.exercise("clip_by_norm", points=2, asks="short")
def test_short_gradients_stay(answers):
    """Gradients whose norm is below the limit do not change."""
    require(
        max(largest_gap(answer.value, answer.key["gradients"]) for answer in answers("short")),
        at_most=NEAR,
        what="largest change",
        hint="Rescale only if the norm of all rows together exceeds the limit.",
    )


@pytest.mark.exercise("clip_by_norm", points=3, asks="long")
def test_long_gradients_get_the_limit(answers):
    """Gradients that are too long have the limit as their norm afterwards, all rows together."""
    errors = [float(np.sqrt((answer.value**2).sum()) / answer.key["limit"]) - 1 for answer in answers("long")]
    require(
        float(np.abs(errors).max()),
        at_most=NEAR,
        what="largest relative distance of the norm from the limit",
        hint="The norm is the root of the sum of all squares, over all rows. Multiply by limit / norm.",
    )


@pytest.mark.exercise("clip_by_norm", points=2, asks="long")
def test_the_direction_stays(answers):
    """The clipped gradient points where the gradient did."""
    cosines = []
    for answer in answers("long"):
        before, after = answer.key["gradients"].ravel(), answer.value.ravel()
        length = np.sqrt((before**2).sum() * (after**2).sum())
        cosines.append(float(before @ after / length) if length > 0 else 0.0)
    require(
        min(cosines),
        at_least=1 - NEAR / 10,
        what="smallest cosine of the angle between gradient and clipped gradient",
        hint="Multiply all rows by the same number: neither each row nor each number is clipped by itself.",
    )


@pytest.mark.exercise("schedule", points=3, asks="rising")
def test_the_rate_warms_up(answers):
    """The rate rises in equal steps and reaches the peak with the last step of the warm-up."""
    worst = 0.0
    for answer in answers("rising"):
        peak, differences = float(answer.key["peak"]), np.diff(answer.value, prepend=0.0)
        worst = max(worst, float(np.ptp(differences)) / peak, abs(float(answer.value[-1]) / peak - 1))
    require(
        worst,
        at_most=NEAR,
        what="largest error, in units of the peak",
        hint="Step 0 already has peak / warmup, and step warmup - 1 has the peak.",
    )


@pytest.mark.exercise("schedule", points=3, asks="falling")
def test_the_rate_falls_like_half_a_wave(answers):
    """After the warm-up the rate starts at the peak, is half of it in the middle, and ends at 0."""
    worst = max(
        largest_gap(answer.value / float(answer.key["peak"]), np.array([1.0, 0.5, 0.0]))
        for answer in answers("falling")
    )
    require(
        worst,
        at_most=NEAR,
        what="largest error, in units of the peak",
        hint="t counts from the end of the warm-up, (step - warmup) / (total - warmup), and goes from 0 to 1.",
    )


@pytest.mark.exercise("early_stopping", points=3, asks="by_hand")
def test_runs_that_can_be_followed_by_hand(answers):
    """The example of the notebook, and three runs like it, patience 2."""
    (answer,) = answers("by_hand")
    require(
        different(answer.value, answer.key["epochs"]),
        at_most=0,
        what="runs of which another epoch is kept",
        hint="Return the epoch of the best loss, not that of the stop; an equal loss is not better; what comes after the stop is not seen.",
    )


@pytest.mark.exercise("early_stopping", points=2, asks="without_a_stop")
def test_losses_that_only_fall_or_only_rise(answers):
    """Of losses that fall to the end the last epoch is kept, of losses that only rise the first."""
    require(
        sum(different(answer.value, answer.key["epochs"]) for answer in answers("without_a_stop")),
        at_most=0,
        what="runs of which another epoch is kept",
        hint="Epochs are counted from 0, and a run may end before patience is used up.",
    )


@pytest.mark.exercise("compare", points=2, asks="experiments")
def test_the_difference_lies_inside(answers):
    """The lower end comes first, and mean of a minus mean of b lies between the ends."""
    outside = 0
    for answer in answers("experiments"):
        difference, reach = welch(answer.key["a"], answer.key["b"])
        slack = NEAR * reach
        low, high = answer.value.T
        outside += int(((difference < low - slack) | (difference > high + slack)).sum())
    require(
        outside,
        at_most=0,
        what="experiments whose own difference is outside",
        hint="a minus b, the mean along axis 1, and the lower end in the first column.",
    )


@pytest.mark.exercise("compare", points=7, asks="experiments")
def test_intervals_keep_their_promise(answers, levels):
    """Of thousands of experiments with 5 to 10 runs a side, nine of ten intervals hold the truth."""
    right, experiments = held(answers("experiments"))
    require_count(
        right,
        of=experiments,
        levels=levels["coverage"],
        what="share of experiments whose interval holds the truth",
        hint="With so few runs take the 95 % quantile of Student's distribution, unbiased variances (ddof=1), and a variance of its own for each side.",
    )


@pytest.mark.exercise("compare", points=4, asks="experiments", after="the_difference_lies_inside")
def test_intervals_say_something(answers):
    """The intervals are not much wider than Welch's."""
    ratios = np.concatenate(
        [
            (answer.value[:, 1] - answer.value[:, 0]) / (2 * welch(answer.key["a"], answer.key["b"])[1])
            for answer in answers("experiments")
        ]
    )
    require(
        float(np.median(ratios)),
        at_most=MEDIAN_WIDTH,
        what="width in the middle of all experiments, in units of Welch's",
        hint="A wide interval always holds the truth and says nothing. Is it the standard error, with the number of runs below the root, and the quantile for 90 %?",
    )
    require(
        float(np.quantile(ratios, 0.9)),
        at_most=USUAL_WIDTH,
        what="width that nine of ten experiments do not exceed, in units of Welch's",
        hint="Some intervals are far wider than others of the same spread: each experiment's own results decide its interval.",
    )


@pytest.mark.exercise("results", points=1, asks="results")
def test_results_are_accuracies(answers):
    """Every result is a share of the test digits, 0 to 1, in the row of its setting."""
    (answer,) = answers("results")
    require(
        int(((answer.value < 0) | (answer.value > 1)).sum()),
        at_most=0,
        what="results below 0 or above 1",
        hint="Return what `train` returns, not percent.",
    )
    require(
        float(answer.value[PLAIN].mean() - answer.value[SMALL_START].mean()),
        at_least=0.3,  # several hundred runs differ by 0.69
        what="mean accuracy of `plain` minus that of `small start`",
        hint="The rows are in the order of SETTINGS: `plain` learns, a start that is too small does not.",
    )


@pytest.mark.exercise("results", points=2, asks="results", after="results_are_accuracies")
def test_runs_differ(answers):
    """The runs of a setting differ: each has its own luck."""
    (answer,) = answers("results")
    equal = int((np.ptp(answer.value, axis=1) < 1e-9).sum())
    require(
        equal,
        at_most=2,  # a start that is too small learns nothing, and may end with the same accuracy each time
        what="settings whose runs all have the same result",
        hint="Each run needs a seed of its own: train([0, 1, 2, ...]), not the same seed again.",
    )


@pytest.mark.exercise("report", points=3, asks=("results", "report"), after="results_are_accuracies")
def test_the_report_is_about_the_results(answers):
    """Each interval holds the difference of your own results, and is about as wide as it must be."""
    (result,), (answer,) = answers("results"), answers("report")
    low, high, _ = answer.value.T
    difference, reach = welch(*(result.value[PAIRS[:, side]] for side in (0, 1)))
    slack = 1e-6 + NEAR * reach
    require(
        int(((difference < low - slack) | (difference > high + slack)).sum()),
        at_most=0,
        what="statements whose interval does not hold the difference of the results",
        hint="Row by row in the order of STATEMENTS: the results of the first setting minus those of the second.",
    )
    width = float(np.median((high - low) / np.maximum(2 * reach, 1e-6)))
    require(
        width,
        at_least=0.6,
        at_most=1.8,
        what="width in the middle of all statements, in units of Welch's",
        hint="Take the interval that `compare` gives at 90 %, for all runs of both settings.",
    )


@pytest.mark.exercise("report", points=3, asks="report", after="the_report_is_about_the_results")
def test_the_verdict_follows_from_the_interval(answers):
    """Better: the whole interval is above 0. Worse: it is below 0. Else: not told apart."""
    (answer,) = answers("report")
    low, high, verdict = answer.value.T
    follows = (low > 0).astype(int) - (high < 0).astype(int)
    require(
        int(((verdict != follows) | (low > high)).sum()),
        at_most=0,
        what="statements whose verdict does not follow",
        hint="1 if the lower end is above 0, -1 if the upper end is below 0, else 0; the lower end comes first.",
    )
