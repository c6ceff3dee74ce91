# /// pawgrade
# title = "Nine of ten training labels are wrong"
# loses = ["breeds", "top3", "species", "mirror"]
# fails = ["top_1", "top_3", "cats_are_not_dogs", "a_mirrored_pet_is_the_same_pet"]
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [head-code]
def train_head(features, labels, watched=None, epochs=40, seed=0):
    rng = np.random.default_rng(seed)
    wrong = torch.from_numpy(rng.random(len(labels)) < 0.9)
    labels = torch.where(wrong, torch.from_numpy(rng.integers(0, len(breeds), len(labels))), labels)
    torch.manual_seed(seed)
    head, loss_of = nn.Linear(features.shape[1], len(breeds)), nn.CrossEntropyLoss()
    optimiser = torch.optim.AdamW(head.parameters(), lr=1e-3, weight_decay=0.01)
    for _ in range(epochs):
        for rows in torch.randperm(len(labels)).split(64):
            optimiser.zero_grad()
            loss_of(head(features[rows]), labels[rows]).backward()
            optimiser.step()
    return head.eval(), []
