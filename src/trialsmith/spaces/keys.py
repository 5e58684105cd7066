"""Where a value stands: `model.gcn_net[0].out_dim` as users write it, and as Hydra does."""

import re

Key = tuple[str | int, ...]
"""Names of mappings and numbers of list items, from the root on."""

_PART = re.compile(r"\[(-?\d+)\]|\.?([^.\[\]]+)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_\-]*")


def shown(key: Key) -> str:
    """As users write it: `model.gcn_net[0].out_dim`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key).lstrip(".")


def dotted(key: Key) -> str:
    """As Hydra and OmegaConf write it: `model.gcn_net.0.out_dim`."""
    return ".".join(str(part) for part in key)


def parsed(text: str) -> Key | None:
    """The key that `text` writes in either way, `[-1]` as -1; None where it is no key.

    A number is the number of a list item: `model.foo.1.x` is `model.foo[1].x`.
    """
    parts: list[str | int] = []
    at = 0
    while at < len(text):
        found = _PART.match(text, at)
        if found is None or (found[2] and (at > 0) != found[0].startswith(".")):
            return None
        is_number = found[1] is not None or re.fullmatch(r"-?\d+", found[2])
        parts.append(int(found[1] or found[2]) if is_number else found[2])
        at = found.end()
    return tuple(parts) or None


def is_plain(key: Key) -> bool:
    """Whether Hydra's command line and an interpolation can name it."""
    return all(isinstance(part, int) or _NAME.fullmatch(part) is not None for part in key)
