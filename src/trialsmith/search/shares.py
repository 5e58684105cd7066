"""A fair share of the machine for each of several slots: CPU threads, and a GPU."""

import os
from pathlib import Path


def slot_environment(slot: int, count: int) -> dict[str, str]:
    """A fair share of the machine for one of `count` slots: its CPU threads, and a GPU."""
    threads = str(threads_of_a_slot(count))
    environment = {name: threads for name in THREADS if name not in os.environ}
    gpus = visible_gpus()
    if len(gpus) > 1:
        environment["CUDA_VISIBLE_DEVICES"] = gpus[slot % len(gpus)]
    return environment


THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def threads_of_a_slot(count: int) -> int:
    """CPU threads for each of `count` slots; OMP_NUM_THREADS is the user's own word."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdigit() else max(1, cores() // count)


def cores() -> int:
    """CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def visible_gpus() -> list[str]:
    """Names of the CUDA devices, as CUDA_VISIBLE_DEVICES spells them; found without CUDA."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name.strip() for name in named.split(",") if name.strip()]
    devices = [path.name.removeprefix("nvidia") for path in Path("/dev").glob("nvidia[0-9]*")]
    return sorted(devices, key=int)
