# /// pawgrade
# title = "The optimiser never steps"
# loses = ["classify"]
# fails = ["digits_are_recognised", "even_or_odd"]
# ///
# %% [classify-code]
torch.manual_seed(seed)
model = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def classify(images):
    with torch.inference_mode():
        return model(torch.tensor(shrink(images))).numpy()
