"""Where and how a crystal's text enters the graph network, one class a file."""

from trialsmith.fusion.alignment import Alignment
from trialsmith.fusion.cross_modal import CrossModal
from trialsmith.fusion.dynamic import Dynamic
from trialsmith.fusion.fine_grained import FineGrained
from trialsmith.fusion.fusion import Fusion
from trialsmith.fusion.gauge import Gauge, Place
from trialsmith.fusion.middle import GatedMiddle
from trialsmith.fusion.states import AtomSlots, TextStates

__all__ = [
    "Alignment",
    "AtomSlots",
    "CrossModal",
    "Dynamic",
    "FineGrained",
    "Fusion",
    "GatedMiddle",
    "Gauge",
    "Place",
    "TextStates",
]
