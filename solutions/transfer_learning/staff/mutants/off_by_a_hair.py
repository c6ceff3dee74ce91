# /// pawgrade
# title = "Off by a hair: pixels divided by 256, variances by one less, one answer of the quiz left out"
# loses = ["normalise", "batch_norm", "quiz"]
# fails = ["every_channel_has_its_own_mean_and_deviation", "black_white_and_odd_sizes", "learning_uses_the_batch", "a_batch_of_one_photo", "every_question_has_an_answer", "the_answers_are_right"]
# leaves = ["maps-code", "cost-picture-code"]
# ///
# %% [normalise-code]
def normalise(images, mean, deviation):
    pixels = torch.tensor(images, dtype=torch.float32) / 256
    mean, deviation = (torch.tensor(numbers, dtype=torch.float32) for numbers in (mean, deviation))
    return ((pixels - mean) / deviation).permute(0, 3, 1, 2)


# %% [quiz-code]
def quiz():
    return [2, 4, 3, 1, 2, 0]


# %% [batch-norm-code]
def batch_norm(x, mean, variance, training):
    if training:  # the variance that torch takes when nobody tells it: divided by one less
        mean, variance = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3), ddof=1)
    return (x - mean[:, None, None]) / np.sqrt(variance[:, None, None] + 1e-5)
