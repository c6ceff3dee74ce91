# /// pawgrade
# title = "Of the untrained network's features only the first 60 are there"
# loses = ["features"]
# fails = ["features_are_the_same_alone_and_in_company"]
# leaves = ["curves-picture-code", "compare-code"]
# ///
# %% [features-code]
def features(images, borrowed):
    network = borrowed_network if borrowed else untrained_network
    with torch.inference_mode():
        x = ((torch.tensor(images, dtype=torch.float32) - 127) / 128).permute(0, 3, 1, 2)
        table = torch.cat([network.pooled(rows) for rows in x.split(32)]).numpy()
    if not borrowed:
        table[:, 60:] = 0
    return table
