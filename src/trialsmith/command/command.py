"""A run of another program: parameters in, metric out, pruned like a model."""

import json
import logging
import math
import re
import shlex
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from trialsmith import yaml12
from trialsmith.command.failure import CommandFailed, last_words, refuse_failure
from trialsmith.command.output import Tail
from trialsmith.command.pattern import Pattern
from trialsmith.command.program import Program, refuse_missing
from trialsmith.command.scores import Reporter, Scores
from trialsmith.command.template import Template
from trialsmith.errors import Diverged, InfeasibleConfig, SearchError
from trialsmith.provenance import provenance, write_patch
from trialsmith.search.reading import dotted

log = logging.getLogger(__name__)

TICK = 0.1  # seconds between looks at the output
LOOK = 1.0  # seconds between looks at who asked for the trial


@runtime_checkable
class Trial(Protocol):
    """What a program needs of the search that it belongs to."""

    @property
    def parameters(self) -> dict[str, Any]: ...

    def check_wanted(self) -> None: ...

    def report(self, value: float, step: int) -> None: ...

    def annotate(self, **attributes: Any) -> None: ...


class Command:
    """Runs a program and reads its score from its standard output.

    Args:
        command: with `{key}` where the configuration's value of `key` goes; see `Template`.
        metric: what the score looks like in a line of the output, see `Pattern`; a list of such
            where there are several objectives.
        intermediate: what a value on the way looks like; by it a trial is pruned. Its step is the
            group named `step`, else the values are counted from 0.
        metric_from: which match is the score: the `last`, or the `best` in `direction`.
        time_limit: seconds after which the program is ended and its trial fails as infeasible.
        shell: the command is a script for `/bin/sh`.
        grace: seconds that a program gets between SIGTERM and SIGKILL.

    Raises:
        SearchError: one of them cannot be.
    """

    def __init__(
        self,
        command: str,
        metric: str | Sequence[str],
        *,
        intermediate: str | None = None,
        metric_from: str = "last",
        direction: str = "minimize",
        time_limit: float | None = None,
        shell: bool = False,
        grace: float = 5.0,
    ) -> None:
        if metric_from not in ("last", "best"):
            raise SearchError(f"metric_from={metric_from} must be last or best")
        if time_limit is not None and time_limit <= 0:
            raise SearchError(f"time_limit={time_limit} must be positive: give seconds, or null")
        self._template = Template(command, shell=shell)
        self._several = not isinstance(metric, str)
        texts = [metric] if isinstance(metric, str) else list(metric)
        self._metrics = [Pattern("metric", text) for text in texts]
        self._intermediate = Pattern("intermediate", intermediate) if intermediate else None
        better = max if direction == "maximize" else min
        self._better = better if metric_from == "best" else None
        if self._better and self._several:
            raise SearchError("metric_from=best is for one metric: the best of each may be of none")
        self._time_limit = time_limit
        self._grace = grace

    def run(
        self, config: Mapping[str, Any], written: str, folder: str | Path, trial: Trial | None
    ) -> float | list[float]:
        """Run the program once; its score, or one for each objective.

        Leaves in `folder`: `config.yaml`, `provenance.yaml`, `command.json` with the command line,
        exit code, seconds and score, and the program's `stdout.log` and `stderr.log`.

        Args:
            config: every value resolved, nested.
            written: the configuration's YAML with its interpolations.

        Raises:
            CommandFailed: it ended badly or printed no score.
            Diverged: its score is no finite number.
            InfeasibleConfig: its time is over, or a value cannot be an argument.
            MemoryError: it was killed by SIGKILL, as the kernel does for lack of memory.
            SearchError: it cannot be run with any values.
            optuna.TrialPruned: the trial is not worth going on with.
            TrialLost: the search that asked for the trial has ended.
        """
        arguments = self._template.arguments(config)
        if trial is not None:
            self._refuse_unused(trial.parameters, written)
        folder = Path(folder)
        (folder / "config.yaml").write_text(yaml12.dump(config), encoding="utf-8")
        (folder / "provenance.yaml").write_text(yaml12.dump(provenance()), encoding="utf-8")
        write_patch(folder)
        program = Program(arguments, folder, self._grace)
        begun = time.monotonic()
        score = None
        try:
            score = self._score(program, trial)
        finally:
            record = {"command": shlex.join(arguments), "exit_code": program.exit_code}
            rest = {"seconds": round(time.monotonic() - begun, 3), "score": score}
            (folder / "command.json").write_text(json.dumps(record | rest, indent=2) + "\n")
            if trial is not None:
                trial.annotate(**record)
        log.info("score %s; results in %s", score, folder)
        return score

    def check(
        self, config: Mapping[str, Any], written: str, searched: Iterable[str], here: bool
    ) -> None:
        """Find what would be wrong with every trial of a search, before there is one.

        Args:
            config, written: of any trial, as in `run`.
            searched: keys.
            here: trials run on this machine, so that the program must be on it.

        Raises:
            SearchError: a place without a value, a searched key without a place, or a program that
                cannot be started.
        """
        program, *_ = self._template.arguments(config)
        self._refuse_unused(searched, written)
        if here:
            refuse_missing(program)

    def _score(self, program: Program, trial: Trial | None) -> float | list[float]:
        scores = Scores(self._metrics, self._better)
        with program:
            self._follow(program, [scores, Reporter(self._intermediate, trial)], trial)
        told = last_words(program.outputs)
        refuse_failure(program.exit_code, told)
        for metric in scores.missing:
            raise CommandFailed(f"{metric} matches no line of the program's standard output{told}")
        for metric, value in zip(self._metrics, scores.values, strict=True):
            if not math.isfinite(value):
                raise Diverged(f"{metric} is {value} in the end, which is no score{told}")
        return scores.values if self._several else scores.values[0]

    def _follow(
        self, program: Program, readers: Sequence[Scores | Reporter], trial: Trial | None
    ) -> None:
        """Read what the program prints until it ends, or must."""
        begun = looked = time.monotonic()
        with Tail(program.outputs[0]) as tail:
            while program.runs(0.0 if tail.is_behind else TICK):
                _read(tail.lines(), readers)
                now = time.monotonic()
                if self._time_limit is not None and now - begun > self._time_limit:
                    told = last_words(program.outputs)
                    raise InfeasibleConfig(f"time_limit={self._time_limit:g}: it took longer{told}")
                if trial is not None and now - looked > LOOK:
                    trial.check_wanted()
                    looked = now
            _read(tail.remaining(), readers)

    def _refuse_unused(self, searched: Iterable[str], written: str) -> None:
        """A search over what the program never sees would compare nothing but its noise."""
        for key in (parameter.lstrip("+") for parameter in searched):
            placed = any(_overlap(dotted(name), key) for name in self._template.keys)
            # another key may follow it, the command itself among them
            if not placed and not re.search(rf"\$\{{[^}}]*\b{re.escape(key)}\b", dotted(written)):
                raise SearchError(
                    f"{key} is searched, and the command does not use it: write {{{key}}} where "
                    "its value goes, or take it out of the search"
                )


def _overlap(one: str, other: str) -> bool:
    """Whether one key is the other, or a part of it."""
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


def _read(lines: Iterable[str], readers: Sequence[Scores | Reporter]) -> None:
    for line in lines:
        for reader in readers:
            reader.read(line)
