"""The sweeper `hydra/sweeper=trialsmith`, and a job's way to its trial."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hydra_plugins.trialsmith_sweeper._messages import plain_errors as plain_errors
from hydra_plugins.trialsmith_sweeper._texts import as_texts as as_texts

if TYPE_CHECKING:
    from trialsmith.search.trial import TrialHandle


def current_trial() -> "TrialHandle | None":
    """The trial that this Hydra job belongs to; None outside a search."""
    # imported here: Hydra loads this module at every start of every program
    from hydra_plugins.trialsmith_sweeper._attach import current_trial as attached

    return attached()


def rebuilt(node: "Mapping[str, Any]", **arguments: "Any") -> "Any":
    """A part of a finished run, from the configuration in its folder."""
    from hydra_plugins.trialsmith_sweeper._rebuild import rebuilt as built

    return built(node, **arguments)
