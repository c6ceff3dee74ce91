# /// pawgrade
# title = "The channel whose ranks go best with the length of the fur (Spearman); photos one by one"
# leaves = ["maps-code", "eyes-code", "boxes-code", "patches-code", "tuning-code", "fur-look-code"]
# ///
# Expected: honest, full marks.
# %% [strongest-code]
def strongest(images, layer, channel, count):
    largest = [float(activations(image[None], layer)[0, channel].max()) for image in images]
    return np.array(sorted(range(len(largest)), key=lambda position: (-largest[position], position))[:count])


# %% [fur-code]
def telling_channel(layer):
    ranks = rankdata(activations(fur_images, layer).mean(axis=(2, 3)), axis=0)
    spread = ranks.std(axis=0)
    agree = ((ranks - ranks.mean(axis=0)) * (is_long - is_long.mean())[:, None]).mean(axis=0)
    return int((agree / np.where(spread > 0, spread, np.inf)).argmax())
