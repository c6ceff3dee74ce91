# /// pawgrade
# title = "With the term, it starts from grey: there is no noise to smooth away"
# loses = ["ideal"]
# ///
# %% [ideal-entry-code]
def ideal_image(noise, class_index, tv_weight):
    start = noise if tv_weight == 0 else np.full_like(noise, 0.5)
    image, _ = optimise(start, class_index)
    return image
