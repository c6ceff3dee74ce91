# /// pawgrade
# title = "The example by heart: right for the first layers, the whole picture for all others"
# loses = ["fields"]
# fails = ["boxes_within_the_picture", "boxes_at_the_edge"]
# leaves = ["maps-code", "eyes-code", "boxes-code", "patches-code", "tuning-code", "fur-look-code"]
# ///
# %% [fields-code]
def receptive_field(layer, row, column):
    first = {"conv_stem": (2, 0, 3), "blocks.0.0.conv_dw": (2, -2, 7), "blocks.1.0.conv_dw": (4, -2, 11)}
    if layer not in first:
        return np.array([0, 0, 223, 223])
    step, start, size = first[layer]
    top, left = row * step + start, column * step + start
    return np.clip([top, left, top + size - 1, left + size - 1], 0, 223)
