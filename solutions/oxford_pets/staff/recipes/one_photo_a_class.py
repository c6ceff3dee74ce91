# /// pawgrade
# title = "One training photo a class"
# student = "student03"
# weak = true
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# Expected: weak but honest: real photos, top-1 about 0.69, top-3 about 0.89.
# %% [head-code]
PHOTOS = 1


def train_head(features, labels, watched=None, epochs=40, seed=0):
    rng = np.random.default_rng(seed)
    few = [rng.permutation(np.flatnonzero(labels.numpy() == label))[:PHOTOS] for label in range(len(breeds))]
    few = torch.from_numpy(np.concatenate(few))
    features, labels = features[few], labels[few]
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
