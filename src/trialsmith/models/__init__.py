"""Graph networks, and the encoders that read a crystal's text for them."""

from trialsmith.fusion.states import TextStates
from trialsmith.models.alignn import ALIGNN
from trialsmith.models.text import Absent, FrozenStates, HashedEncoder, TextEncoder

__all__ = ["ALIGNN", "Absent", "FrozenStates", "HashedEncoder", "TextEncoder", "TextStates"]
