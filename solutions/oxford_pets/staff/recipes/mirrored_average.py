# /// pawgrade
# title = "Features averaged over a photo and its mirror image"
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [features-code]
def extract(images):
    with torch.no_grad():
        parts = []
        for start in range(0, len(images), 32):
            x = preprocess(images[start : start + 32]).to(backbone.device)
            parts.append(((backbone.pooled(x) + backbone.pooled(x.flip(3))) / 2).cpu())
    return torch.cat(parts)


# %% [classify-code]
def classify(images):
    with torch.inference_mode():
        return head(extract(images)).numpy()
