# /// pawgrade
# title = "Dropout left on while answering"
# loses = ["is_dog"]
# ///
# %% [is-dog-code]
def is_dog(images):
    found = nn.functional.dropout(torch.tensor(features(images)), 0.5)  # it drops by default, in any mode
    with torch.inference_mode():
        return torch.sigmoid(head(found))[:, 0].numpy()
