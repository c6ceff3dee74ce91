# /// pawgrade
# title = "The same answer to every question"
# loses = ["quiz"]
# ///
# %% [quiz-code]
def quiz():
    return np.full(6, 3)
