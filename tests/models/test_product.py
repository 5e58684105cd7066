"""Products in kernels, of factors as they are and of parts in bfloat16."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from model_inputs import threads_of_torch

from trialsmith.models.factors import parts_of_factors
from trialsmith.models.kernels import HAS_TILES
from trialsmith.models.kernels.product import multiply
from trialsmith.models.kernels.tiled_product import room_for_products
from trialsmith.runtime import with_matmul_precision

with_tiles = pytest.mark.skipif(not HAS_TILES, reason="this processor has no AMX")
TILED = [pytest.param(parts, marks=with_tiles) for parts in (2, 3)]
SHAPES = [
    (1, 1, 1),
    (32, 32, 32),
    (33, 70, 50),
    (300, 64, 257),
    (5, 600, 3),
    (64, 256, 32),
    (100, 300, 40),
    (97, 576, 300),
    (0, 4, 3),
    (3, 0, 4),
    (3, 4, 0),
]
TURNS = [(False, False), (False, True), (True, False)]


def product(x, y, parts, before=None, turns=(False, False), out=None):
    """x y + before, from factors that lie in memory as ``turns`` has them, between what is no
    number; with a room full of it.
    """
    if out is None:
        out = np.full((len(x), y.shape[1]), np.nan, x.dtype)
    given = [
        among_what_is_no_number(factor.T if turn else factor)
        for factor, turn in zip((x, y), turns, strict=True)
    ]
    before = out[:0] if before is None else before
    room = room_for_products(parts)
    for part in room:
        part.view(np.uint32)[:] = 0x7FC07FC0
    multiply(given[0], turns[0], given[1], turns[1], parts, before, out, room)
    return out


def among_what_is_no_number(x):
    """x, with more before and behind it in memory than kernels have of rows in work."""
    rows = 300
    around = np.full((2 * rows + len(x), x.shape[1]), np.nan, x.dtype)
    around[rows : rows + len(x)] = x
    return around[rows : rows + len(x)]


def integers(numbers, shape, most):
    return numbers.integers(-most, most, shape).astype(np.float32)


@pytest.mark.parametrize("turns", TURNS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("parts", "of_x", "of_y"),
    [
        (0, 2**8, 2**8),
        (1, 2**8, 2**8),
        pytest.param(2, 2**15, 2**8, marks=with_tiles),
        pytest.param(3, 2**23, 1, marks=with_tiles),
    ],
)
def test_products_of_integers_are_exact(parts, of_x, of_y, shape, turns):
    """Those of 8 binary digits are numbers of bfloat16, those of 16 the sums of two, all of single
    precision the sums of three; sums below 2²⁴ are exact in whatever order.
    """
    rows, inner, columns = shape
    numbers = np.random.default_rng(0)
    x, y = integers(numbers, (rows, inner), of_x), integers(numbers, (inner, columns), of_y)
    x[:, 1:] = np.sign(x[:, 1:])  # so that sums stay small
    expected = x.astype(np.float64) @ y
    assert np.abs(expected).max(initial=0) < 2**24
    np.testing.assert_array_equal(product(x, y, parts, turns=turns), expected)
    great_in_y = product(y.T.copy(), x.T.copy(), parts, turns=(turns[1], turns[0]))
    np.testing.assert_array_equal(great_in_y, expected.T)


@pytest.mark.parametrize("turns", TURNS)
@pytest.mark.parametrize("parts", [0, 1, *TILED])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_product_is_added_to_what_was_before(parts, shape, turns):
    rows, inner, columns = shape
    numbers = np.random.default_rng(1)
    x, y = integers(numbers, (rows, inner), 8), integers(numbers, (inner, columns), 8)
    other, row = integers(numbers, (rows, columns), 99), integers(numbers, (1, columns), 99)
    for before in (other, row):
        np.testing.assert_array_equal(product(x, y, parts, before, turns), before + x @ y)
    total = other.copy()
    product(x, y, parts, total, turns, total)
    np.testing.assert_array_equal(total, other + x @ y)


@pytest.mark.parametrize("turns", TURNS)
@pytest.mark.parametrize("shape", [(70, 256, 90), (33, 1000, 64)])
@pytest.mark.parametrize(
    ("parts", "digits"),
    [(0, 22), (1, 7), pytest.param(2, 15, marks=with_tiles), pytest.param(3, 22, marks=with_tiles)],
)
def test_the_error_of_a_product_is_bounded(parts, digits, shape, turns):
    """Each product by 2⁻ᵈⁱᵍⁱᵗˢ of its value, and sums by 2⁻²²; and some are not far better."""
    rows, inner, columns = shape
    numbers = np.random.default_rng(2)
    x, y = numbers.standard_normal((rows, inner)), numbers.standard_normal((inner, columns))
    x, y = (factor.astype(np.float32) for factor in (x, y))
    error = np.abs(product(x, y, parts, turns=turns) - x.astype(np.float64) @ y)
    most = (2.0**-digits + 2.0**-22) * (np.abs(x).astype(np.float64) @ np.abs(y))
    assert (error <= most).all()
    assert (error >= most / 1000).any()


@with_tiles
@pytest.mark.parametrize("shift", [-0.5, 0.0])
def test_long_sums_in_three_parts_are_as_exact_as_those_of_blas(shift):
    """Such as derivatives by W, to which each chunk adds; in whole blocks and at the edge."""
    numbers = np.random.default_rng(4)
    x, y = (numbers.random((16_000, n), np.float32) + np.float32(shift) for n in (70, 32))
    expected = x.T.astype(np.float64) @ y
    error = {}
    for parts in (0, 3):
        total = np.zeros((70, 32), np.float32)
        for k in range(0, len(x), 500):
            product(x[k : k + 500].T, y[k : k + 500], parts, total, (True, False), total)
        squares = np.square(total - expected)
        error[parts] = squares[:64].mean() ** 0.5, squares[64:].mean() ** 0.5
    assert all(ours < 2 * its for ours, its in zip(error[3], error[0], strict=True))


@pytest.mark.parametrize("parts", [0, 1, *TILED])
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_not_lost(parts, number):
    x, y = np.ones((40, 33), np.float32), np.ones((33, 40), np.float32)
    x[3, 5] = number
    out = product(x, y, parts)
    assert not np.isfinite(out[3]).any()
    np.testing.assert_array_equal(np.delete(out, 3, 0), 33)


@pytest.mark.parametrize("turns", TURNS)
@pytest.mark.parametrize("parts", [0, 1, *TILED])
@pytest.mark.parametrize("shape", [(37, 45, 41), (97, 576, 300)])
def test_nothing_is_written_beside_a_matrix(shape, parts, turns):
    rows, inner, columns = shape
    x, y = np.ones((rows, inner), np.float32), np.ones((inner, columns), np.float32)
    around = np.full((3, rows, columns), 7.0, np.float32)
    product(x, y, parts, None, turns, around[1])
    assert (around[[0, 2]] == 7).all()
    assert (around[1] == inner).all()


@pytest.mark.parametrize("parts", [0, 1, *TILED])
def test_a_room_serves_many_products(parts):
    numbers, room = np.random.default_rng(3), room_for_products(parts)
    for rows, inner, columns in [*SHAPES, *reversed(SHAPES)]:
        x, y = integers(numbers, (rows, inner), 8), integers(numbers, (inner, columns), 8)
        out = np.empty((rows, columns), np.float32)
        multiply(x, False, y, False, parts, out[:0], out, room)
        np.testing.assert_array_equal(out, x @ y)


@pytest.mark.parametrize("parts", [0, 1, *TILED])
def test_what_is_no_product_is_refused(parts):
    x, y = np.ones((40, 32), np.float32), np.ones((32, 64), np.float32)
    room = room_for_products(parts)
    with pytest.raises(ValueError, match="shapes of a product do not go together"):
        multiply(x, False, y, False, parts, x[:0], np.empty((64, 64), np.float32), room)
    with pytest.raises(ValueError, match="shapes of a product do not go together"):
        multiply(x, True, y, False, parts, x[:0], np.empty((32, 64), np.float32), room)


def test_factors_in_parts_are_few_and_of_single_precision():
    x = np.ones((4, 4))
    with pytest.raises(ValueError, match="none to three parts"):
        multiply(x, False, x, False, 4, x[:0], np.empty((4, 4)), room_for_products(3))
    with pytest.raises(ValueError, match="must be of single precision"):
        multiply(x, False, x, False, 1, x[:0], np.empty((4, 4)), room_for_products(1))


WITHOUT_TILES = """
import numpy as np
import torch
from trialsmith.models.factors import parts_of_factors
from trialsmith.models.kernels import HAS_TILES
from trialsmith.models.kernels.product import multiply
from trialsmith.models.kernels.tiled_product import room_for_products

assert not HAS_TILES
for precision in ("highest", "high", "medium"):
    torch.set_float32_matmul_precision(precision)
    assert parts_of_factors(torch.ones(2, 2)) == 0
with torch.autocast("cpu", torch.bfloat16):
    assert parts_of_factors(torch.ones(2, 2)) == 1
x, y, out = np.full((3, 4), 1 + 2.0**-9, "f4"), np.ones((4, 5), "f4"), np.empty((3, 5), "f4")
multiply(x, False, y, False, 1, out[:0], out, room_for_products(1))
assert (out == 4).all(), out  # rounded
"""


def test_without_amx_products_of_bfloat16_are_by_blas(tmp_path):
    """And what need not be of the highest precision is so all the same."""
    program = tmp_path / "program.py"
    program.write_text(WITHOUT_TILES)
    environment = {**os.environ, "NUMBA_CPU_FEATURES": "", "NUMBA_CACHE_DIR": str(tmp_path)}
    subprocess.run([sys.executable, str(program)], check=True, env=environment)


@with_tiles
@pytest.mark.parametrize(("precision", "parts"), [("highest", 3), ("high", 2), ("medium", 1)])
def test_factors_have_the_parts_that_a_precision_needs(precision, parts):
    with with_matmul_precision(precision):
        assert parts_of_factors(torch.ones(2, 2)) == parts
        assert parts_of_factors(torch.ones(2, 2, dtype=torch.float64)) == 0
        with torch.autocast("cpu", torch.bfloat16):
            assert parts_of_factors(torch.ones(2, 2)) == 1


@with_tiles
@pytest.mark.parametrize("threads", [1, 2])
def test_pytorchs_products_are_as_before_beside_those_of_tiles(threads):
    """Both configure the processor's tiles for themselves."""
    x, y = torch.randn(64, 64), torch.randn(64, 64)
    with threads_of_torch(threads):
        expected = x.bfloat16() @ y.bfloat16()
        for _ in range(3):
            product(x.numpy(), y.numpy(), 2)
            assert torch.equal(x.bfloat16() @ y.bfloat16(), expected)
