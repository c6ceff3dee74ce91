# /// pawgrade
# title = "Features as they are, with a fixed penalty: those of the untrained network are too small to count"
# loses = ["learning_curve"]
# fails = ["the_curve_rises_as_a_linear_head_learns"]
# leaves = ["curves-picture-code", "compare-code"]
# ///
# %% [curve-code]
def unscaled_head(x, labels):
    targets = np.eye(labels.max() + 1)[labels]
    centre, mean = x.mean(axis=0), targets.mean(axis=0)
    weights = (x - centre).T @ np.linalg.solve(
        (x - centre) @ (x - centre).T + 1e-3 * np.eye(len(x)), targets - mean
    )
    return lambda new: ((new - centre) @ weights).round(6).argmax(axis=1)


def learning_curve(train_features, train_labels, test_features, test_labels, sizes, seed):
    rows = [choose(train_labels, size, seed) for size in sizes]
    return np.array(
        [
            (unscaled_head(train_features[some], train_labels[some])(test_features) == test_labels).mean()
            for some in rows
        ]
    )
