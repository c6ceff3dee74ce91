# /// pawgrade
# title = "Labels in the order of the classes, beside pictures in another"
# loses = ["learning_curve", "new_kinds", "own_curves"]
# fails = ["the_curve_rises_as_a_linear_head_learns", "all_kinds_with_20_of_each_class", "textures", "cells", "all_kinds_with_5_of_each_class", "what_was_measured_holds_on_other_pictures"]
# leaves = ["curves-picture-code", "compare-code"]
# ///
# %% [head-code]
def choose(labels, size, seed):
    rng = np.random.default_rng(seed)
    return np.concatenate(
        [rng.permutation(np.flatnonzero(labels == label))[:size] for label in np.unique(labels)]
    )


def train_head(train_features, train_labels):
    train_features = train_features[np.random.default_rng(1).permutation(len(train_features))]
    centre, spread = train_features.mean(axis=0), train_features.std(axis=0)
    spread = np.where(spread > 1e-6 * spread.max(), spread, np.inf)
    x = (train_features - centre) / spread
    products = x @ x.T
    targets = np.eye(train_labels.max() + 1)[train_labels]
    weights = x.T @ np.linalg.solve(
        products + 0.1 * np.trace(products) / len(x) * np.eye(len(x)), targets - targets.mean(axis=0)
    )
    return lambda new: (((new - centre) / spread) @ weights).argmax(axis=1)


# %% [ranked-code]
def ranking():
    return np.array([1, 2, 0])
