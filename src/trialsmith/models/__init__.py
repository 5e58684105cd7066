"""Graph networks with the encoders that read a crystal's text for them, and CNNs."""

from trialsmith.fusion.states import TextStates
from trialsmith.models.alignn import ALIGNN
from trialsmith.models.cnn import CNN
from trialsmith.models.text import Absent, FrozenStates, HashedEncoder, TextEncoder

__all__ = ["ALIGNN", "CNN", "Absent", "FrozenStates", "HashedEncoder", "TextEncoder", "TextStates"]
