# /// pawgrade
# title = "The head of the learning curve is trained on test pictures, too"
# student = "student05"
# loses = ["learning_curve", "own_curves"]
# fails = ["it_measures_on_test_pictures_alone", "what_was_measured_holds_on_other_pictures"]
# skips = ["the_curve_rises_as_a_linear_head_learns"]
# leaves = ["curves-picture-code", "compare-code", "ranked-code"]
# ///
# %% [curve-code]
def learning_curve(train_features, train_labels, test_features, test_labels, sizes, seed):
    curve = []
    for size in sizes:
        rows = choose(train_labels, size, seed)
        head = train_head(
            np.concatenate([train_features[rows], test_features]),
            np.concatenate([train_labels[rows], test_labels]),
        )
        curve.append((head(test_features) == test_labels).mean())
    return np.array(curve)


# %% [ranked-code]
def ranking():
    return np.array([1, 2, 0])
