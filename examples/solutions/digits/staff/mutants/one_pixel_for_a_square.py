# /// pawgrade
# title = "Every 28th pixel of the red channel, not the mean of a square"
# loses = ["shrink"]
# fails = ["a_small_pixel_is_the_mean_of_its_square"]
# ///
# %% [shrink-code]
def shrink(images):
    return (images[:, ::28, ::28, 0] / 255).astype(np.float32)
