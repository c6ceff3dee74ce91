# /// pawgrade
# title = "The difference of the means, without an interval; statements the wrong way round"
# student = "student05"
# loses = ["compare", "report"]
# fails = ["intervals_keep_their_promise", "the_report_is_about_the_results", "few_runs_and_unequal_spreads", "runs_that_fail_now_and_then", "intervals_agree_with_the_reference"]
# skips = ["the_verdict_follows_from_the_interval"]
# ///
# %% [compare-code]
def compare(results_a, results_b):
    difference = results_a.mean(axis=1) - results_b.mean(axis=1)
    return np.stack([difference, difference], axis=1)


# %% [report-code]
def report():
    row = {name: number for number, name in enumerate(SETTINGS)}
    lines = []
    for first, second in STATEMENTS:
        a, b = measured[row[second]], measured[row[first]]
        ends = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.9)
        lines.append([ends.low, ends.high, int(ends.low > 0) - int(ends.high < 0)])
    return np.array(lines)
