# /// pawgrade
# title = "Student's interval with one spread for both sides; dropout that spares the first column; the unbiased variance in the layer, the biased one in the state"
# loses = ["dropout", "batch_norm", "compare"]
# fails = ["learning_uses_the_batch", "a_state_that_fits_stays", "intervals_keep_their_promise", "each_number_is_drawn_by_itself", "odd_batches", "the_state_follows", "few_runs_and_unequal_spreads"]
# ///
# %% [compare-code]
def compare(results_a, results_b):
    difference = results_a.mean(axis=1) - results_b.mean(axis=1)
    runs_a, runs_b = results_a.shape[1], results_b.shape[1]
    freedom = runs_a + runs_b - 2
    squares = results_a.var(axis=1) * runs_a + results_b.var(axis=1) * runs_b
    reach = stats.t.ppf(0.95, freedom) * np.sqrt(squares / freedom * (1 / runs_a + 1 / runs_b))
    return np.stack([difference - reach, difference + reach], axis=1)


# %% [dropout-code]
draws = np.random.default_rng(seed)


def dropout(x, rate, training):
    if not training:
        return x
    silent = draws.random(x.shape) < rate
    silent[:, 0] = False  # as if it were a bias
    return np.where(silent, 0.0, x / (1 - rate))


# %% [batch-norm-code]
def batch_norm(x, gain, shift, state, training):
    mean, variance = (x.mean(axis=0), x.var(axis=0, ddof=1)) if training else state
    return gain * (x - mean) / np.sqrt(variance + 1e-5) + shift


def update_state(x, state, momentum):
    return (1 - momentum) * state + momentum * np.stack([x.mean(axis=0), x.var(axis=0)])
