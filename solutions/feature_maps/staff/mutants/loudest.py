# /// pawgrade
# title = "The channel that answers most to long fur, whatever it answers to short"
# loses = ["fur"]
# fails = ["long_fur_is_told_from_short"]
# leaves = ["maps-code", "eyes-code", "boxes-code", "patches-code", "tuning-code", "fur-look-code"]
# ///
# %% [fur-code]
def telling_channel(layer):
    return int(activations(fur_images[is_long], layer).mean(axis=(0, 2, 3)).argmax())
