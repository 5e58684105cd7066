"""Addresses of storages without their secrets: nothing that is written or shown has the others.

The full address travels to the processes of the trials in their environment, under STORAGE.
"""

import os
import re
from urllib.parse import quote_plus, unquote, unquote_plus

STORAGE = "TRIALSMITH_STORAGE"
"""The environment variable that hands the full address to the trials."""

_USER = r"(?:user|username|uid)"
_PASSWORD = r"(?:\w*password|passwd|pwd|passphrase|token)"
_OPTION = rf"(?:{_USER}|{_PASSWORD}|sslkey)"
# An option that is a list of options in turn, `UID=me;PWD={se;cret}`.
_ODBC = r"(?<=[?&]odbc_connect=)[^&]+"
_ODBC_VALUE = r"(?:\{(?:[^}]|\}\})*\}|[^;]*)"


def without_credentials(url: str) -> str:
    """`url` less user and password, which may stand before the host or among the options."""
    scheme, mark, rest = url.partition("://")
    rest = rest[len(_user(rest)) :]
    rest = re.sub(rf"(?<=[?&]){_OPTION}=[^&]*&?", "", f"{scheme}{mark}{rest}", flags=re.I)
    return re.sub(_ODBC, _odbc_without_credentials, rest, flags=re.I).rstrip("?&")


def _odbc_without_credentials(found: re.Match[str]) -> str:
    secret = rf"(?:^|(?<=;))\s*{_OPTION}\s*=\s*{_ODBC_VALUE};?"
    kept, count = re.subn(secret, "", unquote_plus(found[0]), flags=re.I)
    return quote_plus(kept) if count else found[0]


def word_without_credentials(word: str) -> str:
    """A word of the command line; an address in it less user and password."""
    key, sign, value = word.partition("=")
    if "://" not in word:
        return word
    return f"{key}{sign}{without_credentials(value)}" if sign else without_credentials(word)


def hand_over(url: str) -> None:
    """Leave the full address to this process and to those that it starts."""
    os.environ[STORAGE] = url


def full(shown: str | None) -> str | None:
    """The address that `shown` was made from, if this process was told; else `shown`."""
    told = os.environ.get(STORAGE)
    return told if told is not None and without_credentials(told) == shown else shown


def redacted(text: str, url: str) -> str:
    """`text` with neither the address `url` nor a secret of it, as a driver's message may have."""
    text = text.replace(url, without_credentials(url))
    user, _, password = _user(url.partition("://")[2]).removesuffix("@").partition(":")
    passwords = {password, *_values(_PASSWORD, url)} - {""}
    for secret in sorted({*passwords, *map(unquote, passwords)}, key=len, reverse=True):
        text = text.replace(secret, "***")
    users = {user, *_values(_USER, url)} - {""}
    for name in {*users, *map(unquote, users)}:  # which may be a part of other words
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "***", text)
    return text


def _values(option: str, url: str) -> list[str]:
    """What `url` gives for options of these names, as it is written."""
    found = re.findall(rf"[?&]{option}=([^&]+)", url, flags=re.I)
    for listed in re.findall(_ODBC, url, flags=re.I):
        pattern = rf"(?:^|;)\s*{option}\s*=\s*({_ODBC_VALUE})"
        values = re.findall(pattern, unquote_plus(listed), flags=re.I)
        found += [value[1:-1] if value.startswith("{") else value for value in values]
    return found


def _user(rest: str) -> str:
    """`user:password@` of what follows `://`; "" of a path, which may have an @ of its own.

    Up to the last @, for a password that was not encoded may hold one, and a ? too; the options are
    what follows `?name=`.
    """
    if rest.startswith("/"):
        return ""
    before_options = re.split(r"\?(?=\w+=)", rest, maxsplit=1)[0]
    told = "@" in before_options or "/" in before_options
    return rest[: (before_options if told else rest).rfind("@") + 1]
