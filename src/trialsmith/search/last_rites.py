"""A process that ends what its parent's group holds, as soon as its parent has ended.

    python -I -S last_rites.py <parent>

It imports nothing of the project, and sleeps all its life.
"""

import os
import signal
import sys
import time
from contextlib import suppress

TICK = 0.5  # seconds


def main(parent: int) -> None:
    """Wait for the end of `parent`, which leads its group."""
    while os.getppid() == parent:
        time.sleep(TICK)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(parent, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]))
