"""A user's mistake is answered with what to change, not with a traceback."""

import functools
import os
import re
from collections.abc import Callable
from typing import Any

from omegaconf.errors import InterpolationToMissingValueError, MissingMandatoryValue


def plain_errors(task: Callable[..., Any]) -> Callable[..., Any]:
    """End the program with the message alone where the user has something to change.

    Those are the errors of `trialsmith.errors`, also where Hydra's `instantiate` wraps them, and
    values that must be given. A bug keeps its traceback; HYDRA_FULL_ERROR=1 gives one for all. A
    sweep finds the cause and goes on.
    """

    @functools.wraps(task)
    def answered(*arguments: Any) -> Any:
        try:
            return task(*arguments)
        except Exception as error:
            message = mistake(error)
            if message is None or os.environ.get("HYDRA_FULL_ERROR") == "1":
                raise
            # Hydra prints a traceback of every other exception
            raise SystemExit(message) from error

    return answered


def mistake(error: BaseException) -> str | None:
    """What the user has to change, if that is what `error` is about."""
    from trialsmith.errors import causes

    return next(filter(None, map(_message, causes(error))), None)


def _message(error: BaseException) -> str | None:
    from trialsmith.errors import TrialsmithError

    if isinstance(error, MissingMandatoryValue | InterpolationToMissingValueError):
        # of an interpolation the message names the key without a value, not the one that asked
        found = re.search(r"mandatory value: ([\w.]+)$", str(error), re.MULTILINE)
        key = error.full_key if isinstance(error, MissingMandatoryValue) or not found else found[1]
        return f"{key} must be given: add {key}=… to the command"
    return str(error) if isinstance(error, TrialsmithError) else None
