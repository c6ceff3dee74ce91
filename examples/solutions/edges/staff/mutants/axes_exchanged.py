# /// pawgrade
# title = "The axes are exchanged: downwards first"
# loses = ["sobel"]
# fails = ["a_ramp_has_its_slope", "small_pictures"]
# skips = ["inside_every_slope_is_right", "the_border_repeats_its_pixel"]
# ///
# %% [sobel-code]
def sobel(image):
    p = np.pad(image.astype(float), 1, mode="edge")
    right, down = p[:, 2:] - p[:, :-2], p[2:] - p[:-2]
    right = right[:-2] + 2 * right[1:-1] + right[2:]
    down = down[:, :-2] + 2 * down[:, 1:-1] + down[:, 2:]
    return np.stack([down, right], axis=-1) / 8
