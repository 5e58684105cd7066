"""Hydra's sweep grammar as domains, with the meaning that hydra-optuna-sweeper gives it."""

from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra_plugins.hydra_optuna_sweeper._impl import create_optuna_distribution_from_override
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from trialsmith.search.domains import Choices, Domain, Floats, Integers
from trialsmith.search.reading import Fixed


def read_grammar(key: str, text: str) -> Domain | Fixed:
    """What `key=text` says: `choice(1,2)`, `range(2,6)`, `interval(0,1)`, or a plain value.

    Raises:
        ValueError: the text is not in the grammar, or its range is impossible.
    """
    try:
        parsed = OverridesParser.create().parse_override(f"{key}={text}")
    except HydraException as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"has {text!r}, which Hydra cannot read: {reason}") from None
    return domain_of(parsed) if parsed.is_sweep_override() else Fixed(parsed.value())


def parse(arguments: list[str], loader: ConfigLoader) -> list[Override]:
    """The overrides of a command line; `glob(...)` looks its options up with `loader`."""
    return OverridesParser.create(config_loader=loader).parse_overrides(arguments)


def domain_of(override: Override) -> Domain:
    """The domain of a sweep.

    Raises:
        ValueError: its range is impossible.
    """
    value: Any = override.value()
    if override.is_choice_sweep():
        options = override.sweep_iterator()
        return Choices(tuple(Override._convert_value(option) for option in options))
    if override.is_interval_sweep():  # read here, for Optuna says less of an impossible one
        low, high, log = value.start, value.end, "log" in value.tags
        if isinstance(low, int) and isinstance(high, int):
            return Integers(low, high, log=log)
        return Floats(float(low), float(high), log=log)
    if override.is_range_sweep():
        _check_range(value)
    try:
        distribution = create_optuna_distribution_from_override(override)
    except ValueError as error:
        raise ValueError(f"has {override.input_line!r}: {error}") from None
    return _domain(distribution)


def _check_range(value: Any) -> None:
    """Optuna's sweeper says of an empty range neither what it is nor what to write."""
    start, stop, step = value.start, value.stop, value.step
    if step == 0 or (stop - start) * step > 0:
        return
    written = f"range({start},{stop}{'' if step == 1 else f',step={step}'})"
    turned = f"range({stop},{start})" if step == 1 and start != stop else "another step or end"
    raise ValueError(f"is empty: {written} begins at {start} and ends before {stop}; try {turned}")


def _domain(distribution: Any) -> Domain:
    if isinstance(distribution, IntDistribution):
        return Integers(distribution.low, distribution.high, distribution.step)
    if isinstance(distribution, FloatDistribution):
        return Floats(distribution.low, distribution.high, distribution.step)
    assert isinstance(distribution, CategoricalDistribution)
    return Choices(tuple(distribution.choices))
