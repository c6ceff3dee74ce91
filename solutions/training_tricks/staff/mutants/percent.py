# /// pawgrade
# title = "Results in percent, and dropout of half as many numbers as the rate says"
# loses = ["dropout", "results", "report"]
# fails = ["as_many_are_silenced_as_the_rate_says", "results_are_accuracies", "each_number_is_drawn_by_itself", "results_agree_with_many_other_runs"]
# skips = ["runs_differ", "the_report_is_about_the_results", "the_verdict_follows_from_the_interval"]
# ///
# %% [results-code]
measured = np.array(
    [train(100 * number + np.arange(8), **setting) for number, setting in enumerate(SETTINGS.values())]
)


def results():
    return 100 * measured


# %% [dropout-code]
draws = np.random.default_rng(seed)


def dropout(x, rate, training):
    if not training or rate == 0:
        return x
    return np.where(draws.random(x.shape) < rate / 2, 0.0, x / (1 - rate / 2))
