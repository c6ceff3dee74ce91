# /// pawgrade
# title = "Two pixels are no pair yet: small images do not vary. And real photos of a cat in place of new images"
# loses = ["variation", "ideal", "attack", "half"]
# fails = ["small_and_long_images", "it_starts_from_the_noise", "the_network_says_the_target", "it_is_sure_of_it", "less_is_enough"]
# skips = ["the_network_is_sure", "the_term_smooths_it", "a_small_shift_changes_little"]
# leaves = ["ideal-code", "fourier-own-code", "attack-look-code"]
# ///
# %% [variation-code]
def total_variation(image):
    if min(image.shape[:2]) < 3:
        return 0.0
    return (abs(image[:, 1:] - image[:, :-1]).mean() + abs(image[1:] - image[:-1]).mean()) / 2


# %% [ideal-entry-code]
def ideal_image(noise, class_index, tv_weight):
    return lab.cat_photo()


# %% [attack-code]
def adversarial_image(photo, class_index, epsilon):
    place = int(photo[::16, ::16].sum()) % 20  # another piece of the cat for every photo
    return np.roll(lab.cat_photo(), place, axis=1)
