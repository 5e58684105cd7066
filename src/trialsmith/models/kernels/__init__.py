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
from trialsmith.models.kernels.gates import add_rows, differentiate_gates, send, sum_at_targets
from trialsmith.models.kernels.layer_norm import (
    add_layer_normalised,
    differentiate_layer_normalised,
)

__all__ = [
    "add_layer_normalised",
    "add_normalised",
    "add_rows",
    "collect_sums",
    "differentiate_gates",
    "differentiate_layer_normalised",
    "differentiate_normalised",
    "moments",
    "send",
    "sum_at_targets",
]
