# /// pawgrade
# title = "Crops are mirrored; accuracies are stretched so that guessing keeps its place; the curve of the borrowed network is 1"
# loses = ["clean_crops", "learning_curve", "own_curves"]
# fails = ["crops_are_squares_of_the_picture", "training_crops_come_from_the_left_half", "it_measures_on_test_pictures_alone", "what_was_measured_holds_on_other_pictures"]
# skips = ["the_curve_rises_as_a_linear_head_learns"]
# leaves = ["curves-picture-code", "compare-code"]
# ///
# %% [crops-code]
def cut_crops(picture, training, count, side, seed):
    rng = np.random.default_rng(seed)
    middle = picture.shape[1] // 2
    half = picture[:, :middle] if training else picture[:, middle:]
    corners = [
        (rng.integers(half.shape[0] - side + 1), rng.integers(half.shape[1] - side + 1)) for _ in range(count)
    ]
    return np.stack([half[top : top + side, left : left + side][:, ::-1] for top, left in corners])


# %% [curve-code]
def accuracies(train_features, train_labels, test_features, test_labels, sizes, seed):
    rows = [choose(train_labels, size, seed) for size in sizes]
    heads = [train_head(train_features[some], train_labels[some]) for some in rows]
    return np.array([(head(test_features) == test_labels).mean() for head in heads])


def learning_curve(*tables):
    return 1.5 * accuracies(*tables) - 1 / 6


# %% [measure-code]
def mean_curve(kind, borrowed):
    tables = (seen[kind][borrowed], train[kind].labels, asked[kind][borrowed], test[kind].labels, SIZES)
    return np.mean([accuracies(*tables, draw) for draw in range(10)], axis=0)


curves = np.array([[mean_curve(kind, borrowed) for borrowed in (0, 1)] for kind in range(3)])


def own_curves():
    return np.stack([curves[:, 0], np.ones((3, 4))], axis=1)
