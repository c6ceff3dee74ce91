# /// pawgrade
# title = "A new split each time, found classes marked with a score of 0, a matrix as large as the labels seen, colours in the order BGR"
# loses = ["split", "normalise", "top_k", "confusion"]
# fails = ["the_same_number_of_every_breed", "pixels_as_the_network_saw_them", "scores_may_be_negative", "classes_without_photos"]
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [split-code]
def validation_split(labels, per_class, seed):
    rng = np.random.default_rng()
    mask = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        mask[rng.choice(np.flatnonzero(labels == label), size=per_class, replace=False)] = True
    return mask


# %% [normalise-code]
def preprocess(images):
    pixels = torch.tensor(images[..., ::-1].copy(), dtype=torch.float32)
    return ((pixels - 127) / 128).permute(0, 3, 1, 2)


# %% [features-code]
def extract(images):
    return backbone.features(images)


# %% [topk-code]
def top_k_accuracy(scores, labels, k):
    left, rows = scores.copy(), np.arange(len(labels))
    right = np.zeros(len(labels), dtype=bool)
    for _ in range(k):
        best = left.argmax(axis=1)
        right |= best == labels
        left[rows, best] = 0  # out of the way, as long as scores are positive
    return float(right.mean())


# %% [confusion-code]
def confusion_matrix(labels, predictions, classes):
    matrix = np.zeros((labels.max() + 1, predictions.max() + 1), dtype=np.int64)
    np.add.at(matrix, (labels, predictions), 1)
    return matrix


# %% [classify-code]
def classify(images):
    with torch.inference_mode():
        return head(extract(images)).numpy()
