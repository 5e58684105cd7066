"""Pictures of what a run is worth. Pure: from numbers to figures, which callbacks write."""

from trialsmith.evaluation.confusion import confusion
from trialsmith.evaluation.curves import learning_curves
from trialsmith.evaluation.parity import parity
from trialsmith.evaluation.pictures import pictures

__all__ = ["confusion", "learning_curves", "parity", "pictures"]
