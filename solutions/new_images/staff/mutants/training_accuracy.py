# /// pawgrade
# title = "The accuracy of the training pictures is reported"
# loses = ["learning_curve", "own_curves"]
# fails = ["it_measures_on_test_pictures_alone", "what_was_measured_holds_on_other_pictures"]
# skips = ["the_curve_rises_as_a_linear_head_learns"]
# leaves = ["curves-picture-code", "compare-code"]
# ///
# %% [curve-code]
def learning_curve(train_features, train_labels, test_features, test_labels, sizes, seed):
    curve = []
    for size in sizes:
        rows = choose(train_labels, size, seed)
        head = train_head(train_features[rows], train_labels[rows])
        curve.append((head(train_features[rows]) == train_labels[rows]).mean())
    return np.array(curve)


# %% [ranked-code]
def ranking():
    return np.array([1, 2, 0])
