# /// pawgrade
# title = "A hidden layer with dropout, which is off while answering"
# leaves = ["maps-code", "cost-picture-code"]
# ///
# %% [head-code]
def train_head(known, dogs, epochs=60, seed=0):
    torch.manual_seed(seed)
    x, y = torch.tensor(known), torch.tensor(dogs, dtype=torch.float32)[:, None]
    head = nn.Sequential(
        nn.Dropout(0.3), nn.Linear(x.shape[1], 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 1)
    )
    optimiser = torch.optim.AdamW(head.parameters(), lr=1e-3, weight_decay=0.01)
    for _ in range(epochs):
        for rows in torch.randperm(len(y)).split(16):
            optimiser.zero_grad()
            nn.functional.binary_cross_entropy_with_logits(head(x[rows]), y[rows]).backward()
            optimiser.step()
    return head.eval()
