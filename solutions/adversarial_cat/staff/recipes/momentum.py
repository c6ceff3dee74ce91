# /// pawgrade
# title = "Signed steps along a running mean of the gradients (momentum)"
# leaves = ["fourier-own-code", "attack-look-code"]
# ///
# Expected: honest: as good as the reference.
# %% [attack-code]
def adversarial_image(photo, class_index, epsilon):
    clean = torch.tensor(photo, dtype=torch.float32)
    target, image, run = torch.tensor([class_index]), clean.clone(), 0
    for _ in range(50):
        rounded = image.round().requires_grad_()
        scores = backbone(backbone.normalise(rounded[None] / 255))
        if scores.softmax(dim=1)[0, class_index] > 0.98:
            break
        (gradient,) = torch.autograd.grad(F.cross_entropy(scores, target), rounded)
        run = 0.5 * run + gradient / gradient.abs().mean()
        image = image - epsilon / 6 * run.sign()
        image = torch.clamp(image, clean - epsilon, clean + epsilon).clamp(0, 255)
    return image.round().to(torch.uint8).numpy()
