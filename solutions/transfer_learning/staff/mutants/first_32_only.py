# /// pawgrade
# title = "Only the first batch of 32 is computed; the rest of the answers stay 0"
# loses = ["is_dog"]
# fails = ["a_crowd_and_one_alone"]
# leaves = ["maps-code", "cost-picture-code"]
# ///
# %% [is-dog-code]
def is_dog(images):
    probability = np.zeros(len(images), np.float32)
    with torch.inference_mode():
        probability[:32] = torch.sigmoid(head(torch.tensor(features(images[:32]))))[:, 0].numpy()
    return probability
