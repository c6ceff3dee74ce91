# /// pawgrade
# title = "A head for the 37 official breeds instead of the 35 labels"
# student = "student04"
# loses = ["breeds", "top3", "species", "mirror"]
# fails = ["answers_agree"]
# skips = ["top_1", "top_3", "cats_are_not_dogs", "a_mirrored_pet_is_the_same_pet"]
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [head-code]
def train_head(features, labels, watched=None, epochs=40, seed=0):
    torch.manual_seed(seed)
    head, history = nn.Linear(features.shape[1], 37), []  # the paper says 37
    loss_of = nn.CrossEntropyLoss()
    optimiser = torch.optim.AdamW(head.parameters(), lr=1e-3, weight_decay=0.01)
    for _ in range(epochs):
        for rows in torch.randperm(len(labels)).split(64):
            optimiser.zero_grad()
            loss_of(head(features[rows]), labels[rows]).backward()
            optimiser.step()
        if watched is not None:
            history.append((*measure(head, features, labels), *measure(head, *watched)))
    return head.eval(), history
