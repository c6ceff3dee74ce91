# /// pawgrade
# title = "The ideal image in steps of a fixed size along the gradient, shorter and shorter, by hand"
# leaves = ["fourier-own-code", "attack-look-code"]
# ///
# Expected: honest: smoother than the reference, at one and a half times the price.
# %% [ideal-code]
def optimise(noise, class_index, tv_weight=0.0, jitter=8, steps=200):
    rng, target, history = np.random.default_rng(seed), torch.tensor([class_index]), []
    layers = [
        torch.tensor(noise).permute(2, 0, 1)[None],
        torch.zeros(1, 3, 56, 56),
        torch.zeros(1, 3, 14, 14),
    ]
    runs = [0, 0, 0]
    for step in range(steps):
        layers = [layer.detach().requires_grad_() for layer in layers]
        whole = assemble(layers)
        view = (
            torch.roll(whole, rng.integers(-jitter, jitter + 1, 2).tolist(), dims=(0, 1)) if jitter else whole
        )
        view = view.flip(1) if jitter and rng.random() < 0.5 else view
        cross_entropy = F.cross_entropy(backbone(backbone.normalise(view[None])), target)
        variation = total_variation(whole)
        history.append((cross_entropy.item(), variation.item()))
        if step >= 30 and step % 5 == 0 and max(row[0] for row in history[-5:]) < 0.05:
            saved = (whole.detach() * 255).round().to(torch.uint8).numpy()
            views = np.stack([saved, saved[:, ::-1], np.roll(saved, (3, -3), (0, 1))])
            if probabilities(views)[:, class_index].min() > 0.95:
                break
        gradients = torch.autograd.grad(cross_entropy + tv_weight * variation, layers)
        runs = [0.5 * run + gradient / gradient.std() for run, gradient in zip(runs, gradients, strict=True)]
        rate = 0.02 / (1 + step / 50)  # shorter and shorter
        layers = [layer - rate * run for layer, run in zip(layers, runs, strict=True)]
    return (assemble(layers).detach() * 255).round().to(torch.uint8).numpy(), history
