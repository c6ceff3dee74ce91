# /// pawgrade
# title = "One grey everywhere: no variation at all"
# loses = ["ideal"]
# ///
# %% [ideal-entry-code]
def ideal_image(noise, class_index, tv_weight):
    return np.full((224, 224, 3), 128, dtype=np.uint8)
