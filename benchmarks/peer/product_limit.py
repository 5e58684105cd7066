"""The share of the machine's limit for products that training reaches.

The limit is the best that any library here reaches on x Wᵀ with many rows x and W 256 × 256, a
layer's product. What a step multiplies is counted from the shapes of every product of its forward
and its backward: by torch, and here those that kernels multiply by themselves. In fp32, products of
AMX, each made of six in bf16, may go beyond it.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from statistics import median
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.nn.functional import linear
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.peer.lane import Setting, Work, turns
from benchmarks.peer.sample import names, sample
from benchmarks.peer.size import Size
from benchmarks.peer.table import markdown, number
from benchmarks.peer.training import Ours
from trialsmith.models import factors
from trialsmith.models.products import ProductsOfEach

WIDTH = 256
ROWS = (2048, 16384, 65536)
_FLOP = 2e10  # of one measurement: a tenth of a second

Product = Callable[[], Tensor]


def of_torch(x: Tensor, weight: Tensor) -> Product:
    """What torch takes by itself: MKL in fp32, oneDNN in bf16."""
    return lambda: linear(x, weight)


def of_onednn(x: Tensor, weight: Tensor) -> Product:
    """oneDNN, on tensors in its own layout."""
    x, weight = x.to_mkldnn(), weight.to_mkldnn()
    return lambda: linear(x, weight)


@dataclass(frozen=True)
class Limit:
    """Measures the best product of a type."""

    dtype: torch.dtype

    def __call__(self) -> Work:
        return self.gflops

    def gflops(self, round_: int) -> float:
        """The best GFLOP/s of any library and number of rows."""
        weight = torch.randn(WIDTH, WIDTH).to(self.dtype)
        with torch.inference_mode():
            return max(
                self._gflops(library(torch.randn(rows, WIDTH).to(self.dtype), weight), rows)
                for library in (of_torch, of_onednn)
                for rows in ROWS
            )

    def _gflops(self, product: Product, rows: int) -> float:
        times = max(2, round(_FLOP / (2 * rows * WIDTH**2)))
        product()
        began = time.perf_counter()
        for _ in range(times):
            product()
        return 2 * rows * WIDTH**2 * times / (time.perf_counter() - began) / 1e9


def gflop_of_step(side: Ours, batch: int) -> float:
    """What the products of a training step compute, GFLOP."""
    training = replace(side, batches=[side.batches[batch]])()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the counter sees its own thread alone
    with (
        patch.object(factors, "HAS_TILES", False),  # what AMX may multiply is torch's
        FlopCounterMode(display=False) as of_torch,
        products_of_kernels() as of_kernels,
    ):
        training(0)
    torch.set_num_threads(threads)
    return (of_torch.get_total_flops() + sum(of_kernels)) / 1e9


@contextmanager
def products_of_kernels() -> Iterator[list[int]]:
    """Fills with the FLOP of W e forwards, and of m̄ᵀ e and m̄ W backwards, of links of their own."""
    counted: list[int] = []

    def count(products: ProductsOfEach, times: int) -> None:
        links, width = products.values.shape
        counted.append(times * 2 * links * width**2)

    forwards, backwards = ProductsOfEach.forwards, ProductsOfEach.backwards

    def counted_forwards(products: ProductsOfEach) -> Any:
        count(products, 1)
        return forwards(products)

    def counted_backwards(products: ProductsOfEach, shares: Sequence[range]) -> Any:
        count(products, 2)
        return backwards(products, shares)

    with (
        patch.object(ProductsOfEach, "forwards", counted_forwards),
        patch.object(ProductsOfEach, "backwards", counted_backwards),
    ):
        yield counted


def report(size: Size) -> str:
    """One table for each data set: GFLOP/s reached, and their share of the limit."""
    return "\n\n".join(_measured(name, size) for name in names())


def _measured(name: str, size: Size) -> str:
    crystals = sample(name, size.batch * size.batches)
    batches = crystals.batches(size.batch)
    sides = {
        ("full graph", "fp32"): Ours(batches, symmetry=False),
        ("full graph", "bf16"): Ours(batches, symmetry=False, bf16=True),
        ("up to symmetry", "fp32"): Ours(batches, symmetry=True),
        ("up to symmetry", "bf16"): Ours(batches, symmetry=True, bf16=True),
    }
    limits = {
        ("limit", "fp32"): Limit(torch.float32),
        ("limit", "bf16"): Limit(torch.bfloat16),
    }
    # counted in fp32, where torch has what kernels need not have
    work = {
        who: [gflop_of_step(replace(side, bf16=False), k) for k in range(len(batches))]
        for who, side in sides.items()
    }
    threads = [n for n in size.threads if n <= len(os.sched_getaffinity(0))]
    columns = []
    for n in threads:
        works = {who: (made, Setting(n, tuned=True)) for who, made in (sides | limits).items()}
        found = turns(works, size.rounds, lambda round_: (round_,))
        limit = {who[1]: max(best for _, best in found[who]) for who in limits}
        cells = [f"{number(limit[dtype])} GFLOP/s" for _, dtype in limits]
        for who in sides:
            done = [work[who][k % len(batches)] for k in range(size.rounds)]
            reached = median(
                flop / seconds for flop, (seconds, _) in zip(done, found[who], strict=True)
            )
            cells.append(f"{number(reached)} GFLOP/s, {reached / limit[who[1]]:.0%}")
        columns.append(cells)
    each = {who: sum(work[who]) / len(batches) / size.batch for who in sides}
    firsts = ["limit, fp32", "limit, bf16"]
    firsts += [f"{', '.join(who)}: {number(each[who])} GFLOP a crystal" for who in sides]
    header = ["", *(str(Setting(n, tuned=True)) for n in threads)]
    rows = [list(row) for row in zip(firsts, *columns, strict=True)]
    return f"### {crystals.name}\n\n{markdown(header, rows)}"
