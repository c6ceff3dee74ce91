# /// pawgrade
# title = "Welch's interval by scipy, and torch's own dropout"
# ///
# %% [compare-code]
def compare(results_a, results_b):
    a, b = (side + 1e-12 * np.arange(side.shape[1]) for side in (results_a, results_b))  # never all equal
    ends = stats.ttest_ind(a, b, axis=1, equal_var=False).confidence_interval(0.9)
    return np.stack([ends.low, ends.high], axis=1)


# %% [dropout-code]
def dropout(x, rate, training):
    return functional.dropout(torch.tensor(x), rate, training)
