# /// pawgrade
# title = "A small convolutional network"
# ///
# %% [classify-code]
rng = np.random.default_rng(seed)


def moved(images):
    return np.stack([np.roll(one, rng.integers(-12, 13, 2), axis=(0, 1)) for one in images])


x = torch.tensor(np.concatenate([shrink(train.images)] + [shrink(moved(train.images)) for _ in range(2)]))[
    :, None
]
y = torch.tensor(np.tile(train.labels, 3))
torch.manual_seed(seed)
model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)
)
model = nn.Sequential(model, nn.Flatten(), nn.Linear(512, 10))
optimiser = torch.optim.Adam(model.parameters(), lr=0.003)
for epoch in range(15):
    for rows in torch.randperm(len(y)).split(50):
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
        optimiser.step()


def classify(images):
    with torch.inference_mode():
        return model(torch.tensor(shrink(images))[:, None]).numpy()
