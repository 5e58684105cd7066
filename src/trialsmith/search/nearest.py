"""The right name that a mistyped one was probably meant to be."""

import difflib
from collections.abc import Iterable


def suggestion(name: str, names: Iterable[str]) -> str:
    """`: did you mean a, b or c?` with the names most like `name`, or nothing.

    A name with the same last part (`lr` of `optimizer.lr`) counts as like it.
    """
    known = list(dict.fromkeys(names))
    last = name.rpartition(".")[2]
    same = [other for other in known if other.rpartition(".")[2] == last]
    alike = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    found = list(dict.fromkeys([*alike, *same]))[:3]
    if not found:
        return ""
    return f": did you mean {' or '.join(filter(None, [', '.join(found[:-1]), found[-1]]))}?"
