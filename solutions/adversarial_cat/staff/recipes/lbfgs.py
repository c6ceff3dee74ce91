# /// pawgrade
# title = "The ideal image by L-BFGS on the pixels, without jitter"
# weak = true
# leaves = ["fourier-own-code", "attack-code", "attack-look-code"]
# ///
# Expected: honest: sure and smooth, but gone after a shift, since the line search needs the same view every time.
# %% [ideal-code]
def optimise(noise, class_index, tv_weight=0.0, jitter=8, steps=12):
    target, history = torch.tensor([class_index]), []
    free = torch.logit(
        torch.tensor(noise).clamp(0.02, 0.98)
    ).requires_grad_()  # the sigmoid keeps pixels in [0, 1]
    optimiser = torch.optim.LBFGS([free], max_iter=4, history_size=8, line_search_fn="strong_wolfe")

    def closure():
        pixels = torch.sigmoid(free)
        cross_entropy = F.cross_entropy(backbone(backbone.normalise(pixels[None])), target)
        variation = total_variation(pixels)
        optimiser.zero_grad()
        loss = cross_entropy + tv_weight * variation
        loss.backward()
        history.append((cross_entropy.item(), variation.item()))
        return loss

    for _ in range(steps):
        optimiser.step(closure)
    return (torch.sigmoid(free).detach() * 255).round().to(torch.uint8).numpy(), history
