# /// pawgrade
# title = "Dropout left on while answering"
# loses = ["is_dog"]
# fails = ["answers_agree", "a_crowd_and_one_alone"]
# skips = ["cats_and_dogs_are_told_apart", "a_mirrored_dog_is_a_dog"]
# leaves = ["maps-code", "cost-picture-code"]
# ///
# %% [is-dog-code]
def is_dog(images):
    found = nn.functional.dropout(torch.tensor(features(images)), 0.5)  # it drops by default, in any mode
    with torch.inference_mode():
        return torch.sigmoid(head(found))[:, 0].numpy()
