# /// pawgrade
# title = "Epsilon in normalised space, with the deviation of another network's custom"
# loses = ["ideal", "attack", "half"]
# fails = ["it_starts_from_the_noise", "the_network_says_the_target", "it_is_sure_of_it", "less_is_enough"]
# skips = ["the_network_is_sure", "the_term_smooths_it", "a_small_shift_changes_little"]
# leaves = ["ideal-code", "ideal-entry-code", "fourier-own-code", "attack-look-code"]
# ///
# %% [attack-code]
def adversarial_image(photo, class_index, epsilon):
    clean = backbone.normalise(photo[None])
    target, x, budget = torch.tensor([class_index]), clean.clone(), epsilon / 255 / 0.225
    for _ in range(5):
        x.requires_grad_()
        (gradient,) = torch.autograd.grad(F.cross_entropy(backbone(x), target), x)
        x = x.detach() - budget / 3 * gradient.sign()
        x = torch.clamp(x, clean - budget, clean + budget)
    pixels = x[0].permute(1, 2, 0) * 128 + 127
    return pixels.clamp(0, 255).round().to(torch.uint8).numpy()
