# /// pawgrade
# title = "The probability of a cat"
# loses = ["is_dog"]
# fails = ["cats_and_dogs_are_told_apart", "a_mirrored_dog_is_a_dog", "a_crowd_and_one_alone"]
# leaves = ["maps-code", "cost-picture-code"]
# ///
# %% [is-dog-code]
def is_dog(images):
    with torch.inference_mode():
        return 1 - torch.sigmoid(head(torch.tensor(features(images))))[:, 0].numpy()
