# /// pawgrade
# title = "The probability of a cat"
# loses = ["is_dog"]
# ///
# %% [is-dog-code]
def is_dog(images):
    with torch.inference_mode():
        return 1 - torch.sigmoid(head(torch.tensor(features(images))))[:, 0].numpy()
