# /// pawgrade
# title = "A budget of 4 grey levels, whatever epsilon says"
# student = "student04"
# loses = ["ideal", "half"]
# leaves = ["ideal-code", "ideal-entry-code", "fourier-own-code"]
# ///
# %% [attack-code]
def adversarial_image(photo, class_index, epsilon):
    clean = torch.tensor(photo, dtype=torch.float32)
    target, image = torch.tensor([class_index]), clean.clone()
    for _ in range(10):
        image.requires_grad_()
        loss = F.cross_entropy(backbone(backbone.normalise(image[None] / 255)), target)
        (gradient,) = torch.autograd.grad(loss, image)
        image = image.detach() - gradient.sign()
        image = torch.clamp(image, clean - 4, clean + 4).clamp(0, 255)
    return image.round().to(torch.uint8).numpy()
