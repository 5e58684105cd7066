"""What the compiled kernels are made of: accuracy, what is not a number, threads."""

import math
import subprocess
import sys
from typing import no_type_check

import numpy as np
import pytest
import torch
from numba.core import caching
from numba.core.errors import TypingError
from torch.nn.functional import silu

from trialsmith.errors import InfeasibleConfig
from trialsmith.models import shares
from trialsmith.models.kernels import compiled
from trialsmith.models.kernels.batch_norm import add_normalised
from trialsmith.models.kernels.bfloat16 import narrowed, widen
from trialsmith.models.kernels.blas import add_product
from trialsmith.models.kernels.compiled import kernel
from trialsmith.models.norm import make_norm
from trialsmith.models.normalised_silu import normalised_silu


def in_rows(numbers, dtype=np.float32) -> np.ndarray:
    """As often as they fit into rows of some whole vectors and of what is left."""
    width = 99
    return np.resize(np.asarray(numbers, dtype), (-(-len(numbers) // width), width))


def activated(x: np.ndarray) -> np.ndarray:
    """SiLU as the kernels compute it."""
    out = np.empty_like(x)
    one, zero = np.ones_like(x[0]), np.zeros_like(x[0])
    add_normalised(zero[None], np.zeros(len(x), int), x, one, zero, out)
    return out


def test_single_precision_is_as_exact_as_it_can_be():
    x = in_rows(np.linspace(-80, 80, 200_001))
    double = x.astype(np.float64)
    exact = double / (1 + np.exp(-double))
    np.testing.assert_allclose(activated(x), exact, rtol=4e-7)


def test_far_out_nothing_overflows():
    x = in_rows([-math.inf, -1e30, -200, 0, 200, 1e30, math.inf])
    expected = in_rows([math.nan, 0, 0, 0, 200, 1e30, math.inf])
    known = np.isfinite(x) | (x > 0)
    np.testing.assert_allclose(activated(x)[known], expected[known], atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_not_a_number_stays_so(dtype):
    x = in_rows([1.0, math.nan, -3.0], dtype)
    y = activated(x)
    np.testing.assert_array_equal(np.isnan(y), np.isnan(x))
    np.testing.assert_array_equal(np.isfinite(y), np.isfinite(x))


def test_other_kernels_than_those_compiled_are_compiled_anew(monkeypatch):
    """numba itself looks at the file of the function alone, and not at those that it is made of."""

    def kept(digest):
        monkeypatch.setattr(compiled, "_DIGEST", digest)

        def double(x):
            return 2 * x

        return kernel(double)._cache._impl.filename_base

    assert kept("before") == kept("before")
    assert kept("before") != kept("after")


@pytest.mark.parametrize("before", [True, False], ids=["before", "nothing before"])
@pytest.mark.parametrize("mode", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("norm", ["batch", "layer"])
@pytest.mark.parametrize("rows", [1, 7, 300])
def test_normalised_silu_is_silu_of_the_norm(norm, mode, rows, before, monkeypatch):
    """Value, derivatives and running statistics, over several chunks."""
    monkeypatch.setattr(shares, "CHUNK_BYTES", 1000)
    torch.manual_seed(0)
    x, h = torch.randn(2, rows, 5, dtype=torch.float64, requires_grad=True)
    multiplicity = torch.randint(1, 5, (rows,)).double()
    slope = torch.randn(rows, 5, dtype=torch.float64)

    def told(activate):
        torch.manual_seed(1)
        layer = make_norm(norm, 5).double().train(mode)
        torch.nn.init.normal_(layer.weight)
        z = activate(layer)
        inputs = [x, *layer.parameters(), *([h] if before else [])]
        return [z, *torch.autograd.grad(z, inputs, slope), *layer.buffers()]

    fused = told(lambda layer: normalised_silu(layer, x, multiplicity, h if before else None))
    plain = told(lambda layer: before * h + silu(layer(x, multiplicity)))
    torch.testing.assert_close(fused, plain)


def test_normalised_silu_refuses_what_it_cannot_be_added_to():
    """A kernel would read behind the end of it."""
    x, layer = torch.zeros(3, 5), make_norm("layer", 5)
    with pytest.raises(ValueError, match=r"before \(2, 5\) does not go with x \(3, 5\)"):
        normalised_silu(layer, x, torch.ones(3), torch.zeros(2, 5))


@kernel
@no_type_check
def products(x, y, z, total):
    """x yᵀ, and total += xᵀ z, from rows of longer arrays."""
    out = np.full((len(x) - 1, len(y)), np.nan, x.dtype)
    add_product(x[1:], y.T, 0, out)
    add_product(x[1:].T, z[1:], 1, total)
    return out


@kernel
@no_type_check
def narrow_products(x, y, z, out, total):
    """out = x yᵀ, and total += xᵀ z"""
    add_product(x, y.T, 0, out)
    add_product(x.T, z, 1, total)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [0, 1, 17])
def test_products_in_kernels_are_those_of_numpy(dtype, rows):
    numbers = np.random.default_rng(0)
    sizes = (rows + 1, 5), (3, 5), (rows + 1, 4), (5, 4)
    x, y, z, before = (numbers.standard_normal(size).astype(dtype) for size in sizes)
    total, near = before.copy(), 100 * np.finfo(dtype).eps
    out = products(x, y, z, total)
    np.testing.assert_allclose(out, x[1:] @ y.T, rtol=near, atol=near)
    np.testing.assert_allclose(total, before + x[1:].T @ z[1:], rtol=near, atol=near)


def bits_of(x: torch.Tensor) -> np.ndarray:
    return x.to(torch.bfloat16).view(torch.uint16).numpy()


def test_bfloat16_is_rounded_as_torch_does():
    """Halfway cases, what is too great or too small, and all patterns of the upper half."""
    upper = np.arange(2**16, dtype=np.uint32) << 16
    x = (upper[:, None] | np.array([0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF], np.uint32)).view(
        np.float32
    )
    bits, back = narrowed(x, np.empty(x.shape, np.uint16)), np.empty_like(x)
    widen(bits, back)
    expected = torch.from_numpy(x).to(torch.bfloat16)
    np.testing.assert_array_equal(back, expected.float().numpy())
    known = ~np.isnan(x)
    np.testing.assert_array_equal(bits[known], bits_of(torch.from_numpy(x))[known])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [0, 1, 17, 300])
def test_products_of_bfloat16_are_exact_but_for_their_sums(dtype, rows):
    torch.manual_seed(0)
    x, y, z = torch.randn(rows, 65), torch.randn(33, 65), torch.randn(rows, 5)
    out, total = np.full((rows, 33), np.nan, dtype), np.ones((65, 5), dtype)
    narrow_products(*(bits_of(factor) for factor in (x, y, z)), out, total)
    x, y, z = (factor.bfloat16().double().numpy() for factor in (x, y, z))
    near = 300 * np.finfo(np.float32).eps
    np.testing.assert_allclose(out, x @ y.T, rtol=near, atol=near)
    np.testing.assert_allclose(total, 1 + x.T @ z, rtol=near, atol=near)


def test_products_of_what_has_gaps_in_memory_are_refused():
    x = np.ones((4, 4))
    with pytest.raises(TypingError):
        products(x[:, ::2], x, x, x)


def test_products_whose_sizes_do_not_go_together_are_refused():
    x = np.ones((4, 5))
    with pytest.raises(ValueError, match="do not go together"):
        products(x, np.ones((3, 6)), x, x)


WITHOUT_PYTORCHS_BLAS = """
import ctypes, importlib
import numpy as np
from trialsmith.models.kernels import blas
from trialsmith.models.kernels.compiled import kernel

own = blas._address("dgemm")

def no_library(path):
    raise OSError(path)

for missing in (no_library, lambda path: object()):  # or a library that shows no routine
    ctypes.CDLL = missing
    importlib.reload(blas)
    assert blas._address("dgemm") != own
    add_product = blas.add_product

    @kernel
    def product(x, y, out):
        add_product(x, y.T, 0, out)

    x, y, out = np.arange(6.0).reshape(3, 2), np.arange(8.0).reshape(4, 2), np.empty((3, 4))
    product(x, y, out)
    assert (out == x @ y.T).all(), out
    # small integers have the same bits in bfloat16, but for the lower half
    narrow_x, narrow_y = ((each.astype("f4").view("u4") >> 16).astype("u2") for each in (x, y))
    narrow_out = np.empty((3, 4), "f4")
    product(narrow_x, narrow_y, narrow_out)
    assert (narrow_out == x @ y.T).all(), narrow_out
"""


def test_where_pytorch_shows_no_blas_it_is_that_of_scipy(tmp_path):
    """As where it is linked into one library with nothing but PyTorch's own names."""
    program = tmp_path / "program.py"
    program.write_text(WITHOUT_PYTORCHS_BLAS)
    subprocess.run([sys.executable, str(program)], check=True)


def test_without_a_place_for_what_is_compiled_kernels_work(monkeypatch):
    """As in a container, where neither the package nor the home can be written."""
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])

    @kernel
    def twice(x):
        return x + x

    assert twice(1.5) == 3.0


@pytest.mark.parametrize("norm", ["batch", "layer"])
@pytest.mark.parametrize(
    ("dtype", "precision"), [(torch.bfloat16, "bf16-true"), (torch.float16, "16-true")]
)
def test_a_model_in_half_precision_is_refused_with_the_remedy(norm, dtype, precision):
    layer = make_norm(norm, 5).to(dtype)
    with pytest.raises(InfeasibleConfig, match=rf"trainer\.precision={precision} .*bf16-mixed"):
        normalised_silu(layer, torch.zeros(3, 5, dtype=dtype), torch.ones(3, dtype=dtype))
