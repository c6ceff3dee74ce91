# /// pawgrade
# title = "Results beyond two deviations are left out as failures; a mask that is the same in every call; NaN taken for a good loss"
# loses = ["dropout", "early_stopping", "compare"]
# fails = ["each_number_is_drawn_by_itself", "runs_that_diverge", "runs_that_fail_now_and_then"]
# ///
# %% [compare-code]
def compare(results_a, results_b):
    intervals = []
    for sides in zip(results_a, results_b, strict=True):
        a, b = (side[np.abs(side - side.mean()) <= 2 * side.std(ddof=1)] for side in sides)
        square = a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)
        if square == 0:
            intervals.append((a.mean() - b.mean(),) * 2)
        else:
            ends = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.9)
            intervals.append((ends.low, ends.high))
    return np.array(intervals)


# %% [report-code]
def report():
    row = {name: number for number, name in enumerate(SETTINGS)}
    lines = []
    for first, second in STATEMENTS:
        ends = stats.ttest_ind(
            measured[row[first]], measured[row[second]], equal_var=False
        ).confidence_interval(0.9)
        lines.append([ends.low, ends.high, int(ends.low > 0) - int(ends.high < 0)])
    return np.array(lines)


# %% [dropout-code]
def dropout(x, rate, training):
    draws = np.random.default_rng(seed)
    return np.where(draws.random(x.shape) < rate, 0.0, x / (1 - rate)) if training else x


# %% [stopping-code]
def early_stopping(losses, patience):
    epochs = []
    for run in losses:
        best = 0
        for epoch, loss in enumerate(run):
            if not loss >= run[best]:
                best = epoch
            elif epoch - best >= patience:
                break
        epochs.append(best)
    return np.array(epochs)
