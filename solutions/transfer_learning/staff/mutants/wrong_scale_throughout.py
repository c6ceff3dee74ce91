# /// pawgrade
# title = "Pixels of 0 to 255 as they are stored, from training to the answers"
# loses = ["normalise", "features", "is_dog"]
# ///
# %% [normalise-code]
def normalise(images, mean, deviation):
    return torch.tensor(images, dtype=torch.float32).permute(0, 3, 1, 2)
