# /// pawgrade
# title = "Results from the last setting to the first, the report in its proper order"
# loses = ["results", "report"]
# fails = ["results_are_accuracies", "results_agree_with_many_other_runs"]
# skips = ["runs_differ", "the_report_is_about_the_results", "the_verdict_follows_from_the_interval"]
# ///
# %% [results-code]
measured = np.array(
    [
        train(1000 * seed + 100 * number + np.arange(8), **setting)
        for number, setting in enumerate(SETTINGS.values())
    ]
)


def results():
    return measured[::-1]
