# /// pawgrade
# title = "reshape without thinking: parts of rows in place of squares"
# loses = ["shrink", "classify"]
# fails = ["a_small_pixel_is_the_mean_of_its_square", "digits_are_recognised", "even_or_odd"]
# ///
# %% [shrink-code]
def shrink(images):
    return (np.asarray(images).reshape(len(images), 8, 8, -1).mean(axis=3) / 255).astype(np.float32)
