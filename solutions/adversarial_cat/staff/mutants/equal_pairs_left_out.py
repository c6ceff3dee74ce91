# /// pawgrade
# title = "The mean over neighbours that differ, not over all of them. And one grey everywhere as the ideal image"
# loses = ["variation", "ideal", "attack", "half"]
# fails = ["stripes_and_plain_colours", "it_starts_from_the_noise", "the_network_says_the_target", "it_is_sure_of_it", "less_is_enough"]
# skips = ["the_network_is_sure", "the_term_smooths_it", "a_small_shift_changes_little"]
# leaves = ["ideal-code", "fourier-own-code", "attack-look-code"]
# ///
# %% [variation-code]
def total_variation(image):
    sums = 0.0
    for difference in (image[:, 1:] - image[:, :-1], image[1:] - image[:-1]):
        sums = sums + abs(difference).sum() / max(int((difference != 0).sum()), 1)
    return sums / 2


# %% [ideal-entry-code]
def ideal_image(noise, class_index, tv_weight):
    return np.full((224, 224, 3), 128, dtype=np.uint8)


# %% [attack-code]
kept = []


def adversarial_image(photo, class_index, epsilon):
    kept.append(photo)
    return kept[0]
