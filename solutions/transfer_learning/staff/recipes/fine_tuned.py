# /// pawgrade
# title = "The last block unfrozen for six steps"
# weak = true
# leaves = ["maps-code", "cost-picture-code"]
# ///
# Honest, and no better than the frozen one on real photos (about 0.99); on few drawn ones the luck of six steps decides.
# %% [unfreeze-code]
def fine_tune(backbone, head, images, dogs, steps=6, rate=1e-4):
    tuned, tuned_head = copy.deepcopy(backbone), copy.deepcopy(head)
    learning = [*tuned.network.blocks[-1].parameters(), *tuned_head.parameters()]
    for weight in learning:
        weight.requires_grad_(True)
    optimiser, rng = torch.optim.AdamW(learning, lr=rate), np.random.default_rng(seed)
    for _ in range(steps):
        rows = rng.permutation(len(dogs))[:16]
        logits = tuned_head(tuned.pooled(normalise(images[rows], *OURS)))
        wanted = torch.tensor(dogs[rows], dtype=torch.float32)[:, None]
        optimiser.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(logits, wanted).backward()
        optimiser.step()
    return tuned.freeze(), tuned_head.eval()


backbone, head = fine_tune(backbone, head, train_images, train_dogs)
