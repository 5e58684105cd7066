"""Reads the entries of `hydra.sweeper.params`: one key and what it may be.

    optimizer.lr: tag(log, interval(1e-4, 1e-2))            # Hydra's sweep grammar
    model.alignn_layers: {low: 2, high: 6}                  # a range, both ends included
    model.hidden_features: {choices: [128, 256, 512]}
    fusion.middle.dropout: {low: 0.0, high: 0.3, when: {fusion.middle.use: true}}
    fusion.middle.layers:                                   # branches: the first that holds
      - {choices: ["1"], when: {model.alignn_layers: 2}}
      - {choices: ["2", "1,3"], when: {model.alignn_layers: [4, 5, 6]}}

The grammar itself is Hydra's, so its reader is handed in.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from trialsmith.search.domains import Choices, Domain, Floats, Integers
from trialsmith.search.nearest import suggestion
from trialsmith.search.space import Branch, Parameter

WORDS = ("choices", "low", "high", "step", "log", "when")


@dataclass(frozen=True)
class Fixed:
    """A value that an entry gives outright: nothing to search."""

    value: Any


Grammar = Callable[[str, str], Domain | Fixed]
"""Reads `(key, text)` in Hydra's sweep grammar; raises ValueError with what is wrong."""


def dotted(key: str) -> str:
    """`key` with list items as `layers.0.width`, also where they are written `layers[0].width`.

    Counted from the end they stay `layers[-1].width`, which is all that Hydra reads.
    """
    return re.sub(r"\.(-\d+)\b", r"[\1]", re.sub(r"\[(\d+)\]", r".\1", key))


def read(key: str, entry: Any, grammar: Grammar) -> Parameter | Fixed:
    """The parameter, or the fixed value, that `entry` describes.

    Raises:
        ValueError: the entry cannot be understood; the message follows the key.
    """
    if isinstance(entry, str):
        domain = grammar(key, entry)
        return domain if isinstance(domain, Fixed) else Parameter(key, (Branch(domain),))
    if isinstance(entry, Mapping):
        return Parameter(key, (read_branch(entry),))
    if isinstance(entry, list | tuple) and any(_is_branch(item) for item in entry):
        return Parameter(key, tuple(_read_item(key, item, grammar) for item in entry))
    return Fixed(entry)


def read_branch(entry: Mapping[str, Any]) -> Branch:
    """The domain and the conditions of one mapping.

    Raises:
        ValueError: a word is unknown, missing, or beside one that excludes it.
    """
    for word in entry:
        if word not in WORDS:
            hint = suggestion(str(word), WORDS)
            raise ValueError(f"has {word!r}, which is none of {', '.join(WORDS)}{hint}")
    return Branch(_read_domain(entry), read_when(entry.get("when") or {}))


def read_when(entry: Any) -> dict[str, tuple[Any, ...]]:
    """`{key: value or [values]}` as key → values.

    Raises:
        ValueError: it is not a mapping.
    """
    if not isinstance(entry, Mapping):
        raise ValueError(  # noqa: TRY004  (a mistake in a file, not in a call)
            f"has when={entry!r}: write {{key: value}} or {{key: [values]}}"
        )
    return {
        dotted(str(key)): tuple(wanted) if isinstance(wanted, list | tuple) else (wanted,)
        for key, wanted in entry.items()
    }


def _read_domain(entry: Mapping[str, Any]) -> Domain:
    if "choices" in entry:
        beside = [word for word in ("low", "high", "step", "log") if word in entry]
        if beside:
            raise ValueError(f"has choices beside {', '.join(beside)}: use one or the other")
        options = entry["choices"]
        if not isinstance(options, list | tuple):
            raise ValueError(f"has choices={options!r}: write a list")
        return Choices(tuple(options))
    missing = [word for word in ("low", "high") if entry.get(word) is None]
    if missing:
        raise ValueError(f"lacks {' and '.join(missing)}: give choices, or low and high")
    return _read_range(entry)


def _read_range(entry: Mapping[str, Any]) -> Integers | Floats:
    low, high = _number(entry, "low"), _number(entry, "high")
    step = None if entry.get("step") is None else _number(entry, "step")
    log = entry.get("log", False)
    if not isinstance(log, bool):
        raise ValueError(f"has log={log!r}: write true or false")  # noqa: TRY004
    if isinstance(low, int) and isinstance(high, int) and (step is None or isinstance(step, int)):
        return Integers(low, high, 1 if step is None else step, log)
    return Floats(float(low), float(high), None if step is None else float(step), log)


def _number(entry: Mapping[str, Any], word: str) -> int | float:
    value = entry[word]
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise ValueError(f"has {word}={value!r}, which is not a number") from None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or math.isnan(value):
        raise ValueError(f"has {word}={value!r}, which is not a number")
    return value


def _is_branch(item: Any) -> bool:
    return isinstance(item, Mapping) and any(word in item for word in WORDS)


def _read_item(key: str, item: Any, grammar: Grammar) -> Branch:
    if isinstance(item, Mapping):
        return read_branch(item)
    domain = grammar(key, item) if isinstance(item, str) else None
    if domain is None or isinstance(domain, Fixed):
        raise ValueError(f"has {item!r} among its branches: each must be a range or choices")
    return Branch(domain)
