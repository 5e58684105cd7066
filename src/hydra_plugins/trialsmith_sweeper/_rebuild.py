"""Parts of a finished run, built again from the configuration that its folder holds."""

from collections.abc import Mapping
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate

from hydra_plugins.trialsmith_sweeper._messages import mistake
from trialsmith.buildable import PARTS
from trialsmith.errors import DataError


def rebuilt(node: Mapping[str, Any], **arguments: Any) -> Any:
    """What `node` describes, a resolved configuration with a `_target_`.

    Less than train.py may build: a folder that came from elsewhere can name what it likes.

    Raises:
        DataError: it cannot be built, or names something that no run builds.
    """
    try:
        return instantiate(dict(node), _execution_whitelist_=PARTS, **arguments)
    except InstantiationException as error:
        reason = mistake(error) or str(error.__cause__ or error).splitlines()[0]
        raise DataError(f"{node.get('_target_')} cannot be built: {reason}") from error
