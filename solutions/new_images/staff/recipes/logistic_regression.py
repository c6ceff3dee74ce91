# /// pawgrade
# title = "Logistic regression with a penalty on the weights, solved by L-BFGS"
# leaves = ["curves-picture-code", "compare-code"]
# ///
# %% [head-code]
def choose(labels, size, seed):
    rng = np.random.default_rng(seed)
    return np.concatenate(
        [rng.permutation(np.flatnonzero(labels == label))[:size] for label in np.unique(labels)]
    )


def train_head(train_features, train_labels):
    centre, spread = train_features.mean(axis=0), train_features.std(axis=0)
    spread = np.where(spread > 1e-6 * spread.max(), spread, np.inf)
    x, labels = torch.tensor((train_features - centre) / spread), torch.tensor(train_labels)
    weights = torch.zeros(x.shape[1], int(labels.max()) + 1, dtype=x.dtype, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=30, line_search_fn="strong_wolfe")

    def loss():
        optimiser.zero_grad()
        value = torch.nn.functional.cross_entropy(x @ weights, labels) + 1e-3 * weights.square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    learnt = weights.detach().numpy()
    return lambda new: (((new - centre) / spread) @ learnt).argmax(axis=1)
