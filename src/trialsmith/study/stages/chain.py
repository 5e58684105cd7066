"""Runs the stages of a plan one after the other, each as the command that a user would type."""

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from trialsmith import yaml12
from trialsmith.errors import SearchError
from trialsmith.search.credentials import word_without_credentials
from trialsmith.search.nearest import suggestion
from trialsmith.study.running import PROGRAM, run_command
from trialsmith.study.stages.commands import FOLLOWS, OWN, SEARCH, STUDY, key_of

CHECK = "hydra.sweeper.check=true"
SIGNALLED = 128  # and more: the exit code after a signal


def read_plan(name: str, folder: Path = Path("conf/stages")) -> list[str]:
    """The search files of the plan `name`, in their order.

    Raises:
        SearchError: there is no such plan, or it is not a list of names.
    """
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = sorted(file.stem for file in folder.glob("*.yaml"))
        if not known:
            raise SearchError(f"there is no folder {folder} here: run it where {PROGRAM} is")
        hint = suggestion(name, known) or f": there are {', '.join(known)}"
        raise SearchError(f"there is no plan {path}{hint}")
    plan = yaml12.load(path.read_text(encoding="utf-8"))
    if not isinstance(plan, list) or not all(isinstance(search, str) for search in plan):
        raise SearchError(f"{path} must be a list of files of conf/{SEARCH}")
    return plan


def stage_commands(
    plan: Sequence[str], overrides: Sequence[str]
) -> tuple[list[list[str]], dict[str, list[str]]]:
    """The command line of each stage, after `python`, and each one's own overrides.

    `FILE:KEY=VALUE` is an override of the stage FILE alone, all others are of every stage. A study
    name becomes the begin of every stage's name.

    Raises:
        SearchError: an override is of a stage that the plan does not have, or is no override.
    """
    of_one: dict[str, list[str]] = {search: [] for search in plan}
    of_all: list[str] = []
    name = None
    for word in overrides:
        stage, override = _stage_of(word, plan)
        if "=" not in override and not override.startswith("~"):
            raise SearchError(f"{word} is no override: write KEY=VALUE or FILE:KEY=VALUE")
        if key_of(override) == SEARCH:
            raise SearchError(f"{word}: the plan says which searches run; leave it out")
        if stage is not None and key_of(override) == STUDY:
            raise SearchError(
                f"{word}: the next stage would not find it; give {STUDY}=NAME, with which the name "
                "of every stage's study begins"
            )
        if stage is None and key_of(override) == STUDY:
            name = override.partition("=")[2]
        elif stage is None:
            of_all.append(override)
        else:
            of_one[stage].append(override)
    commands = [
        [PROGRAM, "-m", f"{SEARCH}={search}", *of_all, *_named(plan, k, name), *of_one[search]]
        for k, search in enumerate(plan)
    ]
    return commands, of_one


def _stage_of(word: str, plan: Sequence[str]) -> tuple[str | None, str]:
    """The stage that an override is of, None for all, and the override itself."""
    found = re.fullmatch(r"(\w+):(.*)", word, re.DOTALL)
    if found is None:
        return None, word
    stage, override = found.groups()
    if stage not in plan:
        hint = suggestion(stage, plan) or f": there are {', '.join(plan)}"
        raise SearchError(f"{word}: the plan has no stage {stage}{hint}")
    return stage, override


def _named(plan: Sequence[str], k: int, name: str | None) -> list[str]:
    if name is None:
        return []
    own = f"{STUDY}={name}-{plan[k]}"
    return [own, f"{FOLLOWS}={name}-{plan[k - 1]}"] if k else [own]


def run_stages(
    commands: Sequence[Sequence[str]],
    own: Mapping[str, Sequence[str]],
    show: Callable[[Sequence[str]], None],
) -> int:
    """Run the commands in turn until one does not end well; the last exit code.

    Before the first trial of the first stage every later one is checked, and its data made ready: a
    mistake should not show after hours.

    Args:
        commands: of the stages, as `stage_commands` gives them.
        own: each stage's own overrides, by its search; the stages keep them for their reports.
        show: is told each command before it runs.

    Raises:
        SearchError: a later stage could not begin.
    """
    if not Path(PROGRAM).is_file():
        raise SearchError(f"there is no {PROGRAM} here: run it in the folder that has one")
    for search, command in list(zip(own, commands, strict=True))[1:]:
        show(_shown([*command, CHECK]))
        code = run_command([sys.executable, *command, CHECK])
        if code >= SIGNALLED:
            return code
        if code:
            raise SearchError(
                f"stage {search} could not begin, for the reason above, and no stage has begun. An "
                f"override of this stage alone is {search}:KEY=VALUE"
            )
    for command in commands:
        show(_shown(command))
        code = run_command([sys.executable, *command], environment={OWN: json.dumps(own)})
        if code:
            return code
    return 0


def _shown(words: Sequence[str]) -> list[str]:
    """The command of `words` as the screen may have it."""
    return ["python", *map(word_without_credentials, words)]
