"""What a retraining asks of Hydra: overrides taken apart, configurations composed anew."""

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from hydra_plugins.trialsmith_sweeper._configurations import exists
from hydra_plugins.trialsmith_sweeper._quoting import override as override
from trialsmith.errors import SearchError

SEED = "seed"


def parsed(words: Sequence[str]) -> list[Override]:
    """The overrides.

    Raises:
        SearchError: Hydra cannot read one.
    """
    try:
        return OverridesParser.create().parse_overrides(list(words))
    except HydraException as error:
        raise SearchError(str(error).strip()) from None


def seeds_and_rest(words: Sequence[str]) -> tuple[list[int], list[str]]:
    """The seeds that `seed=0,1,2` or `seed=range(0,3)` asks for, and the other overrides.

    Raises:
        SearchError: another parameter has several values, or a seed is none.
    """
    seeds: list[int] = []
    rest = []
    for word, said in zip(words, parsed(words), strict=True):
        if said.get_key_element().lstrip("+") == SEED:
            values = [*said.sweep_iterator()] if said.is_sweep_override() else [said.value()]
            seeds = [_seed(value, word) for value in values]
        elif said.is_sweep_override():
            raise SearchError(
                f"{word}: only seed can have several values here; to compare values run a search, "
                "python train.py -m …"
            )
        else:
            rest.append(word)
    return list(dict.fromkeys(seeds)), rest


def _seed(value: object, word: str) -> int:
    try:
        if not isinstance(value, bool | float):
            return int(str(value))
    except ValueError:
        pass
    raise SearchError(f"{word}: seeds are whole numbers, as in seed=0,1,2")


def chosen_groups(words: Sequence[str], conf: Path) -> list[str]:
    """Those of the overrides that choose a config of a group."""
    return [word for word, o in zip(words, parsed(words), strict=True) if _is_group(o, conf)]


def recomposed(
    conf: Path, recorded: Sequence[str], searched: Collection[str], groups: Sequence[str]
) -> str:
    """A trial's configuration with other choices of config groups, as YAML.

    It is composed anew from what the search's command line and its sampler said. What they said of
    a group that is chosen otherwise now is left out where it was not searched (the path of the
    data, say) or has no place any more.

    Args:
        conf: the program's folder of configs.
        recorded: the trial's overrides.
        searched: keys of its parameters.
        groups: the new choices.

    Raises:
        SearchError: they do not go together.
    """
    old = parsed(recorded)
    new = {said.key_or_group.lstrip("+") for said in parsed(groups)}
    choices = [str(o.input_line) for o in old if _is_group(o, conf) and o.key_or_group not in new]
    try:
        with initialize_config_dir(str(conf)):
            frame = compose("train", [*choices, *groups])
            kept = []
            for said in old:
                key = said.get_key_element()
                plain = key.lstrip("+~")
                of_new = plain.partition(".")[0] in new and key not in searched
                has_place = key.startswith(("+", "~")) or exists(frame, plain)
                if not _is_group(said, conf) and has_place and not of_new:
                    kept.append(str(said.input_line))
            config = compose("train", [*choices, *groups, *kept])
    except (HydraException, OmegaConfBaseException) as error:
        reason = " ".join(filter(None, [str(error), str(error.__cause__ or "")])).strip()
        raise SearchError(f"{' '.join(groups)} cannot be composed: {reason}") from None
    return OmegaConf.to_yaml(config)


def path_override(key: str, path: Path) -> str:
    """`key=path`, in quotes only where Hydra's grammar needs them."""
    plain = re.fullmatch(r"[\w/.+-]+", str(path)) is not None
    return override(key, str(path), bare=plain)


def _is_group(override: Override, conf: Path) -> bool:
    name = override.key_or_group.partition("@")[0]
    return "." not in name and (conf / name).is_dir()
