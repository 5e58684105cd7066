"""A user's mistake is answered with what to change, not with a traceback."""

import functools
import os
import re
from collections.abc import Callable
from typing import Any

from omegaconf.errors import (
    InterpolationKeyError,
    InterpolationToMissingValueError,
    MissingMandatoryValue,
)


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
    if isinstance(error, InterpolationKeyError):
        missing = re.search(r"key '([\w.]+)'", str(error))
        if missing:
            return (
                f"{error.full_key} follows {missing[1]}, which there is not in this configuration: "
                f"give {error.full_key} a value, or choose parts that go together "
                "(`--info defaults` lists what was chosen)"
            )
    if isinstance(error, TypeError):
        return _misfit(error)
    return str(error) if isinstance(error, TrialsmithError) else None


def _misfit(error: TypeError) -> str | None:
    """Of a part of the configuration that does not take what it is given, or needs more."""
    call = r"(?:\w+\.)*?(\w+)(?:\.__init__)?\(\) "
    notes = "".join(getattr(error, "__notes__", ()))  # where Hydra tells the key
    key = re.search(r"full_key: ([\w.]+)", notes)
    unknown = re.match(call + r"got an unexpected keyword argument '(\w+)'", str(error))
    missing = re.match(call + r"missing \d+ required .*arguments?: (.+)", str(error))
    found = unknown or missing
    if key is None or found is None:
        return None
    if unknown:
        does = f"takes no {found[2]}: remove {key[1]}.{found[2]} where it was given"
    else:
        does = f"needs {found[2]}: give it as {key[1]}.NAME=…"
    return (
        f"{key[1]} ({found[1]}) {does}. If the data asked for it, another {key[1]} goes with these "
        "data: `python train.py --help` lists them"
    )
