"""The pictures of the adversarial and of the transfer-learning lab, as SVG files.

Each function documents its content, refuses any other with KeyError, TypeError or ValueError, draws no more of it than
a page can hold, and says in words what is to be seen.
"""

from __future__ import annotations

from grader.feedback.drawings.attacks import attacks
from grader.feedback.drawings.ideal import ideal_images
from grader.feedback.drawings.maps import feature_maps
from grader.feedback.drawings.svg import Drawing
from grader.feedback.drawings.values import variation

__all__ = ["Drawing", "attacks", "feature_maps", "ideal_images", "variation"]
