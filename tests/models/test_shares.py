"""What shares sum up by row is what one of them alone would."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trialsmith.models.kernels.rows import clear, places_of
from trialsmith.models.shares import RowLayout, length, over_shares

ROWS = 12


@settings(max_examples=200, deadline=None)
@given(
    cuts=st.lists(st.integers(0, ROWS), max_size=4).map(sorted),
    spans=st.lists(
        st.tuples(st.integers(0, ROWS), st.integers(0, ROWS)).map(sorted), min_size=5, max_size=5
    ),
    seed=st.integers(0, 2**31),
)
def test_sums_by_row_are_those_of_one_share(cuts, spans, seed):
    """Whatever rows belong to a share, and whatever rows it has to do with."""
    owned = np.array([0, *cuts, ROWS])
    spans = [slice(*span) for span in spans[: len(owned) - 1]]
    sums = RowLayout.of(owned, spans).room(torch.empty(ROWS, 2))
    sums.sums.fill_(torch.nan)  # as memory is found
    table = sums.table
    assert all(each.flags.c_contiguous for each in table)  # or a kernel is compiled once more
    expected = np.zeros((ROWS, 2), np.float32)
    random = np.random.default_rng(seed)
    for share, span in enumerate(spans):
        clear(share, table.sums, table.owned, table.others)
        rows = random.integers(span.start, span.stop, 20) if length(span) else np.zeros(0, np.int64)
        x = random.integers(-9, 9, (len(rows), 2))  # sums of small integers are exact
        np.add.at(table.sums, places_of(share, rows, table.owned, table.before, table.behind), x)
        np.add.at(expected, rows, x)
    assert sums.total().tolist() == expected.tolist()


def test_rows_that_shares_have_in_turn_are_summed_up_in_place():
    """As in a batch, where a crystal's bonds lie together: no room but for the crystal between."""
    spans = [slice(0, 5), slice(4, 9), slice(9, ROWS)]
    sums = RowLayout.of(np.array([0, 5, 9, ROWS]), spans).room(torch.empty(ROWS, 2))
    assert len(sums.sums) == ROWS + 1


@pytest.mark.parametrize("shares", [1, 2, 5])
def test_sums_over_shares_leave_each_as_it_is(shares):
    each = torch.randint(-9, 9, (shares, 3, 2)).float()
    before = each.clone()
    assert over_shares(each).tolist() == before.sum(0).tolist()
    assert each.tolist() == before.tolist()
