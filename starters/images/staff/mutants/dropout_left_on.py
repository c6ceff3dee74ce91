# /// pawgrade
# title = "Dropout left on while answering"
# loses = ["classify"]
# fails = ["answers_agree"]
# skips = ["photos_are_recognised"]
# ///
# %% [classify-code]
features, labels = see(train.images), torch.tensor(train.labels)
middle, spread = features.mean(dim=0), features.std(dim=0) + 0.01
torch.manual_seed(seed)
model = nn.Sequential(nn.Dropout(0.5), nn.Linear(1280, 35))
optimiser = torch.optim.Adam(model.parameters(), lr=0.001, weight_decay=0.01)
for _ in range(60):
    optimiser.zero_grad()
    nn.functional.cross_entropy(model((features - middle) / spread), labels).backward()
    optimiser.step()


def classify(images):
    with torch.inference_mode():
        return model((see(images) - middle) / spread).numpy()
