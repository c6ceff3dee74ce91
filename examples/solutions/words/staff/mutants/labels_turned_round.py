# /// pawgrade
# title = "Trained on the wrong column: displeased is 1"
# loses = ["pleased"]
# fails = ["sentences_are_understood", "not_turns_it_round"]
# ///
# %% [pleased-code]
known = sorted({word for one in train for word in with_order(one).split()})
x = torch.tensor(counts([with_order(one) for one in train], known), dtype=torch.float32)
y = torch.tensor(~train_pleased, dtype=torch.float32)[:, None]
torch.manual_seed(seed)
model = nn.Linear(len(known), 1)
optimiser = torch.optim.Adam(model.parameters(), lr=0.05, weight_decay=1e-3)
for step in range(200):
    optimiser.zero_grad()
    nn.functional.binary_cross_entropy_with_logits(model(x), y).backward()
    optimiser.step()


def pleased(sentences):
    x = torch.tensor(counts([with_order(one) for one in sentences], known), dtype=torch.float32)
    with torch.inference_mode():
        return torch.sigmoid(model(x))[:, 0].numpy()
