# /// pawgrade
# title = "The ideal image without jitter"
# ///
# Expected: honest: sure and smooth, but gone after a shift; loses what the shift is worth.
# %% [ideal-entry-code]
def ideal_image(noise, class_index, tv_weight):
    image, _ = optimise(noise, class_index, tv_weight, jitter=0)
    return image
