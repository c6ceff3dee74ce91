# /// pawgrade
# title = "Logistic regression with a penalty on the weights, solved by L-BFGS"
# leaves = ["maps-code", "cost-picture-code"]
# ///
# %% [head-code]
def train_head(known, dogs, epochs=60, seed=0):
    torch.manual_seed(seed)
    x, y = torch.tensor(known), torch.tensor(dogs, dtype=torch.float32)[:, None]
    head = nn.Linear(x.shape[1], 1)
    optimiser = torch.optim.LBFGS(head.parameters(), max_iter=epochs, line_search_fn="strong_wolfe")

    def loss():
        optimiser.zero_grad()
        value = nn.functional.binary_cross_entropy_with_logits(head(x), y) + 1e-2 * head.weight.square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    return head.eval()
