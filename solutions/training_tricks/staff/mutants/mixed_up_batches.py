# /// pawgrade
# title = "The batch's statistics in both modes, no gain and shift, momentum the wrong way round; each number clipped; t from step 0; falling runs end one early"
# loses = ["batch_norm", "clip_by_norm", "schedule", "early_stopping"]
# fails = ["learning_uses_the_batch", "answering_uses_what_was_stored", "short_gradients_stay", "the_rate_warms_up", "the_rate_falls_like_half_a_wave", "runs_that_can_be_followed_by_hand", "losses_that_only_fall_or_only_rise", "odd_batches", "the_state_follows", "any_step", "runs_that_diverge"]
# ///
# %% [batch-norm-code]
def batch_norm(x, gain, shift, state, training):
    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)


def update_state(x, state, momentum):
    return momentum * state + (1 - momentum) * np.stack([x.mean(axis=0), x.var(axis=0, ddof=1)])


# %% [clip-code]
def clip_by_norm(gradients, limit):
    return gradients * limit / max(np.linalg.norm(gradients), 1e-12)


# %% [schedule-code]
def schedule(step, warmup, total, peak):
    share = np.clip(step / total, 0, 1)
    return np.where(step < warmup, peak * step / max(warmup, 1), peak * (1 + np.cos(np.pi * share)) / 2)


# %% [stopping-code]
def early_stopping(losses, patience):
    epochs = []
    for run in losses:
        best = 0
        for epoch in range(len(run) - 1):  # the last epoch is never looked at
            if run[epoch] < run[best]:
                best = epoch
            elif epoch - best >= patience:
                break
        epochs.append(best)
    return np.array(epochs)
