# /// pawgrade
# title = "Intervals of 98 % instead of 90 %; the layer forgets the shift while it learns"
# loses = ["batch_norm", "compare"]
# fails = ["learning_uses_the_batch", "intervals_say_something", "odd_batches"]
# ///
# %% [compare-code]
def compare(results_a, results_b):
    difference = results_a.mean(axis=1) - results_b.mean(axis=1)
    share_a, share_b = (side.var(axis=1, ddof=1) / side.shape[1] for side in (results_a, results_b))
    below = share_a**2 / (results_a.shape[1] - 1) + share_b**2 / (results_b.shape[1] - 1)
    freedom = np.maximum((share_a + share_b) ** 2 / np.maximum(below, 1e-300), 1)
    reach = stats.t.ppf(0.99, freedom) * np.sqrt(share_a + share_b)
    return np.stack([difference - reach, difference + reach], axis=1)


# %% [batch-norm-code]
def batch_norm(x, gain, shift, state, training):
    if training:
        return gain * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)
    return gain * (x - state[0]) / np.sqrt(state[1] + 1e-5) + shift


def update_state(x, state, momentum):
    return (1 - momentum) * state + momentum * np.stack([x.mean(axis=0), x.var(axis=0, ddof=1)])
