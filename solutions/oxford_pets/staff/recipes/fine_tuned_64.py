# /// pawgrade
# title = "The backbone's later half fine-tuned for an epoch, 64 photos at a time"
# weak = true
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# Expected: honest, and hungry: gradients of 64 photos take some gigabytes beside the photos. Where that meets the memory limit, the
# head that was trained before still answers.
# %% [finetune-code]
def fine_tune(network, head, images, labels, rate=1e-4):
    """Return copies of both that went once through the photos; statistics stay as they were."""
    network, head = copy.deepcopy(network), copy.deepcopy(head)
    half = len(network.network.blocks) // 2
    later = [*network.network.blocks[half:], network.network.conv_head, head]
    learning = [weight for part in later for weight in part.parameters()]
    for weight in learning:
        weight.requires_grad_(True)
    optimiser, rng = torch.optim.AdamW(learning, lr=rate), np.random.default_rng(seed)
    for rows in np.array_split(rng.permutation(len(labels)), max(1, len(labels) // 64)):
        optimiser.zero_grad()
        scores = head(network.pooled(preprocess(images[rows])))
        nn.functional.cross_entropy(scores, labels[rows]).backward()
        optimiser.step()
    return network.freeze(), head.eval()


backbone, head = fine_tune(backbone, head, train.images, train_labels)
