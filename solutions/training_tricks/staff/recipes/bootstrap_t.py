# /// pawgrade
# title = "A bootstrap of the studentised difference"
# ///
# %% [compare-code]
def compare(results_a, results_b):
    draws = np.random.default_rng(seed)

    def studied(a, b):
        square = a.var(axis=1, ddof=1) / a.shape[1] + b.var(axis=1, ddof=1) / b.shape[1]
        return a.mean(axis=1) - b.mean(axis=1), np.sqrt(square)

    def again(side):
        return np.take_along_axis(side, draws.integers(0, side.shape[1], side.shape), axis=1)

    difference, error = studied(results_a, results_b)
    ratios = []
    for _ in range(599):
        moved, spread = studied(again(results_a), again(results_b))
        ratios.append((moved - difference) / np.maximum(spread, 1e-9 * error + 1e-12))
    low, high = np.quantile(ratios, [0.05, 0.95], axis=0)
    return np.stack([difference - high * error, difference - low * error], axis=1)


# %% [results-code]
measured = np.array(
    [
        train(1000 * seed + 100 * number + np.arange(12), **setting)
        for number, setting in enumerate(SETTINGS.values())
    ]
)


def results():
    return measured
