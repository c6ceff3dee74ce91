# /// pawgrade
# title = "Angles rounded to whole degrees, and answers below 0 cut off"
# loses = ["gratings"]
# fails = ["gratings_of_any_angle"]
# leaves = ["maps-code", "eyes-code", "boxes-code", "patches-code", "tuning-code", "fur-look-code"]
# ///
# %% [gratings-code]
def grating_answers(layer, channel, angles):
    drawn = np.stack([grating(round(angle)) for angle in angles])
    return np.maximum(
        activations(drawn, layer)[:, channel], 0 if "bn3" in layer or "conv" in layer else -99
    ).mean(axis=(1, 2))
