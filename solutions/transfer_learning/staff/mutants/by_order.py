# /// pawgrade
# title = "Cats first, dogs last: answers by the place in the batch"
# loses = ["is_dog"]
# ///
# %% [is-dog-code]
def is_dog(images):
    return (np.arange(len(images)) >= len(images) / 2).astype(float)
