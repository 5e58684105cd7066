"""What the command line of a search says: sweeps, fixed values, and the rest as it stands."""

from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_loader import ConfigLoader

from hydra_plugins.trialsmith_sweeper._grammar import domain_of, parse
from trialsmith.search.reading import dotted
from trialsmith.search.space import Branch, Parameter


@dataclass
class CommandLine:
    """The task's overrides, sorted.

    Attributes:
        swept: parameters, each in place of the search file's entry of that key.
        fixed: key → value; such a key is not searched.
        passed: the overrides that every trial gets as they were written.
        restart: `+restart=true` was given.
        problems: key → what is wrong, of sweeps that are impossible.
    """

    swept: dict[str, Parameter] = field(default_factory=dict)
    fixed: dict[str, Any] = field(default_factory=dict)
    passed: list[str] = field(default_factory=list)
    restart: bool = False
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def searched(self) -> set[str]:
        """The keys of all sweeps, possible or not."""
        return {*self.swept, *self.problems}


def read_command_line(arguments: list[str], loader: ConfigLoader) -> CommandLine:
    """Sort the overrides `arguments`."""
    line = CommandLine()
    for override in parse(arguments, loader):
        key = dotted(override.get_key_element())
        if override.key_or_group == "restart" and (override.is_add() or override.is_force_add()):
            line.restart = bool(override.value())
        elif override.is_sweep_override():
            try:
                line.swept[key] = Parameter(key, (Branch(domain_of(override)),))
            except ValueError as error:
                line.problems[key] = f"{key} {error}"
        else:
            assert override.input_line is not None
            line.passed.append(override.input_line)
            if not override.is_delete():
                line.fixed[key.lstrip("+")] = override.value()
    return line
