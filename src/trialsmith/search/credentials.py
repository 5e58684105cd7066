"""Addresses of storages without their secrets: nothing that is written or shown has the others.

The full address travels to the processes of the trials in their environment, under STORAGE.
"""

import os
import re
from urllib.parse import unquote

STORAGE = "TRIALSMITH_STORAGE"
"""The environment variable that hands the full address to the trials."""

_OPTION = r"(?:user|username|\w*password|passwd|passphrase|token|sslkey)"


def without_credentials(url: str) -> str:
    """`url` less user and password, which may stand before the host or among the options."""
    scheme, mark, rest = url.partition("://")
    rest = rest[len(_user(rest)) :]
    return re.sub(rf"(?<=[?&]){_OPTION}=[^&]*&?", "", f"{scheme}{mark}{rest}").rstrip("?&")


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
    for secret in _secrets(url):
        text = text.replace(secret, "***")
    return text


def _secrets(url: str) -> list[str]:
    """The passwords in `url`, as they are written and as they are meant."""
    found = [_user(url.partition("://")[2]).partition(":")[2].rstrip("@")]
    found += re.findall(r"[?&]\w*(?:password|passwd|passphrase|token)=([^&]+)", url)
    return [secret for word in found if word for secret in (word, unquote(word))]


def _user(rest: str) -> str:
    """`user:password@` of what follows `://`; "" of a path, which may have an @ of its own.

    Up to the last @, for a password that was not encoded may hold one.
    """
    if rest.startswith("/"):
        return ""
    before_options = rest.partition("?")[0]
    return rest[: (before_options if "@" in before_options else rest).rfind("@") + 1]
