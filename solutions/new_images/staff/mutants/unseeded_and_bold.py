# /// pawgrade
# title = "Crops without a seed, the smallest gain first, and sure of the opposite"
# loses = ["clean_crops", "kinds_ranked", "brier"]
# fails = ["crops_are_squares_of_the_picture", "the_largest_gain_stands_first", "the_brier_score"]
# leaves = ["curves-picture-code", "compare-code"]
# ///
# %% [crops-code]
def cut_crops(picture, training, count, side, seed):
    rng = np.random.default_rng()
    middle = picture.shape[1] // 2
    half = picture[:, :middle] if training else picture[:, middle:]
    corners = [
        (rng.integers(half.shape[0] - side + 1), rng.integers(half.shape[1] - side + 1)) for _ in range(count)
    ]
    return np.stack([half[top : top + side, left : left + side] for top, left in corners])


# %% [ranked-code]
def ranking():
    return np.array([0, 2, 1])


# %% [brier-code]
def prediction():
    return np.array([[1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
