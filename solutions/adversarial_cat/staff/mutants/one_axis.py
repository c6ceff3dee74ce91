# /// pawgrade
# title = "Only neighbours beside each other count as variation"
# loses = ["variation"]
# ///
# %% [variation-code]
def total_variation(image):
    return abs(image[:, 1:] - image[:, :-1]).mean()
