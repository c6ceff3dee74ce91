# /// pawgrade
# title = "Training crops come from anywhere, the hidden half included"
# student = "student04"
# loses = ["clean_crops"]
# fails = ["training_crops_come_from_the_left_half"]
# leaves = ["curves-picture-code", "compare-code"]
# ///
# %% [crops-code]
def cut_crops(picture, training, count, side, seed):
    rng = np.random.default_rng(seed)
    first = 0 if training else picture.shape[1] // 2
    corners = [
        (rng.integers(picture.shape[0] - side + 1), rng.integers(first, picture.shape[1] - side + 1))
        for _ in range(count)
    ]
    return np.stack([picture[top : top + side, left : left + side] for top, left in corners])
