"""Options that count something."""

from typing import Any

from trialsmith.errors import DataError


def is_whole(value: Any) -> bool:
    """Whether it is a whole number; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def check_whole(key: str, value: Any, least: int, otherwise: str = "") -> None:
    """Raises a DataError where `data.key` is no whole number from `least` on.

    Args:
        otherwise: what else it may be, to end the message with.
    """
    if not is_whole(value) or value < least:
        raise DataError(f"data.{key}={value} must be a whole number, at least {least}{otherwise}.")
