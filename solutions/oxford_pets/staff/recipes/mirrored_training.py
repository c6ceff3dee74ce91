# /// pawgrade
# title = "SGD with momentum on the photos and their mirror images"
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [head-code]
mirrored_features = extract(np.ascontiguousarray(train.images[:, :, ::-1]))


def train_head(features, labels, watched=None, epochs=40, seed=0):
    if features is train_features:  # the mirror images of these photos are at hand
        features, labels = torch.cat([features, mirrored_features]), torch.cat([labels, labels])
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    head, loss_of = nn.Linear(features.shape[1], len(breeds)), nn.CrossEntropyLoss(label_smoothing=0.1)
    optimiser = torch.optim.SGD(head.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-3)
    for _ in range(epochs):
        for rows in torch.randperm(len(labels), generator=generator).split(32):
            optimiser.zero_grad()
            loss_of(head(features[rows]), labels[rows]).backward()
            optimiser.step()
    return head.eval(), []
