# /// pawgrade
# title = "Logits in place of probabilities, moved so that 0.5 is the border"
# loses = ["pleased"]
# fails = ["probabilities_lie_between_0_and_1"]
# ///
# %% [pleased-code]
known = sorted({word for one in train for word in with_order(one).split()})
x = torch.tensor(counts([with_order(one) for one in train], known), dtype=torch.float32)
y = torch.tensor(train_pleased, dtype=torch.float32)[:, None]
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
        return model(x)[:, 0].numpy() + 0.5
