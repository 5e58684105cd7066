"""Linear maps whose products are as exact as they are asked to be."""

from collections.abc import Iterator

import pytest
import torch
from model_inputs import threads_of_torch
from torch import nn

from trialsmith.models import kernels, linear, shares
from trialsmith.models.kernels import HAS_TILES
from trialsmith.models.linear import Linear, LinearOfAtoms, derivatives_of, mapped


@pytest.fixture
def high(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Kernels multiply few rows too, in high precision."""
    monkeypatch.setattr(linear, "_WORTH_PACKING", 0)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    yield
    torch.set_float32_matmul_precision(before)


def told(layer: nn.Linear, x: torch.Tensor, slope: torch.Tensor) -> list[torch.Tensor]:
    y = layer(x)
    return [y, *torch.autograd.grad(y, [x, *layer.parameters()], slope)]


def twins(dtype: torch.dtype = torch.float32) -> tuple[Linear, nn.Linear]:
    torch.manual_seed(0)
    one, other = Linear(40, 70).to(dtype), nn.Linear(40, 70).to(dtype)
    other.load_state_dict(one.state_dict())
    return one, other


def test_few_rows_are_pytorchs_in_the_highest_precision():
    one, other = twins()
    x, slope = torch.randn(9, 40, requires_grad=True), torch.randn(9, 70)
    for mine, its in zip(told(one, x, slope), told(other, x, slope), strict=True):
        assert torch.equal(mine, its)


def test_maps_of_atoms_keep_to_single_precision(high):
    """And under autocast to sums of single precision, where AMX multiplies."""
    torch.manual_seed(0)
    layer, x = LinearOfAtoms(40, 70), torch.randn(333, 40)
    assert torch.equal(layer(x), nn.functional.linear(x, layer.weight, layer.bias))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert (layer(x).dtype == torch.float32) == HAS_TILES


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("rows", [1, 50, 333])
@pytest.mark.parametrize("precision", ["highest", "high"])
def test_maps_are_as_exact_as_asked(precision, rows, threads, high, monkeypatch):
    """The error of a product of n terms is about 2⁻²⁴, or in high precision 2⁻¹⁷, of their norm."""
    torch.set_float32_matmul_precision(precision)
    monkeypatch.setattr(shares, "_WORTH_A_THREAD", 1000)
    one, other = twins()
    x, slope = torch.randn(rows, 40, requires_grad=True), torch.randn(rows, 70)
    with threads_of_torch(threads):
        found = told(one, x, slope)
    exact = told(other.double(), x.detach().double().requires_grad_(), slope.double())
    error = max(
        float((a - b).detach().norm() / b.detach().norm())
        for a, b in zip(found, exact, strict=True)
    )
    less = HAS_TILES and precision == "high"
    assert error < 2 ** -(16 if less else 21)
    assert (error > 2**-20) == less


def test_double_precision_is_never_less(high):
    one, other = twins(torch.float64)
    x = torch.randn(5, 40, dtype=torch.float64)
    assert torch.equal(one(x), other(x))


@pytest.mark.skipif(not HAS_TILES, reason="this processor has no AMX")
def test_what_is_fixed_has_no_derivative(high):
    one, _ = twins()
    x = torch.randn(5, 40)
    one(x).sum().backward()
    assert x.grad is None
    torch.testing.assert_close(one.bias.grad, torch.full((70,), 5.0))


@pytest.mark.skipif(not HAS_TILES, reason="this processor has no AMX")
def test_a_weight_changed_between_forward_and_backward_is_refused(high):
    one, _ = twins()
    y = one(torch.randn(5, 40, requires_grad=True))
    with torch.no_grad():
        one.weight += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_what_does_not_fit_is_refused_as_by_pytorch(high):
    """Kernels would read beside the arrays."""
    one, other = twins()
    with pytest.raises(RuntimeError, match="shapes"):
        one(torch.zeros(5, 41))
    with pytest.raises(RuntimeError, match="dtype"):
        one.double()(torch.zeros(5, 40))
    assert one.float()(torch.zeros(2, 5, 40)).shape == other(torch.zeros(2, 5, 40)).shape
    assert one(torch.zeros(0, 40)).shape == (0, 70)


@pytest.mark.parametrize("bias", [True, False])
def test_only_what_is_asked_for_has_a_derivative(bias, high):
    torch.manual_seed(0)
    one = Linear(40, 70, bias=bias)
    one.weight.requires_grad_(False)
    x = torch.randn(9, 40, requires_grad=True)
    one(x).sum().backward()
    torch.testing.assert_close(x.grad, one.weight.sum(0).expand(9, 40))
    assert one.weight.grad is None
    assert not bias or (one.bias.grad == 9).all()


def test_few_rows_are_left_to_pytorch(high, monkeypatch):
    monkeypatch.undo()
    one, other = twins()
    x = torch.randn(20, 40)
    assert torch.equal(one(x), other(x))


def test_double_precision_stays_so_under_autocast(high):
    one, other = twins(torch.float64)
    x = torch.randn(20, 40, dtype=torch.float64)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(one(x), other(x))


@pytest.mark.parametrize("threads", [2, 8])
def test_sums_of_threads_take_no_more_than_what_is_multiplied(threads, monkeypatch):
    """Or else two matrices of derivatives."""
    held: list[int] = []
    monkeypatch.setattr(kernels, "differentiate_map", lambda *given: held.append(given[-2].size))
    for rows in (10, 1000, 5000):
        x, dy, weight = torch.zeros(rows, 40), torch.zeros(rows, 70), torch.zeros(70, 40)
        with threads_of_torch(threads):
            derivatives_of(dy, x, weight, 2)
        assert held.pop() <= max(2 * weight.numel(), x.numel() + dy.numel())


def test_products_in_bfloat16_sum_in_single_precision():
    x, dy, weight = torch.randn(50, 40), torch.randn(50, 70), torch.randn(70, 40)
    narrow_x, narrow_dy, narrow = (each.bfloat16().double() for each in (x, dy, weight))
    expected = narrow_x @ narrow.T, narrow_dy @ narrow, narrow_dy.T @ narrow_x, dy.double().sum(0)
    found = mapped(x, weight, 1), *derivatives_of(dy, x, weight, 1)
    for mine, exact in zip(found, expected, strict=True):
        torch.testing.assert_close(mine.double(), exact, rtol=1e-5, atol=1e-4)
