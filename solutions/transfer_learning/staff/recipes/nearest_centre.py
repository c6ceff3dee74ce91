# /// pawgrade
# title = "No training: nearer to the mean of the dogs or of the cats"
# weak = true
# leaves = ["maps-code", "cost-picture-code"]
# ///
# Expected: honest: full marks on real photos (accuracy about 0.99), but weak on drawings: a part of the points.
# %% [head-code]
def train_head(known, dogs, epochs=60, seed=0):
    dog, cat = known[dogs].mean(axis=0), known[~dogs].mean(axis=0)
    scale = np.linalg.norm(dog - cat)
    head = nn.Linear(known.shape[1], 1)
    with torch.no_grad():
        head.weight.copy_(torch.tensor((dog - cat) / scale))
        head.bias.fill_(float((cat @ cat - dog @ dog) / 2 / scale))
    return head.eval()
