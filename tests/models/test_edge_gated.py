"""The edge-gated convolution against its equations, also where links do not join all members."""

import pytest
import torch
from torch import Tensor, nn

from trialsmith.data.batch import Links
from trialsmith.models.edge_gated import EdgeGatedConv, LinkedMembers
from trialsmith.models.message_passing import ENGINES

HIDDEN = 6


def by_hand(
    conv: EdgeGatedConv, h: Tensor, e: Tensor, links: Links, multiplicity: Tensor
) -> tuple[Tensor, Tensor]:
    """The class's equations, a member after the other."""
    w2, w1, w5 = (nn.functional.linear(h, *each) for each in _thirds(conv.sent))
    m = w1[links.target] + w2[links.source] + conv.links(e)
    gate = m.sigmoid() * links.weight[:, None]
    heard = []
    for i in range(len(h)):
        here = links.target == i
        carried = (gate * w5[links.source])[here].sum(0)
        heard.append(carried / (gate[here].sum(0) + 1e-6))
    taken = conv.kept(h) + torch.stack(heard)
    new = h + nn.functional.silu(conv.member_norm(taken, multiplicity))
    assert conv.link_norm is not None
    return new, e + nn.functional.silu(conv.link_norm(m, links.multiplicity))


def _thirds(linear: nn.Linear) -> list[tuple[Tensor, Tensor]]:
    return list(zip(linear.weight.chunk(3), linear.bias.chunk(3), strict=True))


@pytest.mark.parametrize("engine", ["torch", "fused"])
@pytest.mark.parametrize("norm", ["batch", "layer"])
@pytest.mark.parametrize(
    ("source", "target"),
    [
        ([2, 0, 1, 3], [0, 1, 1, 4]),  # all are joined
        ([3, 1, 3], [1, 1, 3]),  # 0, 2 and 4 by none
        ([4, 4], [0, 2]),  # some as a source or as a target alone
        ([0], [0]),
        ([], []),
    ],
)
def test_members_and_links_are_updated_as_the_equations_say(
    engine: str, norm: str, source: list[int], target: list[int]
) -> None:
    torch.manual_seed(0)
    conv = EdgeGatedConv(HIDDEN, norm, dropout=0.0).double()
    count = len(source)
    ends = (torch.tensor(each, dtype=torch.int64) for each in (source, target))
    links = Links(*ends, torch.ones(count).double(), torch.arange(1.0, count + 1).double())
    h = torch.randn(5, HIDDEN, dtype=torch.float64, requires_grad=True)
    e = torch.randn(count, HIDDEN, dtype=torch.float64, requires_grad=True)
    multiplicity = torch.arange(1.0, 6).double()
    leaves = [h, e, *conv.parameters()]

    graph = LinkedMembers.of(multiplicity, links, ENGINES[engine])
    results = conv(h, e, graph), by_hand(conv, h, e, links, multiplicity)
    torch.testing.assert_close(*results)
    slopes = torch.randn_like(h), torch.randn_like(e)
    derivatives = (
        torch.autograd.grad(result, leaves, slopes, materialize_grads=True) for result in results
    )
    torch.testing.assert_close(*derivatives)
