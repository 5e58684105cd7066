"""Where and how a crystal's text enters the graph network, one class a file."""

from trialsmith.fusion.cross_modal import CrossModal
from trialsmith.fusion.fine_grained import FineGrained
from trialsmith.fusion.fusion import Fusion
from trialsmith.fusion.middle import GatedMiddle
from trialsmith.fusion.states import AtomSlots, TextStates

__all__ = ["AtomSlots", "CrossModal", "FineGrained", "Fusion", "GatedMiddle", "TextStates"]
