# /// pawgrade
# title = "Sorted upwards and turned round: photos that tie come last first"
# loses = ["strongest"]
# fails = ["ties_keep_their_order"]
# leaves = ["maps-code", "eyes-code", "boxes-code", "patches-code", "tuning-code", "fur-look-code"]
# ///
# %% [strongest-code]
def strongest(images, layer, channel, count):
    largest = activations(images, layer)[:, channel].max(axis=(1, 2))
    return np.argsort(largest, kind="stable")[::-1][:count].copy()
