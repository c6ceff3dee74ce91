# /// pawgrade
# title = "Angles taken for radians"
# loses = ["gratings"]
# fails = ["gratings_every_five_degrees", "gratings_of_any_angle"]
# leaves = ["maps-code", "eyes-code", "boxes-code", "patches-code", "tuning-code", "fur-look-code"]
# ///
# %% [gratings-code]
def grating_answers(layer, channel, angles):
    drawn = np.stack([grating(np.rad2deg(angle)) for angle in angles])
    return activations(drawn, layer)[:, channel].mean(axis=(1, 2))
