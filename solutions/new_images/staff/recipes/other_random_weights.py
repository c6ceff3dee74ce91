# /// pawgrade
# title = "Other random weights in the untrained network, other draws of training pictures, a heavier penalty"
# leaves = ["curves-picture-code", "compare-code"]
# ///
# %% [features-code]
untrained_again = lab.backbone("efficientnet_lite0")
torch.manual_seed(seed + 7)
for module in untrained_again.modules():
    if hasattr(module, "reset_parameters"):
        module.reset_parameters()
untrained_again.freeze()


def features(images, borrowed):
    network = borrowed_network if borrowed else untrained_again
    parts = []
    with torch.inference_mode():
        for start in range(0, len(images), 32):
            x = ((torch.tensor(images[start : start + 32], dtype=torch.float32) - 127) / 128).permute(
                0, 3, 1, 2
            )
            parts.append(network.pooled(x).numpy())
    return np.concatenate(parts)


# %% [head-code]
notebook_seed = seed


def choose(labels, size, seed):
    rng = np.random.default_rng([notebook_seed, seed])
    return np.concatenate(
        [rng.permutation(np.flatnonzero(labels == label))[:size] for label in np.unique(labels)]
    )


def train_head(train_features, train_labels):
    centre, spread = train_features.mean(axis=0), train_features.std(axis=0)
    spread = np.where(spread > 1e-6 * spread.max(), spread, np.inf)
    x = (train_features - centre) / spread
    products, targets = x @ x.T, np.eye(train_labels.max() + 1)[train_labels]
    weights = x.T @ np.linalg.solve(
        products + np.trace(products) / len(x) * np.eye(len(x)), targets - targets.mean(axis=0)
    )
    return lambda new: (((new - centre) / spread) @ weights + targets.mean(axis=0)).argmax(axis=1)
