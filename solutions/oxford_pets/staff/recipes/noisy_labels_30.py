# /// pawgrade
# title = "Three of ten training labels are wrong"
# weak = true
# ///
# Expected: weak but honest: real photos, top-1 about 0.73.
# %% [head-code]
def train_head(features, labels, watched=None, epochs=40, seed=0):
    rng = np.random.default_rng(seed)
    wrong = torch.from_numpy(rng.random(len(labels)) < 0.3)
    labels = torch.where(wrong, torch.from_numpy(rng.integers(0, len(breeds), len(labels))), labels)
    torch.manual_seed(seed)
    head, history = nn.Linear(features.shape[1], len(breeds)), []
    loss_of = nn.CrossEntropyLoss(weight=1 / torch.bincount(labels, minlength=len(breeds)).clamp(min=1))
    optimiser = torch.optim.AdamW(head.parameters(), lr=1e-3, weight_decay=0.01)
    for _ in range(epochs):
        for rows in torch.randperm(len(labels)).split(64):
            optimiser.zero_grad()
            loss_of(head(features[rows]), labels[rows]).backward()
            optimiser.step()
        if watched is not None:
            history.append((*measure(head, features, labels), *measure(head, *watched)))
    return head.eval(), history
