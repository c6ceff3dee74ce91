# /// pawgrade
# title = "A hidden layer with dropout, which is off while answering"
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [head-code]
def train_head(features, labels, watched=None, epochs=40, seed=0):
    torch.manual_seed(seed)
    width = features.shape[1]
    head = nn.Sequential(
        nn.Dropout(0.3), nn.Linear(width, 256), nn.ReLU(), nn.Dropout(0.3), nn.Linear(256, len(breeds))
    )
    optimiser = torch.optim.AdamW(head.parameters(), lr=1e-3, weight_decay=0.01)
    for _ in range(30):
        head.train()
        for rows in torch.randperm(len(labels)).split(32):
            optimiser.zero_grad()
            nn.functional.cross_entropy(head(features[rows]), labels[rows]).backward()
            optimiser.step()
    return head.eval(), []
