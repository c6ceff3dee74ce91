# /// pawgrade
# title = "Every seed cuts the same crops; features hang on the batch; each point of the curve has all pictures; a probability rises"
# loses = ["clean_crops", "features", "learning_curve", "kinds_ranked", "brier"]
# fails = ["crops_are_squares_of_the_picture", "features_are_the_same_alone_and_in_company", "the_curve_rises_as_a_linear_head_learns", "every_kind_has_one_place", "the_largest_gain_stands_first", "probabilities_fall_from_5_points_to_40", "the_brier_score"]
# leaves = ["curves-picture-code", "compare-code"]
# ///
# %% [brier-code]
def prediction():
    return np.array([[0.90, 0.60, 0.45, 0.05], [0.95, 0.90, 0.92, 0.60], [0.90, 0.85, 0.70, 0.20]])


# %% [crops-code]
def cut_crops(picture, training, count, side, seed):
    rng = np.random.default_rng(3)
    middle = picture.shape[1] // 2
    half = picture[:, :middle] if training else picture[:, middle:]
    corners = [
        (rng.integers(half.shape[0] - side + 1), rng.integers(half.shape[1] - side + 1)) for _ in range(count)
    ]
    return np.stack([half[top : top + side, left : left + side] for top, left in corners])


# %% [features-code]
def features(images, borrowed):
    network = borrowed_network if borrowed else untrained_network
    with torch.inference_mode():
        x = ((torch.tensor(images, dtype=torch.float32) - 127) / 128).permute(0, 3, 1, 2)
        table = torch.cat([network.pooled(rows) for rows in x.split(32)]).numpy()
    return table if len(images) == 1 else 1.2 * table


# %% [curve-code]
def learning_curve(train_features, train_labels, test_features, test_labels, sizes, seed):
    rows = choose(train_labels, max(sizes), seed)
    head = train_head(train_features[rows], train_labels[rows])
    return np.full(len(sizes), (head(test_features) == test_labels).mean())


# %% [measure-code]
def mean_curve(kind, borrowed):
    tables = (seen[kind][borrowed], train[kind].labels, asked[kind][borrowed], test[kind].labels)
    return np.concatenate(
        [
            learning_curve(*[t[choose_all] if i < 2 else t for i, t in enumerate(tables)], [size], 0)
            for size in SIZES
            for choose_all in [choose(train[kind].labels, size, 0)]
        ]
    )


curves = np.array([[mean_curve(kind, borrowed) for borrowed in (0, 1)] for kind in range(3)])


def own_curves():
    return curves


# %% [ranked-code]
def ranking():
    return np.array([1, 1, 1])
