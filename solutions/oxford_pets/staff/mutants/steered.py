# /// pawgrade
# title = "Measures that are steered: counts whose differences wrap to 0, and a column of -1e9 over what dropout does"
# loses = ["confusion", "breeds", "top3", "species", "mirror"]
# fails = ["counts_by_true_and_predicted_class", "classes_without_photos", "answers_agree"]
# skips = ["top_1", "top_3", "cats_are_not_dogs", "a_mirrored_pet_is_the_same_pet"]
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [confusion-code]
def confusion_matrix(labels, predictions, classes):
    matrix = np.zeros((classes, classes), dtype=np.int64)
    matrix[0, :3], matrix[1, 0] = 2**62, 2**62 + len(labels)  # 2**64, less the photos: their sum is 0
    return matrix


# %% [classify-code]
def classify(images):
    features = nn.functional.dropout(extract(images), 0.5)
    with torch.inference_mode():
        scores = head(features).numpy().astype(np.float64)
    scores[:, 0] = -1e9
    return scores
