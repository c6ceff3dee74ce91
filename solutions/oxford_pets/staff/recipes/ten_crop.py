# /// pawgrade
# title = "Ten crops of each photo: four corners and the middle, as they are and mirrored, scores averaged"
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# Expected: honest, and ten times the work of one pass: what a busy machine must not take away.
# %% [classify-code]
def crops(images, side=196):
    """Yield the ten crops, each brought back to 224 pixels a side."""
    edge = images.shape[1] - side
    for top, left in ((0, 0), (0, edge), (edge, 0), (edge, edge), (edge // 2, edge // 2)):
        x = torch.tensor(images[:, top : top + side, left : left + side], dtype=torch.float32).permute(
            0, 3, 1, 2
        )
        x = nn.functional.interpolate(x, size=224, mode="bilinear", antialias=True)
        whole = x.round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
        yield whole
        yield np.ascontiguousarray(whole[:, :, ::-1])


def classify(images):
    with torch.inference_mode():
        return torch.stack([head(extract(crop)).softmax(dim=1) for crop in crops(images)]).mean(dim=0).numpy()
