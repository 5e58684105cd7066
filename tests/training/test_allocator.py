"""What a training step frees, the next one has again at once, in huge pages."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
GLIBC = platform.libc_ver()[0] == "glibc"
MB = 2**20


def said(script: str) -> list[int]:
    """The numbers that a process of its own prints."""
    begin = "import resource, torch\nfrom trialsmith.allocator import keep_freed_memory\n"
    done = subprocess.run(
        [sys.executable, "-c", begin + script],
        env={name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    return list(map(int, done.stdout.split()))


@pytest.mark.skipif(not GLIBC, reason="glibc alone is told to keep memory")
def test_what_is_freed_is_had_again_without_the_system():
    first, *_, last = said(
        "keep_freed_memory()\n"
        "for step in range(10):\n"
        "    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        f"    kept = [torch.ones({16 * MB} // 4) for _ in range(4)]\n"
        "    del kept\n"
        "    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)\n"
    )
    assert first > 0
    assert last < 8  # of thousands, or of 32 huge ones


@pytest.mark.skipif(
    not (GLIBC and HUGE_PAGES.exists() and "[madvise]" in HUGE_PAGES.read_text()),
    reason="the system does not give huge pages to those who ask alone",
)
def test_memory_comes_in_huge_pages():
    script = (
        f"kept = torch.ones({64 * MB} // 4)\n"
        "lines = open('/proc/self/smaps_rollup').read().splitlines()\n"
        "print(next(line.split()[1] for line in lines if line.startswith('AnonHugePages')))\n"
    )
    (kilobytes,) = said(f"keep_freed_memory()\n{script}")
    assert kilobytes >= 2 * 1024  # one of them at least: there may be few left


@pytest.mark.parametrize("limit", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_where_addresses_are_rationed_none_are_reserved(limit):
    """As under `ulimit -v`: caches are mapped, threads are started."""
    before, after = said(
        "def used():\n"
        "    return int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        f"resource.setrlimit(resource.{limit}, (used() + 2**34, used() + 2**34))\n"
        "print(used())\nkeep_freed_memory()\nprint(used())\n"
    )
    assert after - before < 2**30
