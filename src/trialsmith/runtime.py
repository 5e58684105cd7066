"""The process that a run lives in: its seeds, its threads, what it need not say."""

import ctypes
import logging
import sys
import warnings

import lightning.pytorch as pl
import torch


def prepare(seed: int, threads: int | None) -> None:
    """Seed every source of randomness and give PyTorch its number of CPU threads.

    The number of threads is part of a result: sums that are split otherwise round otherwise. A
    search therefore writes it into each trial's configuration.
    """
    _keep_freed_memory()
    if threads is not None:
        torch.set_num_threads(threads)
    pl.seed_everything(seed, workers=True, verbose=False)
    _quiet_lightning()


def _keep_freed_memory() -> None:
    """Let the C library keep what PyTorch frees, for the next step needs it again.

    By default glibc returns every large tensor to the system and asks for it anew, and the system
    clears each page: up to half of the time of a training step on a CPU.
    """
    if not sys.platform.startswith("linux"):
        return
    trim_threshold, top_pad, mmap_max = -1, -2, -4  # names of glibc's malloc.h
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(mmap_max, 0)
        libc.mallopt(trim_threshold, 2**31 - 1)
        libc.mallopt(top_pad, 2**28)


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
