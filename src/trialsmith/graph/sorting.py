"""Sorting in time that grows with the number of members only."""

import numpy as np
from jaxtyping import Float, Int


def order(
    values: Float[np.ndarray, "members"], group: Int[np.ndarray, "members"]
) -> Int[np.ndarray, "members"]:
    """Indices that sort by group, then by value; groups are numbered from 0.

    numpy sorts 16 bits at a time by radix, in a fifth of the time of a comparing sort: so every
    value and group goes in as columns of 16 bits. Floats stand in the order of their bits if they
    are not negative, as they must be here. Equal members keep their order.
    """
    if len(values) == 0:
        return np.zeros(0, np.int64)
    bits = values.astype(values.dtype.newbyteorder("<")).view("<u2").reshape(len(values), -1)
    columns = (int(group.max()).bit_length() + 15) // 16
    groups = group.astype("<u8").view("<u2").reshape(-1, 4)[:, :columns]
    return np.lexsort((*bits.T, *groups.T))
