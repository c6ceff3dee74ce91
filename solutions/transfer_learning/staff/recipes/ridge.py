# /// pawgrade
# title = "A head in closed form: ridge regression on the features"
# leaves = ["maps-code", "cost-picture-code"]
# ///
# Expected: honest, full marks: real photos, cat/dog accuracy about 0.99.
# %% [head-code]
def train_head(known, dogs, epochs=60, seed=0):
    mean, wanted = known.mean(axis=0), np.where(dogs, 1.0, -1.0)
    x = known - mean
    solved = np.linalg.solve(x @ x.T + 0.1 * np.trace(x @ x.T) / len(x) * np.eye(len(x)), wanted)
    head = nn.Linear(known.shape[1], 1)
    with torch.no_grad():
        head.weight.copy_(torch.tensor(x.T @ solved))
        head.bias.fill_(float(-mean @ (x.T @ solved)))
    return head.eval()
