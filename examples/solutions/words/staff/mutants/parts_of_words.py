# /// pawgrade
# title = "Parts of words count, capitals are lost"
# loses = ["counts"]
# fails = ["whole_words_whatever_their_case"]
# ///
# %% [counts-code]
def counts(sentences, vocabulary):
    return np.array(
        [[f" {one} ".count(f" {word} ") + 0 for word in vocabulary] for one in sentences]
    ).reshape(len(sentences), -1)
