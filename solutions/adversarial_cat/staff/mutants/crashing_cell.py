# /// pawgrade
# title = "The cell of the ideal image raises: the optimiser gets the picture, not a list"
# student = "student06"
# loses = ["ideal"]
# fails = ["it_starts_from_the_noise"]
# skips = ["the_network_is_sure", "the_term_smooths_it", "a_small_shift_changes_little"]
# leaves = ["fourier-own-code"]
# ///
# %% [ideal-code]
whole = assemble([torch.zeros(1, 3, 14, 14, requires_grad=True)])
optimiser = torch.optim.Adam(whole, lr=0.03)


def optimise(noise, class_index, tv_weight=0.0, jitter=8, steps=200):
    return None, []
