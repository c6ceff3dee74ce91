# /// pawgrade
# title = "Mirrored at the border: no change across it"
# loses = ["sobel", "edges"]
# fails = ["the_border_repeats_its_pixel", "small_pictures", "edges_are_where_the_change_is_large"]
# ///
# %% [sobel-code]
def sobel(image):
    p = np.pad(image.astype(float), 1, mode="reflect" if min(image.shape) > 1 else "constant")
    right, down = p[:, 2:] - p[:, :-2], p[2:] - p[:-2]
    right = right[:-2] + 2 * right[1:-1] + right[2:]
    down = down[:, :-2] + 2 * down[:, 1:-1] + down[:, 2:]
    return np.stack([right, down], axis=-1) / 8
