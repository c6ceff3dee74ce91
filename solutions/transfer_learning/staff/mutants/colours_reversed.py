# /// pawgrade
# title = "Colours in the order blue, green, red: nobody notices but the unit check"
# loses = ["normalise"]
# ///
# %% [normalise-code]
def normalise(images, mean, deviation):
    pixels = torch.tensor(images[..., ::-1].copy(), dtype=torch.float32) / 255
    mean, deviation = (torch.tensor(numbers, dtype=torch.float32) for numbers in (mean, deviation))
    return ((pixels - mean) / deviation).permute(0, 3, 1, 2)
