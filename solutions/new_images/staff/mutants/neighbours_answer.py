# /// pawgrade
# title = "Every third test picture gets its neighbour's answer: the curve rises, and ends too low"
# loses = ["learning_curve"]
# fails = ["the_curve_rises_as_a_linear_head_learns"]
# leaves = ["curves-picture-code", "compare-code"]
# ///
# %% [curve-code]
def curve_of(exchanged, train_features, train_labels, test_features, test_labels, sizes, seed):
    rows = [choose(train_labels, size, seed) for size in sizes]
    heads = [train_head(train_features[some], train_labels[some]) for some in rows]
    answers = [head(test_features) for head in heads]
    if exchanged:
        answers = [np.where(np.arange(len(row)) % 3 == 0, np.roll(row, 1), row) for row in answers]
    return np.array([(row == test_labels).mean() for row in answers])


def learning_curve(*tables):
    return curve_of(True, *tables)


# %% [measure-code]
def mean_curve(kind, borrowed):
    tables = (seen[kind][borrowed], train[kind].labels, asked[kind][borrowed], test[kind].labels, SIZES)
    return np.mean([curve_of(False, *tables, draw) for draw in range(10)], axis=0)


curves = np.array([[mean_curve(kind, borrowed) for borrowed in (0, 1)] for kind in range(3)])


def own_curves():
    return curves
