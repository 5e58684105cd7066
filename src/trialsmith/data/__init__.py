"""Data: sources, their checks, splits and batches. Hydra builds `alloys`, `crystals`, `jarvis`."""

from trialsmith.data.alloy_crystals import Alloys
from trialsmith.data.batch import CrystalBatch, Links, collate
from trialsmith.data.build import alloys, crystals, jarvis
from trialsmith.data.crystal_data import CrystalData
from trialsmith.data.problem import Problem
from trialsmith.data.scaling import Standardiser
from trialsmith.data.source import Row, Rows, Source, StructureText
from trialsmith.data.split import Split
from trialsmith.data.target import Target

__all__ = [
    "Alloys",
    "CrystalBatch",
    "CrystalData",
    "Links",
    "Problem",
    "Row",
    "Rows",
    "Source",
    "Split",
    "Standardiser",
    "StructureText",
    "Target",
    "alloys",
    "collate",
    "crystals",
    "jarvis",
]
