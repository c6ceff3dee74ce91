# /// pawgrade
# title = "The seed and k are not used, and pairs that occur twice count once"
# loses = ["split", "top_k", "confusion"]
# fails = ["the_same_number_of_every_breed", "validation_is_drawn_at_random", "the_share_of_true_classes_among_the_first_k", "scores_may_be_negative", "counts_by_true_and_predicted_class", "classes_without_photos"]
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [split-code]
def validation_split(labels, per_class, seed):
    rng = np.random.default_rng(0)
    mask = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        mask[rng.choice(np.flatnonzero(labels == label), size=per_class, replace=False)] = True
    return mask


# %% [topk-code]
def top_k_accuracy(scores, labels, k):
    return float((scores.argmax(axis=1) == labels).mean())


# %% [confusion-code]
def confusion_matrix(labels, predictions, classes):
    matrix = np.zeros((classes, classes), dtype=np.int64)
    matrix[labels, predictions] += 1
    return matrix
