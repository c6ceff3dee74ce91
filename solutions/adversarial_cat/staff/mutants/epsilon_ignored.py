# /// pawgrade
# title = "A budget of 4 grey levels, whatever epsilon says"
# student = "student04"
# loses = ["ideal", "half"]
# fails = ["it_starts_from_the_noise", "less_is_enough"]
# skips = ["the_network_is_sure", "the_term_smooths_it", "a_small_shift_changes_little"]
# leaves = ["ideal-code", "ideal-entry-code", "fourier-own-code", "attack-look-code"]
# ///
# %% [attack-code]
def adversarial_image(photo, class_index, epsilon):
    clean = torch.tensor(photo, dtype=torch.float32)
    target, image = torch.tensor([class_index]), clean.clone()
    for step in range(60):
        rounded = image.round().requires_grad_()
        scores = backbone(backbone.normalise(rounded[None] / 255))
        if step > 3 and scores.softmax(dim=1)[0, class_index] > 0.98:
            break
        (gradient,) = torch.autograd.grad(F.cross_entropy(scores, target), rounded)
        image = image - gradient.sign()
        image = torch.clamp(image, clean - 4, clean + 4).clamp(0, 255)
    return image.round().to(torch.uint8).numpy()
