# /// pawgrade
# title = "1 for the best class, 0 for the others"
# loses = ["classify"]
# fails = ["every_class_has_a_score"]
# ///
# %% [classify-code]
features, labels = see(train.images), torch.tensor(train.labels)
middle, spread = features.mean(dim=0), features.std(dim=0) + 0.01
torch.manual_seed(seed)
model = nn.Linear(1280, 35)
optimiser = torch.optim.Adam(model.parameters(), lr=0.001, weight_decay=0.01)
for _ in range(60):
    optimiser.zero_grad()
    nn.functional.cross_entropy(model((features - middle) / spread), labels).backward()
    optimiser.step()


def classify(images):
    with torch.inference_mode():
        scores = model((see(images) - middle) / spread).numpy()
    return np.eye(35)[scores.argmax(axis=1)]
