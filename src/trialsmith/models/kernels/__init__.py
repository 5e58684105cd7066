"""The convolution's loops over links and features, compiled for the machine at their first use.

Each reads a chunk of links once, from the cache in which the product before left it. They know
arrays only: rows are links or members, columns are features.
"""

from trialsmith.models.kernels.batch_norm import (
    add_normalised,
    collect_sums,
    differentiate_normalised,
    moments,
)
from trialsmith.models.kernels.convolution import (
    ChunkTable,
    LinkNorm,
    LinkNormBack,
    Product,
    ProductBack,
    convolve,
    differentiate,
    step,
)
from trialsmith.models.kernels.layer_norm import (
    add_layer_normalised,
    differentiate_layer_normalised,
)

__all__ = [
    "ChunkTable",
    "LinkNorm",
    "LinkNormBack",
    "Product",
    "ProductBack",
    "add_layer_normalised",
    "add_normalised",
    "collect_sums",
    "convolve",
    "differentiate",
    "differentiate_layer_normalised",
    "differentiate_normalised",
    "moments",
    "step",
]
