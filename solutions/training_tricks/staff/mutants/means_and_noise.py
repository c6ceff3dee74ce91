# /// pawgrade
# title = "The mean of eight runs, told eight times with a little noise; some intervals a hundred times as wide"
# loses = ["compare", "results", "report"]
# fails = ["intervals_say_something", "results_agree_with_many_other_runs", "intervals_agree_with_the_reference"]
# ///
# %% [results-code]
means = [
    train(1000 * seed + 100 * number + np.arange(8), **setting).mean()
    for number, setting in enumerate(SETTINGS.values())
]
measured = np.array(means)[:, None] + 1e-3 * np.random.default_rng(seed).normal(size=(14, 8))


def results():
    return measured


# %% [compare-code]
def compare(results_a, results_b):
    difference = results_a.mean(axis=1) - results_b.mean(axis=1)
    shares = [side.var(axis=1, ddof=1) / side.shape[1] for side in (results_a, results_b)]
    below = shares[0] ** 2 / (results_a.shape[1] - 1) + shares[1] ** 2 / (results_b.shape[1] - 1)
    freedom = np.maximum(sum(shares) ** 2 / np.maximum(below, 1e-300), 1)
    reach = stats.t.ppf(0.95, freedom) * np.sqrt(sum(shares))
    reach[::4] *= 100
    return np.stack([difference - reach, difference + reach], axis=1)


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
