# /// pawgrade
# title = "Intervals that always hold the truth, and a report as wide"
# student = "student06"
# loses = ["compare", "report"]
# fails = ["intervals_say_something", "the_report_is_about_the_results", "intervals_agree_with_the_reference"]
# skips = ["the_verdict_follows_from_the_interval"]
# ///
# %% [compare-code]
def compare(results_a, results_b):
    difference = results_a.mean(axis=1) - results_b.mean(axis=1)
    reach = 100 * (results_a.std(axis=1) + results_b.std(axis=1))
    return np.stack([difference - reach, difference + reach], axis=1)
