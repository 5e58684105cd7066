"""What happens beside the training: stopping, keeping, recording, reporting to the trial."""

from trialsmith.callbacks.evaluation import LearningCurves, learning_curves, save_pictures
from trialsmith.callbacks.fusion_weights import FusionWeights
from trialsmith.callbacks.history import History
from trialsmith.callbacks.hyperparameters import HyperParameters
from trialsmith.callbacks.objective import Objective
from trialsmith.callbacks.record import RunRecord, record_run, save_result
from trialsmith.callbacks.stopping import best_checkpoint, early_stopping, last_checkpoint

__all__ = [
    "FusionWeights",
    "History",
    "HyperParameters",
    "LearningCurves",
    "Objective",
    "RunRecord",
    "best_checkpoint",
    "early_stopping",
    "last_checkpoint",
    "learning_curves",
    "record_run",
    "save_pictures",
    "save_result",
]
