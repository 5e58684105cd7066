"""From the folder of a run, a study or a retraining to numbers on new input."""

from trialsmith.prediction.locate import run_folders
from trialsmith.prediction.predicted import Predicted
from trialsmith.prediction.predictor import Predictor, load

__all__ = ["Predicted", "Predictor", "load", "run_folders"]
