# /// pawgrade
# title = "Subtracted as uint8: what grows darker wraps round"
# loses = ["sobel", "edges"]
# fails = ["inside_every_slope_is_right", "the_border_repeats_its_pixel", "small_pictures", "edges_are_where_the_change_is_large"]
# ///
# %% [sobel-code]
def sobel(image):
    p = np.pad(image, 1, mode="edge")
    right, down = (p[:, 2:] - p[:, :-2]).astype(float), (p[2:] - p[:-2]).astype(float)
    right = right[:-2] + 2 * right[1:-1] + right[2:]
    down = down[:, :-2] + 2 * down[:, 1:-1] + down[:, 2:]
    return np.stack([right, down], axis=-1) / 8
