# /// pawgrade
# title = "All crops from one place; a probability above 1; an accuracy above 1"
# loses = ["clean_crops", "own_curves", "brier"]
# fails = ["crops_are_squares_of_the_picture", "accuracies_are_fractions", "what_was_measured_holds_on_other_pictures", "probabilities_fall_from_5_points_to_40", "the_brier_score"]
# leaves = ["curves-picture-code", "compare-code"]
# ///
# %% [brier-code]
def prediction():
    return np.array([[0.90, 0.60, 0.45, 0.05], [1.02, 0.90, 0.85, 0.60], [0.90, 0.85, 0.70, 0.20]])


# %% [crops-code]
def cut_crops(picture, training, count, side, seed):
    rng = np.random.default_rng(seed)
    middle = picture.shape[1] // 2
    half = picture[:, :middle] if training else picture[:, middle:]
    top, left = rng.integers(half.shape[0] - side + 1), rng.integers(half.shape[1] - side + 1)
    return np.stack([half[top : top + side, left : left + side]] * count)


# %% [measure-code]
def mean_curve(kind, borrowed):
    tables = (seen[kind][borrowed], train[kind].labels, asked[kind][borrowed], test[kind].labels, SIZES)
    return np.mean([learning_curve(*tables, draw) for draw in range(10)], axis=0)


curves = np.array([[mean_curve(kind, borrowed) for borrowed in (0, 1)] for kind in range(3)])


def own_curves():
    return np.where(curves == curves.max(), 1.02, curves)
