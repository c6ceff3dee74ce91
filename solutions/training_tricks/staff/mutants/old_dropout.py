# /// pawgrade
# title = "Dropout that scales while answering, clipping layer by layer, a straight line for the cosine, and the epoch of the stop"
# student = "student03"
# loses = ["dropout", "clip_by_norm", "schedule", "early_stopping"]
# fails = ["answering_changes_nothing", "the_expected_value_stays", "long_gradients_get_the_limit", "the_direction_stays", "runs_that_can_be_followed_by_hand", "losses_that_only_fall_or_only_rise", "each_number_is_drawn_by_itself", "odd_gradients", "any_step", "many_runs", "runs_that_diverge"]
# ///
# %% [dropout-code]
draws = np.random.default_rng(seed)


def dropout(x, rate, training):
    return x * (draws.random(x.shape) >= rate) if training else x * (1 - rate)


# %% [clip-code]
def clip_by_norm(gradients, limit):
    norms = np.linalg.norm(gradients, axis=1, keepdims=True)
    return gradients * np.minimum(1, limit / np.maximum(norms, 1e-12))


# %% [schedule-code]
def schedule(step, warmup, total, peak):
    falling = peak * np.clip((total - step) / (total - warmup), 0, 1)
    return np.where(step < warmup, peak * (step + 1) / max(warmup, 1), falling)


# %% [stopping-code]
def early_stopping(losses, patience):
    epochs = []
    for run in losses:
        best = 0
        for epoch, loss in enumerate(run):
            if loss < run[best]:
                best = epoch
            elif epoch - best >= patience:
                break
        epochs.append(epoch)
    return np.array(epochs)
