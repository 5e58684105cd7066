"""A command with places for values, and the arguments that it becomes."""

import json
import os
import re
import shlex
from collections.abc import Mapping
from typing import Any

from trialsmith.errors import InfeasibleConfig, SearchError
from trialsmith.search.nearest import suggestion
from trialsmith.search.reading import dotted

_PLACE = re.compile(r"\{\{|\}\}|\{([^{}\s]+)\}|[{}]")


class Template:
    """A command such as `./train.sh --lr {lr}`; `{key}` is the configuration's value of `key`.

    Every value arrives as one argument, or as part of one, whatever it holds: the command is split
    into words before the values are put in. With `shell` the values are handed to `/bin/sh` as
    positional parameters, which it never reads as code. `{{` and `}}` are braces.

    Args:
        text: split as a POSIX shell splits, quotes and backslashes included; nothing else in it is
            special, unless `shell`: then it is a script with pipes, variables, `&&`.

    Attributes:
        keys: of the places, each once.

    Raises:
        SearchError: the text is empty, a quote or a brace stands alone, or a place stands within
            quotes of a script.
    """

    def __init__(self, text: str, *, shell: bool = False) -> None:
        self.text = text
        self._shell = shell
        places = list(_PLACE.finditer(text))
        self.keys = tuple(dict.fromkeys(place[1] for place in places if place[1]))
        if lone := next((place for place in places if place[0] in ("{", "}")), None):
            raise SearchError(
                f"command={text!r} has a lone {lone[0]} at column {lone.start() + 1}: write "
                f"{{key}} for a value, {lone[0] * 2} for the brace itself"
            )
        self._words = self._split(text)
        if not self._words:
            raise SearchError("command is empty: give a program, as in command='./train.sh {lr}'")
        for place in places if shell else ():
            if place[1] and _is_quoted(text[: place.start()]):
                raise SearchError(
                    f"command={text!r} has {place[0]} within quotes: take it out of them, for with "
                    "shell=true every value is quoted already"
                )

    def arguments(self, values: Mapping[str, Any]) -> list[str]:
        """The program and its arguments with `values`, nested as the configuration is.

        Raises:
            SearchError: a place has no value.
            InfeasibleConfig: a value holds a character that no argument can.
        """
        texts = {key: _as_argument(key, _look_up(key, values)) for key in self.keys}
        if not self._shell:
            return [_fill(word, texts) for word in self._words]
        numbers = {key: f'"${{{k}}}"' for k, key in enumerate(self.keys, start=1)}
        return ["/bin/sh", "-c", _fill(self.text, numbers), "sh", *texts.values()]

    def _split(self, text: str) -> list[str]:
        try:
            return shlex.split(text)
        except ValueError as error:
            raise SearchError(f"command={text!r}: {str(error).lower()}") from None


def _fill(text: str, values: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda place: values[place[1]] if place[1] else place[0][0], text)


def _is_quoted(before: str) -> bool:
    """Whether what follows `before` stands within quotes, or behind a backslash."""
    try:
        shlex.split(before)
    except ValueError:
        return True
    return False


def _look_up(key: str, values: Mapping[str, Any]) -> Any:
    node: Any = values
    for part in dotted(key).split("."):
        node = _by_name(node)
        if part not in node:
            raise SearchError(
                f"{{{key}}} in the command has no value{suggestion(key, _leaves(values))}; give "
                f"one with +{key}=… or search it with '+{key}=interval(0,1)'; write {{{{ for a "
                "brace itself"
            )
        node = node[part]
    return node


def _by_name(node: Any) -> Mapping[str, Any]:
    """The parts of a mapping, or of a list by their numbers: `layers.0.width`."""
    if isinstance(node, list):
        return {str(k): item for k, item in enumerate(node)}
    return node if isinstance(node, Mapping) else {}


def _leaves(values: Mapping[str, Any], prefix: str = "") -> list[str]:
    found = []
    for key, value in values.items():
        parts = _by_name(value)
        found += _leaves(parts, f"{prefix}{key}.") if parts else [f"{prefix}{key}"]
    return found


def _as_argument(key: str, value: Any) -> str:
    """`value` as it stands in a YAML file: `true`, `null`, `0.001`; lists and mappings as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if not _is_possible(text):
        raise InfeasibleConfig(f"{key}={text!r} holds a character that no argument can")
    return text


def _is_possible(argument: str) -> bool:
    try:
        return b"\0" not in os.fsencode(argument)
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
