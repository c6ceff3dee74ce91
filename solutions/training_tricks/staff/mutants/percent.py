# /// pawgrade
# title = "Results in percent, and a rate to be silenced that is the chance to stay"
# loses = ["compare"]
# fails = []
# ///
# %% [results-code]
measured = np.array([train(100 * number + np.arange(8), **setting) for number, setting in enumerate(SETTINGS.values())])


def results():
    return 100 * measured


# %% [dropout-code]
draws = np.random.default_rng(seed)


def dropout(x, rate, training):
    if not training or rate == 0:
        return x
    return np.where(draws.random(x.shape) < rate, x / rate, 0.0)
