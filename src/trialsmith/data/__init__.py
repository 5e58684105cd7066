"""Data: sources, their checks, splits and batches. Hydra builds those with a small initial."""

from trialsmith.data.alloy_crystals import Alloys
from trialsmith.data.batch import CrystalBatch, Links, collate
from trialsmith.data.build import alloys, crystals, jarvis
from trialsmith.data.causal_orders import CausalSets, causal_sets
from trialsmith.data.crystal_data import CrystalData
from trialsmith.data.fashion_mnist import FashionMNIST, fashion_mnist
from trialsmith.data.flow import FlowFiles, flow, flow_synthetic
from trialsmith.data.flow_synthetic import SyntheticFlow
from trialsmith.data.graph_batch import GraphBatch, Graphs, GraphSource
from trialsmith.data.graph_data import GraphData
from trialsmith.data.graph_files import GraphFile, graphs
from trialsmith.data.problem import Problem
from trialsmith.data.scaling import Classes, Standardiser
from trialsmith.data.signal_data import SignalData
from trialsmith.data.signals import SignalBatch, Signals, SignalSource
from trialsmith.data.source import Row, Rows, Source, StructureText
from trialsmith.data.split import Split
from trialsmith.data.target import Target

__all__ = [
    "Alloys",
    "CausalSets",
    "Classes",
    "CrystalBatch",
    "CrystalData",
    "FashionMNIST",
    "FlowFiles",
    "GraphBatch",
    "GraphData",
    "GraphFile",
    "GraphSource",
    "Graphs",
    "Links",
    "Problem",
    "Row",
    "Rows",
    "SignalBatch",
    "SignalData",
    "SignalSource",
    "Signals",
    "Source",
    "Split",
    "Standardiser",
    "StructureText",
    "SyntheticFlow",
    "Target",
    "alloys",
    "causal_sets",
    "collate",
    "crystals",
    "fashion_mnist",
    "flow",
    "flow_synthetic",
    "graphs",
    "jarvis",
]
