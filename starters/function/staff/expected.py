"""Expected values, for the hidden checks. Compute them another way than the solution does, or by a library."""

from scipy import special


def softmax(scores):
    return special.softmax(scores, axis=1)
