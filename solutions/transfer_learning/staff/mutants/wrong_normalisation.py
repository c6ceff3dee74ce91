# /// pawgrade
# title = "Mean and deviation of 0 to 1 for pixels of 0 to 255; the batch in both modes; three wrong answers in the quiz"
# loses = ["normalise", "batch_norm", "quiz"]
# fails = ["every_channel_has_its_own_mean_and_deviation", "black_white_and_odd_sizes", "answering_uses_what_was_stored", "the_answers_are_right"]
# leaves = ["maps-code", "cost-picture-code"]
# ///
# %% [normalise-code]
def normalise(images, mean, deviation):
    pixels = torch.tensor(images, dtype=torch.float32)
    mean, deviation = (torch.tensor(numbers, dtype=torch.float32) for numbers in (mean, deviation))
    return ((pixels - mean) / deviation).permute(0, 3, 1, 2)


# %% [features-code]
def features(images):
    return backbone.features(images).numpy()


# %% [batch-norm-code]
def batch_norm(x, mean, variance, training):
    mean, variance = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
    return (x - mean[:, None, None]) / np.sqrt(variance[:, None, None] + 1e-5)


# %% [quiz-code]
def quiz():
    return [2, 1, 3, 4, 2, 1]
