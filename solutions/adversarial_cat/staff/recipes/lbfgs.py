# /// pawgrade
# title = "The ideal image by L-BFGS, over four views that stay the same for a line search"
# weak = true
# leaves = ["fourier-own-code", "attack-look-code"]
# ///
# Expected: honest: a line search needs the same views every time, so it takes four at once, and draws new ones for the next.
# %% [ideal-code]
def optimise(noise, class_index, tv_weight=0.0, jitter=8, steps=24):
    rng, target, history = np.random.default_rng(seed), torch.tensor([class_index] * 4), []
    fine = torch.tensor(noise, dtype=torch.float32).permute(2, 0, 1)[None].contiguous()
    layers = [
        layer.requires_grad_() for layer in (fine, torch.zeros(1, 3, 56, 56), torch.zeros(1, 3, 14, 14))
    ]
    optimiser = torch.optim.LBFGS(layers, max_iter=4, history_size=6, line_search_fn="strong_wolfe")

    def closure():
        whole = assemble(layers)
        views = [whole.roll(shift, dims=(0, 1)) for shift in shifts]
        views = torch.stack([view.flip(1) if row % 2 else view for row, view in enumerate(views)])
        cross_entropy = F.cross_entropy(backbone(backbone.normalise(views)), target)
        variation = total_variation(whole)
        optimiser.zero_grad()
        loss = cross_entropy + tv_weight * variation
        loss.backward()
        history.append((cross_entropy.item(), variation.item()))
        return loss

    for _ in range(steps):
        shifts = [(0, 0), (0, 0), *(rng.integers(-jitter, jitter + 1, 2).tolist() for _ in range(2))]
        begin = len(history)
        optimiser.step(closure)
        if history[begin][0] < 0.05:  # sure of views that it had not seen
            break
    return (assemble(layers).detach() * 255).round().to(torch.uint8).numpy(), history
