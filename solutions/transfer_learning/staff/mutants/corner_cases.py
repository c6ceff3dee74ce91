# /// pawgrade
# title = "Channels told by their number, one photo is no batch, the last question left open"
# loses = ["normalise", "batch_norm", "quiz"]
# fails = ["black_white_and_odd_sizes", "a_batch_of_one_photo", "every_question_has_an_answer", "the_answers_are_right"]
# leaves = ["maps-code", "cost-picture-code"]
# ///
# %% [normalise-code]
def normalise(images, mean, deviation):
    x = torch.tensor(images, dtype=torch.float32)
    if x.shape[1] != 3:  # three of them: the channels are in front already
        x = x.permute(0, 3, 1, 2)
    mean, deviation = (
        torch.tensor(numbers, dtype=torch.float32)[:, None, None] for numbers in (mean, deviation)
    )
    return (x / 255 - mean) / deviation


# %% [batch-norm-code]
def batch_norm(x, mean, variance, training):
    if training and len(x) > 1:
        mean, variance = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
    return (x - mean[:, None, None]) / np.sqrt(variance[:, None, None] + 1e-5)


# %% [quiz-code]
def quiz():
    return [2, 4, 3, 1, 2, 0]
