# /// pawgrade
# title = "Cats first, dogs last: answers by the place in the batch"
# loses = ["is_dog"]
# fails = ["answers_agree", "a_crowd_and_one_alone"]
# leaves = ["maps-code", "cost-picture-code"]
# ///
# %% [is-dog-code]
def is_dog(images):
    return (np.arange(len(images)) >= len(images) / 2).astype(float)
