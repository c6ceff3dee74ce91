# /// pawgrade
# title = "Cats first, dogs last: the later in the batch, the more a dog"
# loses = ["is_dog"]
# fails = ["answers_agree", "a_crowd_and_one_alone"]
# leaves = ["maps-code", "cost-picture-code"]
# ///
# %% [is-dog-code]
def is_dog(images):
    return np.arange(1, len(images) + 1) / (len(images) + 1)
