"""A weighted norm of one row each is the plain norm of all rows."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from trialsmith.models.norm import LayerNorm, WeightedBatchNorm


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(1, 5), min_size=2, max_size=8), st.integers(0, 1000))
def test_weighted_batch_norm_is_batch_norm_of_repeated_rows(multiplicities, seed):
    torch.manual_seed(seed)
    repeats = torch.tensor(multiplicities)
    x = torch.randn(len(repeats), 3, dtype=torch.float64)
    plain, weighted = nn.BatchNorm1d(3).double(), WeightedBatchNorm(3).double()
    for norm in (plain, weighted):
        with torch.no_grad():
            norm.weight.copy_(torch.tensor([0.5, 2.0, -1.0]))
            norm.bias.copy_(torch.tensor([1.0, 0.0, -3.0]))
    rows, few = (x.clone().requires_grad_() for _ in range(2))
    slope = torch.randn(len(repeats), 3, dtype=torch.float64).repeat_interleave(repeats, 0)
    for _ in range(2):  # the second pass starts from running statistics that are not trivial
        many = plain(rows.repeat_interleave(repeats, 0))
        one = weighted(few, repeats.double()).repeat_interleave(repeats, 0)
        torch.testing.assert_close(one, many)
        (one * slope).sum().backward()
        (many * slope).sum().backward()
    torch.testing.assert_close(few.grad, rows.grad)
    torch.testing.assert_close(weighted.weight.grad, plain.weight.grad)
    torch.testing.assert_close(weighted.bias.grad, plain.bias.grad)
    torch.testing.assert_close(weighted.running_mean, plain.running_mean)
    torch.testing.assert_close(weighted.running_var, plain.running_var)
    torch.testing.assert_close(weighted.eval()(x, repeats.double()), plain.eval()(x))


def test_layer_norm_looks_at_each_row_alone():
    x = torch.randn(5, 3)
    norm = LayerNorm(3)
    torch.testing.assert_close(norm(x, torch.ones(5)), norm(x, torch.arange(1.0, 6.0)))
    torch.testing.assert_close(norm(x[2:3], torch.ones(1)), nn.LayerNorm(3)(x)[2:3])
