# /// pawgrade
# title = "The borrowed network's features are used for both"
# loses = ["features", "own_curves"]
# fails = ["both_networks_on_fresh_pictures", "what_was_measured_holds_on_other_pictures"]
# leaves = ["curves-picture-code", "compare-code"]
# ///
# %% [features-code]
def features(images, borrowed):
    with torch.inference_mode():
        x = ((torch.tensor(images, dtype=torch.float32) - 127) / 128).permute(0, 3, 1, 2)
        return torch.cat([borrowed_network.pooled(rows) for rows in x.split(32)]).numpy()


# %% [ranked-code]
def ranking():
    return np.array([1, 2, 0])
