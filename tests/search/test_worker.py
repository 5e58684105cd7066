"""A slot that is killed takes along what its trial has started."""

import subprocess
import sys
import time

import psutil

SLOT = """
import os, subprocess, time
from trialsmith.search.worker import _take_along
os.setpgrp()
companion = _take_along()
print(subprocess.Popen(["sleep", "600"]).pid, companion.pid, flush=True)
time.sleep(600)
"""


def is_over(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_what_a_killed_slot_started_ends_with_it():
    command = [sys.executable, "-c", SLOT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as slot:
        assert slot.stdout is not None
        started = [int(word) for word in slot.stdout.readline().split()]
        assert not any(map(is_over, started))
        slot.kill()
    deadline = time.monotonic() + 10
    while not all(map(is_over, started)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
