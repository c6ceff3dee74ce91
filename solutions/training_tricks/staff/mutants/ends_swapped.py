# /// pawgrade
# title = "The upper end comes first"
# loses = ["compare", "report"]
# fails = ["the_difference_lies_inside", "intervals_keep_their_promise", "the_report_is_about_the_results", "few_runs_and_unequal_spreads", "runs_that_fail_now_and_then"]
# skips = ["intervals_say_something", "the_verdict_follows_from_the_interval"]
# ///
# %% [compare-code]
def compare(results_a, results_b):
    difference = results_a.mean(axis=1) - results_b.mean(axis=1)
    share_a, share_b = (side.var(axis=1, ddof=1) / side.shape[1] for side in (results_a, results_b))
    below = share_a**2 / (results_a.shape[1] - 1) + share_b**2 / (results_b.shape[1] - 1)
    freedom = np.maximum((share_a + share_b) ** 2 / np.maximum(below, 1e-300), 1)
    reach = stats.t.ppf(0.95, freedom) * np.sqrt(share_a + share_b)
    return np.stack([difference + reach, difference - reach], axis=1)
