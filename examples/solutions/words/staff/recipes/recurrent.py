# /// pawgrade
# title = "A small recurrent network, which reads the words in their order"
# ///
# %% [pleased-code]
known = {word: place for place, word in enumerate(sorted({word for one in train for word in one.split()}), 1)}
LONGEST = 20


def numbers(sentences):
    rows = [[known.get(word, 0) for word in str(one).lower().split()][-LONGEST:] for one in sentences]
    return torch.tensor([[0] * (LONGEST - len(row)) + row for row in rows])


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.reader = (
            nn.Embedding(len(known) + 1, 16, padding_idx=0),
            nn.GRU(16, 32, batch_first=True),
        )
        self.head = nn.Linear(32, 1)

    def forward(self, x):
        return self.head(self.reader(self.embedding(x))[1][0])


torch.manual_seed(seed)
model, x, y = Reader(), numbers(train), torch.tensor(train_pleased, dtype=torch.float32)[:, None]
optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(25):
    for rows in torch.randperm(len(y)).split(40):
        optimiser.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(model(x[rows]), y[rows]).backward()
        optimiser.step()


def pleased(sentences):
    with torch.inference_mode():
        return torch.sigmoid(model(numbers(sentences)))[:, 0].numpy()
