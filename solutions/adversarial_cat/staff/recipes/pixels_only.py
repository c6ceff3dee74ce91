# /// pawgrade
# title = "The ideal image with the fine layer alone, in more steps"
# weak = true
# leaves = ["fourier-own-code", "attack-look-code"]
# ///
# Expected: honest: as good as the reference, at twice the price.
# %% [ideal-code]
def optimise(noise, class_index, tv_weight=0.0, jitter=8, steps=160):
    rng, target, history = np.random.default_rng(seed), torch.tensor([class_index]), []
    pixels = torch.tensor(noise).requires_grad_()
    optimiser = torch.optim.Adam([pixels], lr=0.05, betas=(0.5, 0.9))
    for step in range(steps):
        view = torch.roll(pixels, rng.integers(-jitter, jitter + 1, 2).tolist(), dims=(0, 1))
        view = view.flip(1) if jitter and rng.random() < 0.5 else view
        cross_entropy = F.cross_entropy(backbone(backbone.normalise(view[None])), target)
        variation = total_variation(pixels)
        history.append((cross_entropy.item(), variation.item()))
        if step >= 60 and max(row[0] for row in history[-6:]) < 0.05:
            break
        optimiser.zero_grad()
        (cross_entropy + tv_weight * variation).backward()
        optimiser.step()
        with torch.no_grad():
            pixels.clamp_(0, 1)
    return (pixels.detach() * 255).round().to(torch.uint8).numpy(), history
