# /// pawgrade
# title = "The ideal image by L-BFGS, which sees the same four moved views all the time"
# leaves = ["fourier-own-code", "attack-look-code"]
# ///
# Expected: honest: sure after a move, too, and as smooth as the reference; no rounds are saved without the term.
# %% [ideal-code]
def optimise(noise, class_index, tv_weight=0.0, jitter=8, steps=20):
    rng, target, history = np.random.default_rng(seed), torch.tensor([class_index] * 4), []
    start = torch.tensor(noise, dtype=torch.float32).clamp(0.02, 0.98)
    free = torch.logit(start).requires_grad_()  # the sigmoid keeps pixels in [0, 1]
    optimiser = torch.optim.LBFGS([free], max_iter=4, history_size=8, line_search_fn="strong_wolfe")
    moves = rng.integers(-jitter, jitter + 1, (4, 2)).tolist() if jitter else [[0, 0]] * 4
    for step in range(steps):

        def closure():
            pixels = torch.sigmoid(free)
            views = [torch.roll(pixels, move, dims=(0, 1)) for move in moves]
            views = [view.flip(1) if jitter and number % 2 else view for number, view in enumerate(views)]
            cross_entropy = F.cross_entropy(backbone(backbone.normalise(torch.stack(views))), target)
            variation = total_variation(pixels)
            optimiser.zero_grad()
            loss = cross_entropy + tv_weight * variation
            loss.backward()
            history.append((cross_entropy.item(), variation.item()))
            return loss

        optimiser.step(closure)
        saved = (torch.sigmoid(free).detach() * 255).round().to(torch.uint8).numpy()
        views = np.stack([saved, saved[:, ::-1], np.roll(saved, (3, -3), (0, 1))])
        if step >= 3 and probabilities(views)[:, class_index].min() > 0.95:
            break
    return saved, history
