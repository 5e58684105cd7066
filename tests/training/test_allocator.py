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
    assert first >= 64 // 2  # as many as huge pages, or more where some are not
    assert last < 8


@pytest.mark.skipif(
    not (GLIBC and HUGE_PAGES.exists() and "[never]" not in HUGE_PAGES.read_text()),
    reason="the system has no huge pages to give",
)
def test_memory_comes_in_huge_pages():
    script = (
        f"kept = torch.ones({64 * MB} // 4)\n"
        "lines = open('/proc/self/smaps_rollup').read().splitlines()\n"
        "print(next(line.split()[1] for line in lines if line.startswith('AnonHugePages')))\n"
    )
    (kilobytes,) = said(f"keep_freed_memory()\n{script}")
    assert kilobytes >= 2 * 1024  # one of them at least: there may be few left


def test_where_addresses_are_rationed_memory_is_as_before():
    """As under `ulimit -v`: two gigabytes at once are not to be had, and need not be."""
    limit = "resource.setrlimit(resource.RLIMIT_AS, (used + 2**30, used + 2**30))\n"
    (total,) = said(
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        + limit
        + f"keep_freed_memory()\nprint(int(torch.ones({64 * MB} // 4).sum()))\n"
    )
    assert total == 16 * MB
