# /// pawgrade
# title = "The photo comes back as it was"
# student = "student05"
# loses = ["ideal", "attack", "half"]
# leaves = ["ideal-code", "ideal-entry-code", "fourier-own-code"]
# ///
# %% [attack-code]
def adversarial_image(photo, class_index, epsilon):
    return photo.copy()
