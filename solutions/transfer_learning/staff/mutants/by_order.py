# /// pawgrade
# title = "Cats first, dogs last: the later in the batch, the more a dog"
# loses = ["is_dog"]
# fails = ["answers_agree", "a_crowd_and_one_alone"]
# skips = ["cats_and_dogs_are_told_apart", "a_mirrored_dog_is_a_dog"]
# leaves = ["maps-code", "cost-picture-code"]
# ///
# %% [is-dog-code]
def is_dog(images):
    return np.arange(1, len(images) + 1) / (len(images) + 1)
