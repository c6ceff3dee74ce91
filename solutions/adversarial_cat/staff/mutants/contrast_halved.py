# /// pawgrade
# title = "Less contrast instead of less variation"
# loses = ["ideal"]
# ///
# %% [ideal-entry-code]
def ideal_image(noise, class_index, tv_weight):
    image, _ = optimise(noise, class_index)
    if tv_weight > 0:
        image = (64 + image / 2).round().astype(np.uint8)  # half the variation, half the contrast
    return image
