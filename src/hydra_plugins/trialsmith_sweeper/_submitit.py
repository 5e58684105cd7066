"""What has become of a job of submitit, also where SLURM keeps no accounts.

Submitit asks `sacct` alone. Where that has nothing to say, a job that was cancelled in the queue,
or that ended before its worker began, would be waited for for ever: so `squeue` is asked as well.
"""

import getpass
import logging
import re
import subprocess
from collections.abc import Iterable
from functools import cache

# all other states may still lead to work, REQUEUED and PREEMPTED too
OVER = {
    *("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE"),
    *("FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT"),
}
FORGOTTEN = "COMPLETED"  # SLURM knows a job for some minutes after its end
CHECK = 60  # seconds at most between two looks at the queue; submitit's own are up to 10 minutes


@cache
def watch_the_queue() -> None:
    """Have submitit hear of its jobs from `squeue` too."""
    from submitit.core.logger import get_logger
    from submitit.slurm.slurm import SlurmInfoWatcher, SlurmJob

    # its complaints about SLURM without accounting help nobody
    get_logger().setLevel(logging.ERROR)

    class Watcher(SlurmInfoWatcher):
        def _make_command(self) -> list[str] | None:
            words = super()._make_command()
            # without accounting it says so on the user's screen, again and again
            return words and ["sh", "-c", 'exec "$@" 2>/dev/null', "sh", *words]

        def update(self) -> None:
            super().update()
            known = {job for job, facts in list(self._info_dict.items()) if facts.get("State")}
            unknown = self._registered - self._finished - known
            if unknown:
                states = ended(unknown, queue())
                self._info_dict.update({job: {"State": state} for job, state in states.items()})

    SlurmJob.watcher = Watcher(delay_s=CHECK)


def queue() -> dict[str, str] | None:
    """This user's jobs and their states, those that ended lately too; None without an answer."""
    words = ["squeue", "--noheader", "--states=all", f"--user={getpass.getuser()}"]
    try:
        done = subprocess.run(
            [*words, "--format=%i|%T"], capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    lines = (line.partition("|") for line in done.stdout.splitlines())
    return {job.strip(): state.strip() for job, _, state in lines}


def ended(jobs: Iterable[str], queue: dict[str, str] | None) -> dict[str, str]:
    """Those of `jobs`, all of which were queued once, that are over, and how they ended."""
    if queue is None:
        return {}
    states = {job: queue.get(job, FORGOTTEN) for job in jobs}
    return {job: state for job, state in states.items() if state in OVER}


# what srun and submitit say after the job's own last word
_AFTERWORDS = ("srun: ", "Error stream produced", "---", "You can check full logs", "  - ")


def last_word(error: Exception) -> str:
    """The job's own last line, of what submitit tells of its failure, and where its log is."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    own = [line for line in lines if line.strip() and not line.startswith(_AFTERWORDS)]
    folder = re.search(r"(/\S*)/\S+(?:_result\.pkl|_log\.err)", str(error))
    return f"{(own or lines)[-1].strip()}{f' (see {folder[1]})' if folder else ''}"
