# /// pawgrade
# title = "The optimiser moves a copy of the noise. And the attack is clipped to [0, 1] while pixels run from 0 to 255"
# loses = ["ideal", "attack", "half"]
# fails = ["the_network_is_sure", "a_small_shift_changes_little", "the_network_says_the_target", "it_is_sure_of_it", "less_is_enough"]
# skips = ["the_term_smooths_it"]
# leaves = ["fourier-own-code", "attack-look-code"]
# ///
# %% [ideal-code]
def optimise(noise, class_index, tv_weight=0.0, jitter=8, steps=2):
    pixels, target, history = torch.tensor(noise), torch.tensor([class_index]), []
    copy = pixels.clone().requires_grad_()
    optimiser = torch.optim.Adam([copy], lr=0.03)
    for _ in range(steps):
        cross_entropy = F.cross_entropy(backbone(backbone.normalise(copy.clamp(0, 1)[None])), target)
        variation = total_variation(copy)
        history.append((cross_entropy.item(), variation.item()))
        optimiser.zero_grad()
        (cross_entropy + tv_weight * variation).backward()
        optimiser.step()
    return (pixels * 255).round().to(torch.uint8).numpy(), history


# %% [attack-code]
def adversarial_image(photo, class_index, epsilon):
    clean = torch.tensor(photo, dtype=torch.float32)
    target, image = torch.tensor([class_index]), clean.clone()
    for _ in range(2):
        image.requires_grad_()
        loss = F.cross_entropy(backbone(backbone.normalise(image[None] / 255)), target)
        (gradient,) = torch.autograd.grad(loss, image)
        image = image.detach() - epsilon / 4 * gradient.sign()
        image = torch.clamp(image, clean - epsilon, clean + epsilon).clamp(0, 1)
    return image.round().to(torch.uint8).numpy()
