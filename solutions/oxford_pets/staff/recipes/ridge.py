# /// pawgrade
# title = "A head in closed form: ridge regression on standardised features"
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [head-code]
def train_head(features, labels, watched=None, epochs=40, seed=0):
    mean, spread = features.mean(dim=0), features.std(dim=0) + 1e-3
    x = ((features - mean) / spread).double()
    wanted = nn.functional.one_hot(labels, len(breeds)).double() - 1 / len(breeds)
    kernel = x @ x.T
    weight = (
        torch.linalg.solve(kernel + 0.1 * kernel.trace() / len(x) * torch.eye(len(x)), wanted).T @ x
    ).float()
    head = nn.Linear(features.shape[1], len(breeds))
    with torch.no_grad():
        head.weight.copy_(weight / spread)
        head.bias.copy_(-(weight / spread) @ mean)
    return head.eval(), []
