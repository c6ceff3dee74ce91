"""What many runs of each setting reach. Written by `benchmarks/training_tricks.py --write`. Never released."""

import numpy as np

RUNS = 400  # of each setting
# Accuracies on the test digits, in the order of SETTINGS.
# fmt: off
MEANS = np.array([0.79278, 0.11468, 0.10035, 0.71109, 0.76963, 0.75735, 0.84469, 0.84368, 0.23132, 0.81894, 0.28257, 0.76432, 0.85312, 0.84270])
DEVIATIONS = np.array([0.04699, 0.04053, 0.01213, 0.04293, 0.03711, 0.04460, 0.02728, 0.03588, 0.07468, 0.03083, 0.15665, 0.04626, 0.02103, 0.03099])
