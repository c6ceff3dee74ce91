# /// pawgrade
# title = "Logistic regression with a penalty on the weights, solved by L-BFGS"
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [head-code]
def train_head(features, labels, watched=None, epochs=40, seed=0):
    torch.manual_seed(seed)
    head = nn.Linear(features.shape[1], len(breeds))
    optimiser = torch.optim.LBFGS(head.parameters(), max_iter=60, line_search_fn="strong_wolfe")

    def loss():
        optimiser.zero_grad()
        value = nn.functional.cross_entropy(head(features), labels) + 1e-3 * head.weight.square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    return head.eval(), []
