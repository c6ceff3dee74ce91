# /// pawgrade
# title = "A head that was never trained"
# ///
# Expected: honest: real photos, top-1 about 0.02, as by guessing.
# %% [head-code]
def train_head(features, labels, watched=None, epochs=40, seed=0):
    torch.manual_seed(seed)
    head = nn.Linear(features.shape[1], len(breeds)).eval()
    watched = watched or (features, labels)
    return head, [(*measure(head, features, labels), *measure(head, *watched))] * epochs
