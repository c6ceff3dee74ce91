# /// pawgrade
# title = "Differences of the middle row alone: right on ramps, wrong at corners"
# loses = ["sobel", "edges"]
# fails = ["inside_every_slope_is_right", "the_border_repeats_its_pixel", "small_pictures", "edges_are_where_the_change_is_large"]
# ///
# %% [sobel-code]
def sobel(image):
    p = np.pad(image.astype(float), 1, mode="edge")
    return np.stack([p[1:-1, 2:] - p[1:-1, :-2], p[2:, 1:-1] - p[:-2, 1:-1]], axis=-1) / 2
