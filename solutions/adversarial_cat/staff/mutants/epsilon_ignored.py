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
    for _ in range(60):
        rounded = image.round().requires_grad_()
        scores = backbone(backbone.normalise(rounded[None] / 255))
        if scores.softmax(dim=1)[0, class_index] > 0.98:
            break
        (gradient,) = torch.autograd.grad(F.cross_entropy(scores, target), rounded)
        image = image - 0.8 * gradient.sign()
        image = torch.clamp(image, clean - 4, clean + 4).clamp(0, 255)
    return image.round().to(torch.uint8).numpy()
