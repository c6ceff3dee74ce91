# /// pawgrade
# title = "Off by a hair: one photo fewer of the first breed, and accuracy and matrix without the last photo"
# loses = ["split", "top_k", "confusion"]
# fails = ["the_same_number_of_every_breed", "validation_is_drawn_at_random", "the_share_of_true_classes_among_the_first_k", "scores_may_be_negative", "counts_by_true_and_predicted_class", "classes_without_photos"]
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [split-code]
def validation_split(labels, per_class, seed):
    rng = np.random.default_rng(seed)
    mask = np.zeros(len(labels), dtype=bool)
    for number, label in enumerate(np.unique(labels)):
        chosen = rng.choice(np.flatnonzero(labels == label), size=per_class, replace=False)
        mask[chosen if number else chosen[1:]] = True
    return mask


# %% [topk-code]
def top_k_accuracy(scores, labels, k):
    best = np.argsort(-scores, axis=1)[:-1, :k]
    return float((best == labels[:-1, None]).any(axis=1).mean())


# %% [confusion-code]
def confusion_matrix(labels, predictions, classes):
    matrix = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(matrix, (labels[:-1], predictions[:-1]), 1)
    return matrix
