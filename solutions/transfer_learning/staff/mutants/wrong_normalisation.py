# /// pawgrade
# title = "Mean and deviation of 0 to 1 applied to pixels of 0 to 255; features by the backbone's own scale"
# loses = ["normalise"]
# ///
# %% [normalise-code]
def normalise(images, mean, deviation):
    pixels = torch.tensor(images, dtype=torch.float32)
    mean, deviation = (torch.tensor(numbers, dtype=torch.float32) for numbers in (mean, deviation))
    return ((pixels - mean) / deviation).permute(0, 3, 1, 2)


# %% [features-code]
def features(images):
    return backbone.features(images).numpy()
