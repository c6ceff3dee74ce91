"""Expected values, by torch where it has the trick, else step by step. Never released."""

import math

import numpy as np


def batch_norm(x, gain, shift, state, training):
    import torch
    from torch.nn import functional

    x, gain, shift, mean, variance = (torch.tensor(np.array(one)) for one in (x, gain, shift, *state))
    return functional.batch_norm(x, mean, variance, gain, shift, training=training).numpy()


def update_state(x, state, momentum):
    import torch

    layer = torch.nn.BatchNorm1d(x.shape[1], momentum=momentum, affine=False, dtype=torch.float64)
    layer.running_mean, layer.running_var = (torch.tensor(np.array(row)) for row in state)
    layer.train()(torch.tensor(x))
    return np.stack([layer.running_mean.numpy(), layer.running_var.numpy()])


def clip_by_norm(gradients, limit):
    norm = math.sqrt(math.fsum(number * number for number in gradients.ravel()))
    return gradients.copy() if norm <= limit else gradients / norm * limit


def schedule(steps, warmup, total, peak):
    rates = []
    for step in steps.tolist():
        if step < warmup:
            rates.append(peak / warmup * (step + 1))
        elif step >= total:
            rates.append(0.0)
        else:
            rates.append(peak * math.cos(math.pi / 2 * (step - warmup) / (total - warmup)) ** 2)
    return np.array(rates)


def early_stopping(losses, patience):
    epochs = []
    for run in losses.tolist():
        best, at, waited = math.inf, 0, 0
        for epoch, loss in enumerate(run):
            if loss < best:  # False for NaN
                best, at, waited = loss, epoch, 0
            else:
                waited += 1
            if waited == patience:
                break
        epochs.append(at)
    return np.array(epochs)
