"""The process that a run lives in: its seeds, its threads, what it need not say."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lightning.pytorch as pl
import torch

from trialsmith.allocator import keep_freed_memory
from trialsmith.errors import InfeasibleConfig

log = logging.getLogger(__name__)

# what Linux calls products in bfloat16, of x86 and of ARM
_BF16 = {"avx512_bf16", "amx_bf16", "bf16"}
_PROCESSOR = Path("/proc/cpuinfo")
_MATMUL_PRECISIONS = ("auto", "highest", "high", "medium")


def prepare(
    seed: int,
    threads: int | None,
    precision: str | int | None,
    matmul_precision: str,
) -> None:
    """Seed every source of randomness, give PyTorch its number of CPU threads and its precision.

    The number of threads is part of a result: sums that are split otherwise round otherwise. A
    search therefore writes it into each trial's configuration.

    Args:
        precision: of the model, as `trainer.precision` has it.
        matmul_precision: of products of matrices in single precision, as PyTorch knows it:
            ``highest``, ``high`` or ``medium``; or ``auto``, see `_chosen`.

    Raises:
        InfeasibleConfig: there is no such precision.
    """
    if matmul_precision not in _MATMUL_PRECISIONS:
        raise InfeasibleConfig(
            f"matmul_precision={'null' if matmul_precision is None else matmul_precision} is "
            f"unknown: choose {', '.join(_MATMUL_PRECISIONS)}"
        )
    torch.set_float32_matmul_precision(_chosen(matmul_precision))
    if "bf16" in str(precision) and not torch.cuda.is_available() and _emulates_bf16():
        log.warning(
            "trainer.precision=%s: this processor has no products in bfloat16, and PyTorch's "
            "emulation of them is slow; 32-true takes half the time or less",
            precision,
        )
    keep_freed_memory()
    if threads is not None:
        torch.set_num_threads(threads)
    pl.seed_everything(seed, workers=True, verbose=False)
    _quiet_lightning()


@contextmanager
def with_matmul_precision(matmul_precision: str) -> Iterator[None]:
    """Products of matrices are of this precision meanwhile, and afterwards as before."""
    try:
        before = torch.get_float32_matmul_precision()
    except RuntimeError:  # it was set for each backend by itself, and is no one word
        yield
        return
    torch.set_float32_matmul_precision(_chosen(matmul_precision))
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def _chosen(matmul_precision: str) -> str:
    """For ``auto``: high where that is faster and rounds predictions no more than highest does.

    That is where our kernels alone take it, those for AMX. PyTorch's own products would be in TF32,
    of three digits, on a GPU and where AMX multiplies half floats too.
    """
    if matmul_precision != "auto":
        return matmul_precision
    from trialsmith.compilation import supports
    from trialsmith.models.kernels import HAS_TILES  # with all kernels: where it is asked for

    others = torch.cuda.is_available() or supports("amx-fp16")
    return "high" if HAS_TILES and not others else "highest"


def _emulates_bf16() -> bool:
    """Whether a processor says what it can do, and bfloat16 is not part of it."""
    try:
        words = set(_PROCESSOR.read_text().split())
    except OSError:
        return False
    return bool(words & {"flags", "Features"}) and not words & _BF16


def _quiet_lightning() -> None:
    """Leave out what Lightning says of every run alike: hardware found, tips, worker counts."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logger = logging.getLogger(name)
        logger.handlers.clear()  # Hydra's root handler prints the line already
        logger.propagate = True
        logger.setLevel(logging.WARNING)
    # Lightning 2.6 about its own use of torch 2.13
    warnings.filterwarnings("ignore", message=".*treespec, LeafSpec.*", category=FutureWarning)
    # Batches are slices of memory-mapped arrays: worker processes would only slow them down.
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    # On a machine of a cluster; a search has its own way to SLURM.
    warnings.filterwarnings("ignore", message="The `srun` command is available.*")
    warnings.filterwarnings("ignore", message=".*number of training batches.*smaller than the.*")
    warnings.filterwarnings("ignore", message=".*Checkpoint directory .* exists and is not empty.*")
