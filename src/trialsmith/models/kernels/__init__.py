"""The convolution's loops over links and features, compiled for the machine at their first use.

Each reads a chunk of links once, from the cache in which the product before left it. They know
arrays only: rows are links or members, columns are features.
"""

from trialsmith.models.kernels.convolution import convolve, differentiate
from trialsmith.models.kernels.linear import differentiate_map, map_rows
from trialsmith.models.kernels.norming import activate, collect, differentiate_members, observe
from trialsmith.models.kernels.permission import HAS_TILES
from trialsmith.models.kernels.steps import (
    ChunkTable,
    Norming,
    NormingBack,
    Product,
    ProductBack,
    RowTable,
    step,
)

__all__ = [
    "HAS_TILES",
    "ChunkTable",
    "Norming",
    "NormingBack",
    "Product",
    "ProductBack",
    "RowTable",
    "activate",
    "collect",
    "convolve",
    "differentiate",
    "differentiate_map",
    "differentiate_members",
    "map_rows",
    "observe",
    "step",
]
