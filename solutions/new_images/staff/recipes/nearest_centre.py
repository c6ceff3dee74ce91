# /// pawgrade
# title = "No training: the class whose mean feature is nearest, after scaling"
# student = "student03"
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
    spread = np.where(spread > 1e-6 * spread.max(), spread, np.inf)
    x = (train_features - centre) / spread
    means = np.stack([x[train_labels == label].mean(axis=0) for label in range(train_labels.max() + 1)])

    def head(new):
        distances = (((new - centre) / spread)[:, None] - means[None]) ** 2
        return distances.sum(axis=2).argmin(axis=1)

    return head
