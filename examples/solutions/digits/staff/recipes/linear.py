# /// pawgrade
# title = "One linear layer, with a penalty on its weights"
# ///
# %% [classify-code]
rng = np.random.default_rng(seed)


def moved(images):
    return np.stack([np.roll(one, rng.integers(-12, 13, 2), axis=(0, 1)) for one in images])


x = torch.tensor(np.concatenate([shrink(train.images)] + [shrink(moved(train.images)) for _ in range(3)]))
y = torch.tensor(np.tile(train.labels, 4))
torch.manual_seed(seed)
model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
optimiser = torch.optim.Adam(model.parameters(), lr=0.02, weight_decay=1e-4)
for epoch in range(20):
    for rows in torch.randperm(len(y)).split(100):
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
        optimiser.step()


def classify(images):
    with torch.inference_mode():
        return model(torch.tensor(shrink(images))).numpy()
