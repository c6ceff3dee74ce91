# /// pawgrade
# title = "Colours in the order blue, green, red; the stored numbers in both modes; three wrong answers in the quiz"
# loses = ["normalise", "batch_norm", "quiz"]
# fails = ["every_channel_has_its_own_mean_and_deviation", "black_white_and_odd_sizes", "learning_uses_the_batch", "a_batch_of_one_photo", "the_answers_are_right"]
# leaves = ["maps-code", "cost-picture-code"]
# ///
# %% [normalise-code]
def normalise(images, mean, deviation):
    pixels = torch.tensor(images[..., ::-1].copy(), dtype=torch.float32) / 255
    mean, deviation = (torch.tensor(numbers, dtype=torch.float32) for numbers in (mean, deviation))
    return ((pixels - mean) / deviation).permute(0, 3, 1, 2)


# %% [features-code]
def features(images):
    return backbone.features(images).numpy()


# %% [batch-norm-code]
def batch_norm(x, mean, variance, training):
    return (x - mean[:, None, None]) / np.sqrt(variance[:, None, None] + 1e-5)


# %% [quiz-code]
def quiz():
    return [1, 4, 1, 1, 3, 3]
