"""Values of the command line that are texts, whatever characters they hold."""

from collections.abc import Iterable


def as_texts(arguments: Iterable[str], *keys: str) -> list[str]:
    """The overrides `arguments`, those of `keys` quoted for Hydra where it would not read a text.

    `command=./train.sh --lr {lr}` is no value of Hydra's grammar, and `command=a,b` would be a
    sweep. What is quoted already stays as it is, and so do a list (`metric=['a (.)','b (.)']`),
    `null` and `choice(…)`.
    """
    return [_as_text(argument) if _key(argument) in keys else argument for argument in arguments]


def _key(argument: str) -> str:
    return argument.partition("=")[0].lstrip("+")


def _as_text(argument: str) -> str:
    # imported here: Hydra loads this module at every start of every program
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.core.override_parser.types import ChoiceSweep, Quote, QuotedString, Sweep
    from hydra.errors import HydraException

    key, _, text = argument.partition("=")
    try:
        value = OverridesParser.create().parse_override(argument)._value
    except HydraException:
        value = text
    is_sweep = isinstance(value, Sweep) and not (
        isinstance(value, ChoiceSweep) and value.simple_form
    )
    if value is None or is_sweep or isinstance(value, QuotedString | list):
        return argument
    return f"{key}={QuotedString(text, Quote.double).with_quotes()}"
