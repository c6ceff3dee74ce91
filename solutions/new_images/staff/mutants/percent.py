# /// pawgrade
# title = "Accuracies in percent"
# loses = ["learning_curve", "own_curves"]
# fails = ["it_measures_on_test_pictures_alone", "accuracies_are_fractions", "what_was_measured_holds_on_other_pictures"]
# skips = ["the_curve_rises_as_a_linear_head_learns"]
# leaves = ["curves-picture-code", "compare-code"]
# ///
# %% [curve-code]
def learning_curve(train_features, train_labels, test_features, test_labels, sizes, seed):
    curve = []
    for size in sizes:
        rows = choose(train_labels, size, seed)
        head = train_head(train_features[rows], train_labels[rows])
        curve.append(100 * (head(test_features) == test_labels).mean())
    return np.array(curve)
