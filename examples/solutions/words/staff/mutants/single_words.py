# /// pawgrade
# title = "Single words alone: good and not good are the same"
# student = "student02"
# loses = ["pleased"]
# fails = ["sentences_are_understood", "not_turns_it_round"]
# ///
# %% [pleased-code]
def pleased(sentences):
    x = torch.tensor(counts(sentences, known), dtype=torch.float32)
    with torch.inference_mode():
        return torch.sigmoid(model(x))[:, 0].numpy()


known = sorted({word for one in train for word in one.split()})
x, y = (
    torch.tensor(counts(train, known), dtype=torch.float32),
    torch.tensor(train_pleased, dtype=torch.float32),
)
torch.manual_seed(seed)
model = nn.Linear(len(known), 1)
optimiser = torch.optim.Adam(model.parameters(), lr=0.05, weight_decay=1e-3)
for step in range(200):
    optimiser.zero_grad()
    nn.functional.binary_cross_entropy_with_logits(model(x)[:, 0], y).backward()
    optimiser.step()
