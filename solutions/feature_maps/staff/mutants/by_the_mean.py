# /// pawgrade
# title = "Photos by the mean of the map, gratings by its largest value"
# loses = ["strongest", "gratings"]
# fails = ["the_strongest_come_first", "ties_keep_their_order", "gratings_every_five_degrees", "gratings_of_any_angle"]
# leaves = ["maps-code", "eyes-code", "boxes-code", "patches-code", "tuning-code", "fur-look-code"]
# ///
# %% [strongest-code]
def strongest(images, layer, channel, count):
    means = activations(images, layer)[:, channel].mean(axis=(1, 2))
    return np.argsort(-means, kind="stable")[:count]


# %% [gratings-code]
def grating_answers(layer, channel, angles):
    drawn = np.stack([grating(angle) for angle in angles])
    return activations(drawn, layer)[:, channel].max(axis=(1, 2))
