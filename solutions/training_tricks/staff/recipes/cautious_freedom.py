# /// pawgrade
# title = "As few degrees of freedom as the smaller side has, and five runs"
# ///
# %% [compare-code]
def compare(results_a, results_b):
    difference = results_a.mean(axis=1) - results_b.mean(axis=1)
    square = sum(side.var(axis=1, ddof=1) / side.shape[1] for side in (results_a, results_b))
    freedom = min(results_a.shape[1], results_b.shape[1]) - 1
    reach = stats.t.ppf(0.95, freedom) * np.sqrt(square)
    return np.stack([difference - reach, difference + reach], axis=1)


# %% [results-code]
measured = np.array(
    [
        train(1000 * seed + 100 * number + np.arange(5), **setting)
        for number, setting in enumerate(SETTINGS.values())
    ]
)


def results():
    return measured
