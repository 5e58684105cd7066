"""Runs train.py for each candidate and seed of a plan."""

import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

from trialsmith.errors import SearchError
from trialsmith.study.best_config import with_run_settings
from trialsmith.study.retraining.candidate import Candidate
from trialsmith.study.retraining.data_watch import DataWatch
from trialsmith.study.retraining.plan import Place, Plan, Run
from trialsmith.study.running import find_program, run_command
from trialsmith.study.writing import replace_text

LOCK = ".lock"
INTERRUPTED = (129, 130, 143)


class Stopped(Exception):
    """A training was stopped by a signal; `exit_code` is what the shell expects."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(f"stopped with exit code {exit_code}")
        self.exit_code = exit_code


def train_all(
    plan: Plan, place: Place, tell: Callable[[str], None], test_too: bool
) -> tuple[list[Run], list[Run]]:
    """Make every run of the plan that is not made yet.

    Args:
        tell: shows a line.
        test_too: each run scores the test split at its end.

    Returns: the runs that came to their end, and those that failed.

    Raises:
        SearchError: train.py is not found, somebody works in the folder, or the first run failed
            before its first epoch.
        Stopped: by Ctrl-C or another signal.
    """
    place.begin(plan)
    try:
        with FileLock(place.folder / LOCK, timeout=0):
            return _train_all(plan, place, tell, test_too)
    except Timeout:
        raise SearchError(f"{place.folder} is being worked on: wait, or give --new") from None


def _train_all(
    plan: Plan, place: Place, tell: Callable[[str], None], test_too: bool
) -> tuple[list[Run], list[Run]]:
    configs = {c.name: _config_file(c, plan, place.folder) for c in plan.candidates}
    done, failed = [run for run in plan.runs if run.name in place.done], []
    watch = DataWatch(plan, tell)
    for k, run in enumerate(plan.runs):
        if run in done:
            tell(f"run {k + 1} of {len(plan.runs)}: {run.name} is done already")
            continue
        folder = place.clear(run)
        program = find_program(run.candidate.start)
        words = [str(program), *command(plan, run, configs[run.candidate.name], folder)]
        if not test_too:
            words.append("score_test=false")
        tell(f"run {k + 1} of {len(plan.runs)}: {run.name}  {shlex.join(['python', *words])}")
        code = run_command(
            [sys.executable, *words], run.candidate.start, partial(watch, run, folder)
        )
        watch(run, folder)
        if code in INTERRUPTED:
            raise Stopped(code)
        if code == 0:
            place.note_done(run.name)
            done.append(run)
            continue
        if not (folder / "history.csv").exists():
            raise SearchError(f"the training could not begin (exit code {code}); see above")
        tell(f"{run.name} failed with exit code {code}; the log is {folder / 'train.log'}")
        failed.append(run)
    return done, failed


def _config_file(candidate: Candidate, plan: Plan, folder: Path) -> Path | None:
    """The candidate's configuration in the retraining's folder; None where it has none."""
    if candidate.config is None:
        return None
    path = folder.resolve() / f"{candidate.name}.yaml"
    if not path.exists():
        replace_text(path, _config(candidate, plan))
    return path


def _config(candidate: Candidate, plan: Plan) -> str:
    from hydra_plugins.trialsmith_sweeper import _retraining as hydra

    assert candidate.config is not None
    conf = find_program(candidate.start).parent / "conf"
    groups = hydra.chosen_groups(plan.overrides, conf)
    if not groups:
        return candidate.config
    recorded, searched = candidate.recorded, list(candidate.params)
    assert candidate.folder is not None
    return with_run_settings(hydra.recomposed(conf, recorded, searched, groups), candidate.folder)


def command(plan: Plan, run: Run, config: Path | None, folder: Path) -> Iterator[str]:
    """What follows train.py.

    Args:
        config: the file of the candidate's configuration; None: the program's own is composed.
        folder: where the run leaves its files.
    """
    from hydra_plugins.trialsmith_sweeper import _retraining as hydra

    conf = find_program(run.candidate.start).parent / "conf"
    groups = hydra.chosen_groups(plan.overrides, conf)
    if config is None:
        yield from groups
        chosen = [word.partition("=")[0].lstrip("+") for word in groups]
        for key, value in run.candidate.params.items():
            if key in chosen:
                continue
            yield hydra.override(key, value, bare=(conf / key).is_dir())
    else:
        yield from ("--config-path", str(config.parent), "--config-name", config.stem)
    rest = [word for word in plan.overrides if word not in groups]
    yield from _from_here(rest, run.candidate.start)
    if run.candidate.folder is not None and not any(w.startswith("threads=") for w in rest):
        yield "threads=null"  # a trial had its share of the machine; this has the whole
    if run.seed is not None:
        yield f"seed={run.seed}"
    yield hydra.path_override("hydra.run.dir", folder.resolve())


def _from_here(words: Sequence[str], start: Path | None) -> Iterator[str]:
    """Overrides whose paths refer to where the user stands, for a program that runs in `start`."""
    for word in words:
        key, sign, value = word.partition("=")
        is_path = sign and value and not Path(value).is_absolute() and Path(value).exists()
        elsewhere = start is not None and start.resolve() != Path.cwd()
        yield f"{key}={Path(value).resolve()}" if is_path and elsewhere else word
