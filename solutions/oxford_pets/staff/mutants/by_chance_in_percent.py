# /// pawgrade
# title = "A split drawn from all photos at once, accuracy in percent, the matrix turned over"
# loses = ["split", "top_k", "confusion"]
# fails = ["the_same_number_of_every_breed", "validation_is_drawn_at_random", "the_share_of_true_classes_among_the_first_k", "scores_may_be_negative", "counts_by_true_and_predicted_class", "classes_without_photos"]
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [split-code]
def validation_split(labels, per_class, seed):
    mask = np.zeros(len(labels), dtype=bool)
    count = per_class * len(np.unique(labels))
    mask[np.random.default_rng(seed).choice(len(labels), size=count, replace=False)] = True
    return mask


# %% [topk-code]
def top_k_accuracy(scores, labels, k):
    best = np.argsort(-scores, axis=1)[:, :k]
    return 100 * float((best == labels[:, None]).any(axis=1).mean())


# %% [confusion-code]
def confusion_matrix(labels, predictions, classes):
    matrix = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(matrix, (predictions, labels), 1)
    return matrix
