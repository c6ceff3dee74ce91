# /// pawgrade
# title = "Dropout left on while answering"
# loses = ["classify"]
# fails = ["answers_agree"]
# skips = ["digits_are_recognised", "even_or_odd"]
# ///
# %% [classify-code]
x, y = torch.tensor(shrink(train.images)), torch.tensor(train.labels)
torch.manual_seed(seed)
model = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 10))
optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(40):
    for rows in torch.randperm(len(y)).split(50):
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
        optimiser.step()


def classify(images):
    with torch.inference_mode():
        return model(torch.tensor(shrink(images))).numpy()
