# /// pawgrade
# title = "Softmax over the photos of the batch"
# loses = ["is_dog"]
# fails = ["answers_agree", "a_crowd_and_one_alone"]
# skips = ["cats_and_dogs_are_told_apart", "a_mirrored_dog_is_a_dog"]
# leaves = ["maps-code", "cost-picture-code"]
# ///
# %% [is-dog-code]
def is_dog(images):
    with torch.inference_mode():
        return head(torch.tensor(features(images)))[:, 0].softmax(dim=0).numpy()
