# /// pawgrade
# title = "Whether a word occurs, not how often"
# loses = ["counts"]
# fails = ["every_word_is_counted", "whole_words_whatever_their_case"]
# ///
# %% [counts-code]
def counts(sentences, vocabulary):
    return np.array(
        [[int(str(word) in str(one).lower().split()) for word in vocabulary] for one in sentences]
    )
