# /// pawgrade
# title = "Features that vary by less than 10^-6 are left out: those of the untrained network all are"
# loses = ["learning_curve"]
# fails = ["the_curve_rises_as_a_linear_head_learns"]
# leaves = ["curves-picture-code", "compare-code"]
# ///
# %% [head-code]
def choose(labels, size, seed):
    rng = np.random.default_rng(seed)
    return np.concatenate(
        [rng.permutation(np.flatnonzero(labels == label))[:size] for label in np.unique(labels)]
    )


def train_head(train_features, train_labels):
    centre, spread = train_features.mean(axis=0), train_features.std(axis=0)
    spread = np.where(spread > 1e-6, spread, np.inf)
    x = (train_features - centre) / spread
    products, targets = x @ x.T, np.eye(train_labels.max() + 1)[train_labels]
    penalty = 0.1 * np.trace(products) / len(x) + 1e-9
    weights = x.T @ np.linalg.solve(products + penalty * np.eye(len(x)), targets - targets.mean(axis=0))
    return lambda new: (((new - centre) / spread) @ weights + targets.mean(axis=0)).argmax(axis=1)
