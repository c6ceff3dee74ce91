# /// pawgrade
# title = "The channel that is largest for short fur"
# student = "student06"
# loses = ["fur"]
# fails = ["long_fur_is_told_from_short"]
# leaves = ["maps-code", "eyes-code", "boxes-code", "patches-code", "tuning-code", "fur-look-code"]
# ///
# %% [fur-code]
def telling_channel(layer):
    return int(areas(activations(fur_images, layer).mean(axis=(2, 3)), ~is_long).argmax())
