"""Numbers that are embedded once for all members that have them."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trialsmith.models.embedding import GaussianBasis, NumberEmbedding

NUMBERS = st.lists(st.sampled_from([-0.5, 0.0, 0.25, 1.0]), min_size=1, max_size=30)


@settings(deadline=None)  # the first compiles
@given(NUMBERS)
def test_equal_numbers_are_embedded_once_in_the_order_in_which_they_come(numbers):
    torch.manual_seed(0)
    embedding = NumberEmbedding((-1.0, 1.0), 8, (4, 6), "layer")
    x, multiplicity = torch.tensor(numbers), torch.ones(len(numbers))
    values, rows = embedding.of_distinct(x, multiplicity)
    seen = list(dict.fromkeys(numbers))
    assert rows.tolist() == [seen.index(number) for number in numbers]
    torch.testing.assert_close(values[rows], embedding(x, multiplicity))


def test_far_from_a_centre_a_gaussian_is_zero_and_near_it_as_the_equation_has_it():
    """Numbers between the least normal one and zero would take many times as long in products."""
    basis = GaussianBasis(0.0, 8.0, 80)
    x = torch.linspace(0, 8, 1001)
    gaussians = basis(x)
    centres = torch.linspace(0, 8, 80, dtype=torch.float64)
    exact = torch.exp(-79 / 8 * (x.double().unsqueeze(1) - centres).square())
    torch.testing.assert_close(gaussians.double(), exact, rtol=1e-4, atol=1e-30)
    assert not ((gaussians > 0) & (gaussians < torch.finfo(torch.float32).tiny)).any()
    assert ((exact > 0) & (exact < 1e-31) & (gaussians == 0)).any()
