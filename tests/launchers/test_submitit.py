"""What is told of jobs of submitit that came to nothing."""

import pytest

from hydra_plugins.trialsmith_sweeper._submitit import ended, last_word

NO_OUTPUT = """Job 5 (task: 0) with path /home/me/.submitit/5/5_0_result.pkl
has not produced any output (state: FAILED)
"""
ERRORS = f"Error stream produced:\n{'-' * 40}\n"
SRUN = "srun: error: vm: task 0: Exited with exit code 2\n"
GONE = "execve(): /no/python: No such file or directory"
REFUSED = "sbatch: error: invalid partition specified: x"
FOLDER = " (see /home/me/.submitit/5)"
FAILED = """Job (task=0) failed during processing with trace:
----------------------
Traceback (most recent call last):
  File "a.py", line 1, in <module>
ModuleNotFoundError: No module named 'own'

----------------------
You can check full logs with 'job.stderr(0)' and 'job.stdout(0)'or at paths:
  - /home/me/.submitit/5/5_0_log.err
  - /home/me/.submitit/5/5_0_log.out"""


@pytest.mark.parametrize(
    ("told", "word"),
    [
        (NO_OUTPUT, "has not produced any output (state: FAILED)" + FOLDER),
        (NO_OUTPUT + ERRORS + SRUN, "has not produced any output (state: FAILED)" + FOLDER),
        (
            NO_OUTPUT + ERRORS + "execve(): /no/python: gone\n" + SRUN,
            "execve(): /no/python: gone" + FOLDER,
        ),
        (FAILED, "ModuleNotFoundError: No module named 'own'" + FOLDER),
        (
            "sbatch: error: invalid partition specified: x",
            "sbatch: error: invalid partition specified: x",
        ),
        ("", "RuntimeError"),
    ],
)
def test_the_jobs_own_last_word_is_told_and_where_its_log_is(told: str, word: str) -> None:
    assert last_word(RuntimeError(told)) == word


def test_a_job_that_slurm_lists_no_more_is_over_and_without_an_answer_none_is() -> None:
    queue = {"1": "RUNNING", "2": "CANCELLED", "3": "REQUEUED", "4": "PREEMPTED", "5": "PENDING"}
    assert ended(["1", "2", "3", "4", "5", "6"], queue) == {"2": "CANCELLED", "6": "COMPLETED"}
    assert ended(["1", "6"], None) == {}
