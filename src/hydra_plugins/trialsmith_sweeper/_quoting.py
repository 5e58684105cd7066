"""Values as Hydra overrides, and nothing lost on the way."""

import math
import re
from typing import Any

from hydra.core.override_parser.types import Quote, QuotedString

from trialsmith.errors import SearchError

# Hydra's grammar has no quotes around a mapping's key, and takes these for other things.
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_\-]*")
_RESERVED = ("true", "false", "null", "inf", "nan")


def override(key: str, value: Any, *, bare: bool = False) -> str:
    """`key=value` in Hydra's grammar.

    Args:
        bare: the value is the name of a config, which Hydra takes without quotes.
    """
    return f"{key}={value}" if bare and isinstance(value, str) else f"{key}={quote(value)}"


def quote(value: Any) -> str:
    """The text that Hydra's grammar reads as `value`.

    Strings are always quoted, so that "1", "true" and "a,b" stay strings. A string with `${…}` is
    an interpolation in the trial's configuration, as it would be in a YAML file.

    Raises:
        SearchError: a mapping's key cannot be written in the grammar.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return QuotedString(value, Quote.single).with_quotes()
    if isinstance(value, list | tuple):
        return f"[{','.join(quote(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{_key(key)}:{quote(item)}' for key, item in value.items())}}}"
    raise SearchError(f"{value!r} cannot be written as a Hydra override")


def _key(key: Any) -> str:
    if isinstance(key, int) and not isinstance(key, bool):
        return str(key)
    if isinstance(key, str) and _PLAIN_KEY.fullmatch(key) and key.lower() not in _RESERVED:
        return key
    raise SearchError(
        f"a mapping with the key {key!r} cannot be a searched value: "
        "use keys of letters, digits, - and _"
    )
