# /// pawgrade
# title = "A head that was never trained"
# loses = ["breeds", "top3", "species", "mirror"]
# fails = ["top_1", "top_3", "cats_are_not_dogs", "a_mirrored_pet_is_the_same_pet"]
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [head-code]
def train_head(features, labels, watched=None, epochs=40, seed=0):
    torch.manual_seed(seed)
    return nn.Linear(features.shape[1], len(breeds)).eval(), []
