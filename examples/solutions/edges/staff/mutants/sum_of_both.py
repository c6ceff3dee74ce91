# /// pawgrade
# title = "Both changes are added up, not the arrow's length"
# loses = ["edges"]
# fails = ["edges_are_where_the_change_is_large"]
# ///
# %% [edges-code]
def edges(image, threshold):
    return np.abs(sobel(image)).sum(axis=-1) >= threshold
