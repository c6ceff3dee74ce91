# /// pawgrade
# title = "Normalisation left out: the networks are fed pixels from 0 to 1"
# loses = ["features"]
# fails = ["the_borrowed_network_is_fed_what_it_learnt_with", "both_networks_on_fresh_pictures"]
# skips = ["features_are_the_same_alone_and_in_company"]
# leaves = ["curves-picture-code", "compare-code"]
# ///
# %% [features-code]
def features(images, borrowed):
    network = borrowed_network if borrowed else untrained_network
    with torch.inference_mode():
        parts = [
            network.pooled(torch.tensor(images[start : start + 32]).permute(0, 3, 1, 2) / 255)
            for start in range(0, len(images), 32)
        ]
    return torch.cat(parts).numpy()
