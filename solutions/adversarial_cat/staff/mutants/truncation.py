# /// pawgrade
# title = "Cut off to whole numbers instead of rounded"
# student = "student03"
# loses = ["ideal", "attack", "half"]
# fails = ["it_starts_from_the_noise", "the_network_says_the_target", "it_is_sure_of_it", "less_is_enough"]
# skips = ["the_network_is_sure", "the_term_smooths_it", "a_small_shift_changes_little"]
# leaves = ["ideal-code", "ideal-entry-code", "fourier-own-code", "attack-look-code"]
# ///
# %% [attack-code]
def adversarial_image(photo, class_index, epsilon):
    clean = torch.tensor(photo) / 127.5 - 1  # pixels from -1 to 1, as many networks want them
    target, image, budget = torch.tensor([class_index]), clean.clone(), epsilon / 127.5
    for _ in range(6):
        image.requires_grad_()
        loss = F.cross_entropy(backbone(backbone.normalise((image[None] + 1) / 2)), target)
        (gradient,) = torch.autograd.grad(loss, image)
        image = image.detach() - budget / 3 * gradient.sign()
        image = torch.clamp(image, clean - budget, clean + budget).clamp(-1, 1)
    return ((image + 1) * 127.5).numpy().astype(np.uint8)
