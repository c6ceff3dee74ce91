"""Checks that students do not see: closed forms, corner cases, harder experiments, and the reference runs. Never released."""

from pathlib import Path

import numpy as np
import pytest

from grader.checks import Material, Question, different, largest_gap, load_checks, require, require_count

public = load_checks(Path(__file__).resolve().parents[1] / "check_public.py")
expected = load_checks(Path(__file__).with_name("expected.py"))
reference = load_checks(Path(__file__).with_name("reference.py"))

FAR = 6.0  # standard errors; right results go beyond this less than once in ten thousand reports
HALF_WIDTHS = 5.0  # of an interval, from its middle to the reference
SLACK = 0.03  # where all runs end alike, an interval has no width


def questions(material: Material) -> dict[str, list[Question]]:
    """Plan what each entry point is asked."""
    rng, experiments = material.rng, material.counts["experiments"]
    return {
        "masks": _mask_questions(rng),
        "odd_batches": _odd_batches(rng),
        "moving": _moving_states(rng),
        "odd_gradients": _odd_gradients(rng),
        "any_step": _any_steps(rng),
        "many_runs": [_many_runs(rng, patience) for patience in (1, 3, 6)],
        "diverging": [_diverging(rng)],
        "scarce": [
            public.drawn(rng, experiments, (5, 6), (2.0, 0.4), public.normal),
            public.drawn(rng, experiments, (7, 5), (1.0, 5.0), public.normal),
        ],
        "skewed": [
            public.drawn(rng, experiments, (10, 10), (1.0, 3.0), _failing),
            public.drawn(rng, experiments, (9, 10), (1.0, 3.0), _failing),
        ],
        "equal": [_equal_results(rng)],
        "all_results": [Question("results", ())],
        "statements": [Question("report", ())],
    }


def _failing(rng, shape):
    """Draw with mean 0 and deviation 1: mostly a little above, now and then a run that fails."""
    return 1 - rng.exponential(size=shape)


def _mask_questions(rng):
    x, rate = rng.normal(size=(120, 130)), float(rng.uniform(0.25, 0.45))
    key = {"x": x, "rate": np.array(rate)}
    return [Question("dropout", (x, rate, True), key) for _ in range(2)]


def _odd_batches(rng):
    x = rng.normal(size=(7, 4)) * np.array([1e-3, 4e-3, 1.0, 50.0])
    constant = x.copy()
    constant[:, 2] = 4.0  # a column that says the same everywhere
    gain, shift, state = (
        rng.normal(size=4),
        rng.normal(size=4),
        np.stack([rng.normal(size=4), 10.0 ** -rng.uniform(0, 6, 4)]),
    )
    asked = ((constant, True), (x, False), (x[:1], False))
    return [
        Question(
            "batch_norm",
            (batch, gain, shift, state, training),
            {"expected": expected.batch_norm(batch, gain, shift, state, training)},
        )
        for batch, training in asked
    ]


def _moving_states(rng):
    asked = []
    for size in (2, 9):
        x, momentum = rng.normal(2.0, 5.0, (size, 4)), float(rng.uniform(0.05, 0.6))
        state = np.stack([rng.normal(size=4), rng.uniform(0.5, 3, 4)])
        key = {"expected": expected.update_state(x, state, momentum)}
        asked.append(Question("update_state", (x, state, momentum), key))
    return asked


def _odd_gradients(rng):
    nothing, single = np.zeros((3, 5)), rng.normal(size=(1, 6)) * 1e4
    exact = np.array([[3.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 12.0]])  # norm 13
    asked = ((nothing, 1.0), (single, 0.5), (exact, 13.0), (exact, 12.5))
    return [
        Question("clip_by_norm", (gradients, limit), {"expected": expected.clip_by_norm(gradients, limit)})
        for gradients, limit in asked
    ]


def _any_steps(rng):
    asked = []
    for warmup in (0, 1, int(rng.integers(10, 60))):
        total, peak = warmup + int(rng.integers(40, 300)), float(rng.uniform(0.01, 3))
        steps = rng.permutation(total + 25)
        key = {"expected": expected.schedule(steps, warmup, total, peak), "peak": np.array(peak)}
        asked.append(Question("schedule", (steps, warmup, total, peak), key))
    return asked


def _many_runs(rng, patience):
    losses = (
        np.abs(np.cumsum(rng.normal(-0.05, 1, (80, 25)), axis=1)).round(1) + 0.1
    )  # rounded: some are equal
    return Question(
        "early_stopping", (losses, patience), {"epochs": expected.early_stopping(losses, patience)}
    )


def _diverging(rng):
    losses = np.sort(rng.uniform(0.5, 3, (12, 10)), axis=1)[:, ::-1].copy()
    for row in range(0, 12, 2):
        losses[row, int(rng.integers(2, 6)) :] = (np.nan, np.inf)[row // 2 % 2]  # it never comes back
    for row in range(1, 12, 2):
        losses[row, int(rng.integers(2, 7))] = np.nan  # one bad epoch among good ones
    return Question("early_stopping", (losses, 3), {"epochs": expected.early_stopping(losses, 3)})


def _equal_results(rng):
    a, b = np.repeat(rng.uniform(size=(6, 1)), 5, axis=1), np.repeat(rng.uniform(size=(6, 1)), 7, axis=1)
    return Question("compare", (a, b), {"difference": a[:, 0] - b[:, 0]})


@pytest.mark.exercise("dropout", points=2, asks="masks")
def test_each_number_is_drawn_by_itself(answers):
    """Each number is silenced by itself, anew in each call, and what stays is x / (1 - rate) exactly."""
    first, second = answers("masks")
    x, rate = first.key["x"], float(first.key["rate"])
    silent = [answer.value == 0 for answer in (first, second)]
    agreeing = rate**2 + (1 - rate) ** 2
    distance = abs(float((silent[0] == silent[1]).mean()) - agreeing)
    require(
        distance / np.sqrt(agreeing * (1 - agreeing) / x.size),
        at_most=public.DEVIATIONS,
        what="how far two calls agree, in standard deviations from what chance gives",
        hint="Draw anew in each call: a generator that starts from the same seed in the function silences the same numbers each time.",
    )
    shares = [silent[0].mean(axis=axis) for axis in (0, 1)]
    lengths = [x.shape[axis] for axis in (0, 1)]
    worst = max(
        float(np.abs(share - rate).max()) / np.sqrt(rate * (1 - rate) / length)
        for share, length in zip(shares, lengths, strict=True)
    )
    require(
        worst,
        at_most=FAR,
        what="how far a row's or column's share of zeros is from the rate, in standard deviations",
        hint="Draw one number for each element, not for each row or column.",
    )
    require(
        largest_gap(np.where(silent[0], 0, first.value), np.where(silent[0], 0, x / (1 - rate))),
        at_most=public.NEAR,
        what="largest error of what stays",
        hint="Divide by 1 - rate, not by the share that happened to stay.",
    )


@pytest.mark.exercise("batch_norm", points=4, asks="odd_batches")
def test_odd_batches(answers):
    """Tiny variances, a column that is the same everywhere, and one example alone."""
    require(
        max(largest_gap(answer.value, answer.key["expected"]) for answer in answers("odd_batches")),
        at_most=public.NEAR,
        what="largest error",
        hint="Add 1e-5 to the variance before the root, in both modes.",
    )


@pytest.mark.exercise("batch_norm", points=2, asks="moving")
def test_the_state_follows(answers):
    """The stored numbers go a share of the way to those of the batch."""
    require(
        max(largest_gap(answer.value, answer.key["expected"]) for answer in answers("moving")),
        at_most=public.NEAR,
        what="largest error of a stored number",
        hint="`momentum` is the share of the new batch, and 1 - momentum that of the old numbers.",
    )


@pytest.mark.exercise("clip_by_norm", points=3, asks="odd_gradients")
def test_odd_gradients(answers):
    """Gradients of 0, of a single layer, and exactly at the limit."""
    require(
        max(largest_gap(answer.value, answer.key["expected"]) for answer in answers("odd_gradients")),
        at_most=0.01,
        what="largest error",
        hint="Nothing is divided when the norm does not exceed the limit: gradients of 0 stay 0.",
    )


@pytest.mark.exercise("schedule", points=4, asks="any_step")
def test_any_step(answers):
    """Steps in any order, without a warm-up, and after the end."""
    require(
        max(
            largest_gap(answer.value, answer.key["expected"]) / float(answer.key["peak"])
            for answer in answers("any_step")
        ),
        at_most=public.NEAR,
        what="largest error, in units of the peak",
        hint="Decide for each step by itself which part it belongs to; after `total` the rate stays 0, and `warmup` may be 0.",
    )


@pytest.mark.exercise("early_stopping", points=3, asks="many_runs")
def test_many_runs(answers):
    """Losses that go up and down, some of them equal."""
    require(
        sum(different(answer.value, answer.key["epochs"]) for answer in answers("many_runs")),
        at_most=0,
        what="runs of which another epoch is kept",
        hint="Count the epochs since the best one; the run stops when there are `patience` of them.",
    )


@pytest.mark.exercise("early_stopping", points=2, asks="diverging")
def test_runs_that_diverge(answers):
    """A loss that is NaN or infinite is no improvement."""
    (answer,) = answers("diverging")
    require(
        different(answer.value, answer.key["epochs"]),
        at_most=0,
        what="runs of which another epoch is kept",
        hint="NaN is smaller than nothing, and nothing is smaller than NaN: compare each loss with the best one so far.",
    )


@pytest.mark.exercise("compare", points=3, asks="scarce")
def test_few_runs_and_unequal_spreads(answers, levels):
    """Five to seven runs, and sides whose spread differs."""
    right, experiments = public.held(answers("scarce"))
    require_count(
        right,
        of=experiments,
        levels=levels["coverage"],
        what="share of experiments whose interval holds the truth",
        hint="The degrees of freedom hang on both variances: with one side far calmer, they are nearly those of the other side alone.",
    )


@pytest.mark.exercise("compare", points=2, asks="skewed")
def test_runs_that_fail_now_and_then(answers, levels):
    """Results with a long tail: the failed runs count, too."""
    right, experiments = public.held(answers("skewed"))
    require_count(
        right,
        of=experiments,
        levels=levels["skewed"],
        what="share of experiments whose interval holds the truth",
        hint="Leave no result out: a run that failed is part of the mean.",
    )


@pytest.mark.exercise("compare", points=2, asks="equal")
def test_results_that_are_all_equal(answers):
    """Where all runs of a side agree, the interval is the difference itself."""
    (answer,) = answers("equal")
    require(
        largest_gap(answer.value, np.stack([answer.key["difference"]] * 2, axis=1)),
        at_most=public.NEAR,
        what="largest distance of an end from the difference",
        hint="With variances of 0 the degrees of freedom are 0 / 0: set them to any number there, the interval has no width.",
    )


@pytest.mark.exercise("results", points=5, asks="all_results")
def test_results_agree_with_many_other_runs(answers):
    """Means and spreads of the settings are those of several hundred reference runs, up to luck."""
    (answer,) = answers("all_results")
    runs = answer.value.shape[1]
    error = reference.DEVIATIONS * np.sqrt(1 / runs + 1 / reference.RUNS) + 0.002
    require(
        float((np.abs(answer.value.mean(axis=1) - reference.MEANS) / error).max()),
        at_most=FAR,
        what="largest distance of a setting's mean from the reference, in standard errors",
        hint="Train each setting as SETTINGS says, with `train` as it is, in the order of SETTINGS.",
    )
    spread = (answer.value.var(axis=1, ddof=1) / reference.DEVIATIONS**2).mean()
    require(
        float(spread),
        at_least=0.15,
        what="variance of the runs, as a share of the reference's",
        hint="The runs of a setting are too much alike: each needs other seeds, and results are not rounded or averaged.",
    )


@pytest.mark.exercise("report", points=2, asks="statements")
def test_intervals_agree_with_the_reference(answers):
    """The intervals lie where the differences of several hundred reference runs are, up to luck."""
    (answer,) = answers("statements")
    low, high, _ = answer.value.T
    true = reference.MEANS[public.PAIRS[:, 0]] - reference.MEANS[public.PAIRS[:, 1]]
    away = np.abs((low + high) / 2 - true) > HALF_WIDTHS * np.abs(high - low) / 2 + SLACK
    require(
        int(away.sum()),
        at_most=0,
        what="statements far from the reference",
        hint="Is each statement about the two settings that STATEMENTS names, the first minus the second?",
    )
    require(
        float(np.median(np.abs(high - low))),
        at_most=0.25,
        what="width in the middle of all statements",
        hint="The intervals are so wide that they say little: are they made of all your runs?",
    )
