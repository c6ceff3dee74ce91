# /// pawgrade
# title = "The head is never trained"
# loses = ["classify"]
# fails = ["photos_are_recognised"]
# ///
# A mutant is a wrong solution. It replaces cells of the notebook, and its header says what it must cost: which exercises
# lose points (loses), which checks fail (fails), and which are skipped because one that they come after failed (skips).
# `pawgrade verify` grades it and demands exactly that. Write one for each mistake that a check is there for.
# %% [classify-code]
torch.manual_seed(seed)
model = nn.Linear(1280, 35)


def classify(images):
    with torch.inference_mode():
        return model(see(images)).numpy()
