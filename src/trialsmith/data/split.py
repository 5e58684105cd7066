"""Which rows train, which choose the best epoch, and which are scored once."""

from collections.abc import Mapping, Sequence
from hashlib import sha256

import numpy as np
from jaxtyping import Int

from trialsmith.data.whole import check_whole
from trialsmith.errors import DataError

PARTS = ("train", "val", "test")
WHAT_THERE_IS = "take what there is with data.at_most=true"

_SPELLINGS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}


def part_named(name: str) -> str | None:
    """The part that a name in the user's split column means, or None."""
    return _SPELLINGS.get(name.strip().lower())


class Split:
    """Divides rows into train, val and test.

    The source's own split is kept where it has one, and counts then take so many of its rows.
    Otherwise rows are drawn in an order that a row's id alone decides, with the seed: test first,
    then val, then train. So another order of the file, another limit or another number of training
    rows moves no row from training to test.

    Args:
        fractions: of train, val and test; sum to one.
        n_train, n_val, n_test: counts that replace fractions. Without `n_train`, all other rows.
        seed: of the draw.
        at_most: where the data have fewer rows than the counts ask for, take what there is: of the
            source's own split all rows of that part, of a draw fewer in the proportions asked for,
            so that parts without a count have their fraction.
        column: the key that names the source's own split, for messages.

    Raises:
        DataError: fractions or counts that cannot be.
    """

    def __init__(
        self,
        fractions: Sequence[float] = (0.8, 0.1, 0.1),
        n_train: int | None = None,
        n_val: int | None = None,
        n_test: int | None = None,
        seed: int = 0,
        at_most: bool = False,
        column: str = "data.columns.split",
    ) -> None:
        if not isinstance(fractions, Sequence) or not all(
            isinstance(share, int | float) for share in fractions
        ):
            raise DataError(
                f"data.fractions={fractions} must be a list of three numbers, of train, val and "
                "test, e.g. [0.8,0.1,0.1]."
            )
        self.column = column
        self.fractions = tuple(fractions)
        self.counts = {"train": n_train, "val": n_val, "test": n_test}
        self.seed, self.at_most = seed, at_most
        if len(self.fractions) != 3 or min(self.fractions) < 0:
            raise DataError(
                f"data.fractions={list(fractions)}: three numbers from 0 to 1 are needed, "
                "of train, val and test, e.g. [0.8,0.1,0.1]."
            )
        if abs(sum(self.fractions) - 1) > 1e-6:
            raise DataError(
                f"data.fractions={list(fractions)} sum to {sum(self.fractions):g}; "
                "they must sum to 1, e.g. [0.8,0.1,0.1]."
            )
        for part, count in self.counts.items():
            if count is not None:
                check_whole(f"n_{part}", count, 0 if part == "test" else 1)

    def __call__(
        self, names: Sequence[str], ids: Sequence[str]
    ) -> dict[str, Int[np.ndarray, "part"]]:
        """The indices of the rows of each part, ascending.

        Args:
            names: the source's own part of each row, or empty strings.
            ids: of the rows.

        Raises:
            DataError: too few rows, or a part that is left empty.
        """
        order = drawing_order(ids, self.seed)
        parts = self._given(np.array(names), order) if any(names) else self._drawn(order)
        for part in PARTS:
            if len(parts[part]) == 0 and not self._may_be_empty(part, drawn=not any(names)):
                raise DataError(self._empty(part, names))
        return {part: np.sort(parts[part]) for part in PARTS}

    def _given(
        self, names: np.ndarray, order: Int[np.ndarray, "rows"]
    ) -> dict[str, Int[np.ndarray, "chosen"]]:
        parts = {}
        for part, count in self.counts.items():
            rows = order[names[order] == part]
            if count is not None and count > len(rows) and not self.at_most:
                raise DataError(
                    f"data.n_{part}={count}, and the split of the data has {len(rows)} rows of "
                    f"{part}. Ask for fewer, {WHAT_THERE_IS}, or draw a split: "
                    f"{self.column}=none."
                )
            parts[part] = rows[:count]
        return parts

    def _drawn(self, order: Int[np.ndarray, "rows"]) -> dict[str, Int[np.ndarray, "chosen"]]:
        rows = len(order)
        sizes = {
            part: max(1, round(fraction * rows)) if fraction else 0
            for part, fraction in zip(PARTS, self.fractions, strict=True)
        }
        sizes |= {part: count for part, count in self.counts.items() if count is not None}
        takes_rest = self.counts["train"] is None
        needed = sizes["val"] + sizes["test"] + (1 if takes_rest else sizes["train"])
        if self.at_most and needed > rows:
            sizes |= self._fewer(rows - sum(n for p, n in sizes.items() if self.counts[p] is None))
        if takes_rest:
            sizes["train"] = max(0, rows - sizes["val"] - sizes["test"])
        if sum(sizes.values()) > rows:
            asked = " + ".join(f"{sizes[part]} {part}" for part in PARTS)
            if all(count is None for count in self.counts.values()):
                raise DataError(
                    f"The data have {rows} rows that can be used; train, val and test need one "
                    "each at least: give more."
                )
            lower = f"Lower data.n_train, data.n_val or data.n_test, or {WHAT_THERE_IS}"
            remedy = "Give more" if self.at_most else lower
            raise DataError(
                f"{asked} rows are asked for, {sum(sizes.values())} in all, and the data have "
                f"{rows} that can be used. {remedy}."
            )
        ends = np.cumsum([sizes["test"], sizes["val"], sizes["train"]])
        test, val, train = np.split(order[: ends[-1]], ends[:-1])
        return {"train": train, "val": val, "test": test}

    def _fewer(self, rows: int) -> dict[str, int]:
        """The counts that are asked for, brought down to `rows` in all in their proportions."""
        asked = {part: count for part, count in self.counts.items() if count is not None}
        whole = sum(asked.values())
        fewer = {part: max(min(1, n), n * rows // whole) for part, n in asked.items()}
        for part, n in asked.items():  # what rounding has left over, or has taken too much
            left = rows - sum(fewer.values())
            fewer[part] = max(min(1, n), min(n, fewer[part] + left))
        return fewer

    def _may_be_empty(self, part: str, drawn: bool) -> bool:
        """Only the test part, and only when that was said: nothing is scored by mistake."""
        return part == "test" and (self.counts["test"] == 0 or (drawn and self.fractions[2] == 0))

    def _empty(self, part: str, names: Sequence[str]) -> str:
        remedy = " or say that there shall be none: data.n_test=0." if part == "test" else "."
        if any(names):
            return (
                f"No row has the split {part!r}: give it some, raise data.limit if it is set, or "
                f"draw a split with {self.column}=none{remedy}"
            )
        return f"No row is left for {part} of {len(names)} rows: give more rows{remedy}"


def drawing_order(ids: Sequence[str], seed: int) -> Int[np.ndarray, "rows"]:
    """The indices of the rows as if shuffled; the same ids always come in the same order."""
    hashes = [sha256(f"{seed} {name}".encode()).digest() for name in ids]
    return np.array(sorted(range(len(ids)), key=hashes.__getitem__), dtype=np.int64)


def limited(
    names: Sequence[str], ids: Sequence[str], limit: int | None, seed: int
) -> Int[np.ndarray, "rows"]:
    """Indices of the first `limit` rows in the order of drawing, each part in proportion.

    All rows without a limit. A larger limit keeps the rows of a smaller one.

    Raises:
        DataError: the limit is below one.
    """
    if limit is not None:
        check_whole("limit", limit, 1, ", or null for all rows")
    if limit is None or limit >= len(names):
        return np.arange(len(names))
    order = drawing_order(ids, seed)
    part = np.array(names)[order]
    share = np.empty(len(order))  # how much of its part is drawn when the row is
    for name in np.unique(part):
        members = part == name
        share[members] = (np.arange(members.sum()) + 0.5) / members.sum()
    return np.sort(order[np.argsort(share, kind="stable")[:limit]])


def held_out_twice(keys: Sequence[str], parts: Mapping[str, Int[np.ndarray, "part"]]) -> list[int]:
    """Rows of val and test whose crystal, by its key, is one of train too."""
    seen = {keys[i] for i in parts["train"]}
    return [int(i) for part in ("val", "test") for i in parts[part] if keys[i] in seen]
