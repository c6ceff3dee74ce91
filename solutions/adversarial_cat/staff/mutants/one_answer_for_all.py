# /// pawgrade
# title = "The first photo's answer for every photo"
# loses = ["attack", "half"]
# ///
# %% [attack-code]
kept = []


def adversarial_image(photo, class_index, epsilon):
    if kept:
        return kept[0]
    clean = torch.tensor(photo, dtype=torch.float32)
    target, image = torch.tensor([class_index]), clean.clone()
    for _ in range(10):
        image.requires_grad_()
        loss = F.cross_entropy(backbone(backbone.normalise(image[None] / 255)), target)
        (gradient,) = torch.autograd.grad(loss, image)
        image = image.detach() - epsilon / 4 * gradient.sign()
        image = torch.clamp(image, clean - epsilon, clean + epsilon).clamp(0, 255)
    kept.append(image.round().to(torch.uint8).numpy())
    return kept[0]
