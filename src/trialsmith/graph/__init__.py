"""Crystal → neighbours → bonds and angles, up to symmetry; their cache.

Without torch, but for the published rule, which breaks ties as torch's sort does.
"""

from trialsmith.graph.builder import GraphBuilder
from trialsmith.graph.cache import MappedArrays, cached_arrays, digest
from trialsmith.graph.crystal_graph import CrystalGraph
from trialsmith.graph.store import GraphStore, build_graphs
from trialsmith.graph.structure import Structure

__all__ = [
    "CrystalGraph",
    "GraphBuilder",
    "GraphStore",
    "MappedArrays",
    "Structure",
    "build_graphs",
    "cached_arrays",
    "digest",
]
