# /// pawgrade
# title = "More than the threshold, not at least"
# loses = ["edges"]
# fails = ["exactly_the_threshold_is_an_edge"]
# ///
# %% [edges-code]
def edges(image, threshold):
    return np.sqrt((sobel(image) ** 2).sum(axis=-1)) > threshold
