# /// pawgrade
# title = "1.645 in place of Student's quantile; percent in place of accuracies; a verdict by the difference alone"
# student = "student04"
# loses = ["compare", "report"]
# fails = ["intervals_keep_their_promise", "the_verdict_follows_from_the_interval", "few_runs_and_unequal_spreads"]
# ///
# %% [compare-code]
def compare(results_a, results_b):
    difference = results_a.mean(axis=1) - results_b.mean(axis=1)
    square = sum(side.var(axis=1, ddof=1) / side.shape[1] for side in (results_a, results_b))
    reach = 1.645 * np.sqrt(square)
    return np.stack([difference - reach, difference + reach], axis=1)


# %% [report-code]
def report():
    row = {name: number for number, name in enumerate(SETTINGS)}
    first, second = (measured[[row[pair[side]] for pair in STATEMENTS]] for side in (0, 1))
    ends = compare(first, second)
    return np.column_stack([ends, np.sign(ends.mean(axis=1))])
