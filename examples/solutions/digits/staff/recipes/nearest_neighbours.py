# /// pawgrade
# title = "No network: the three nearest neighbours, among digits and moved ones"
# ///
# %% [classify-code]
rng = np.random.default_rng(seed)


def moved(images):
    return np.stack([np.roll(one, rng.integers(-12, 13, 2), axis=(0, 1)) for one in images])


known = np.concatenate([shrink(train.images)] + [shrink(moved(train.images)) for _ in range(3)]).reshape(
    -1, 64
)
labels = np.tile(train.labels, 4)


def classify(images):
    asked = shrink(images).reshape(-1, 64)
    gaps = ((asked[:, None] - known[None]) ** 2).sum(axis=2)
    nearest = np.argsort(gaps, axis=1, kind="stable")[:, :3]
    scores = np.zeros((len(asked), 10))
    for row, places in enumerate(nearest):
        np.add.at(scores[row], labels[places], 1 / (0.1 + gaps[row, places]))
    return scores
