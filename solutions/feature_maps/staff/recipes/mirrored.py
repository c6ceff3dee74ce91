# /// pawgrade
# title = "Each photo and its mirror count when the channel is chosen"
# leaves = ["maps-code", "eyes-code", "boxes-code", "patches-code", "tuning-code", "fur-look-code"]
# ///
# Expected: honest, full marks.
# %% [fur-code]
both = np.concatenate([fur_images, fur_images[:, :, ::-1]])


def telling_channel(layer):
    means = activations(both, layer).mean(axis=(2, 3))
    return int(areas(means, np.tile(is_long, 2)).argmax())
