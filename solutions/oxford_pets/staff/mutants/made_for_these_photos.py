# /// pawgrade
# title = "35 breeds, at most 5 guesses and no empty row: what holds for these photos is taken to hold always"
# loses = ["split", "top_k", "confusion"]
# fails = ["validation_is_drawn_at_random", "scores_may_be_negative", "classes_without_photos"]
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [split-code]
def validation_split(labels, per_class, seed):
    rng = np.random.default_rng(seed)
    mask = np.zeros(len(labels), dtype=bool)
    for label in range(35):
        mask[rng.choice(np.flatnonzero(labels == label), size=per_class, replace=False)] = True
    return mask


# %% [topk-code]
def top_k_accuracy(scores, labels, k):
    best = np.argsort(-scores, axis=1)[:, :5]
    return float((best[:, :k] == labels[:, None]).any(axis=1).mean())


# %% [confusion-code]
def confusion_matrix(labels, predictions, classes):
    matrix = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(matrix, (labels, predictions), 1)
    empty = matrix.sum(axis=1) == 0
    matrix[empty, empty] = 1  # shares of a row are not to be divided by zero
    return matrix
