"""One graph of a file or of a generator: its fields checked, and its nodes' features."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from trialsmith.data.graph_roles import Roles
from trialsmith.data.split import part_named
from trialsmith.errors import DataError

MOST_NODES = 10**8  # of one graph: a number that is read wrongly would else fill the memory
UNFIT = "classes, and no numbers are fitted: name another field, data.target=…"


@dataclass(frozen=True, eq=False)
class Graph:
    """One graph, checked.

    Attributes:
        where: file and line or group, for messages.
        edges: from the first row's node to the second's, each once.
        numbers: features of the nodes that are numbers.
        columns: their names.
        kinds: of the nodes; empty where they have none.
    """

    id: str
    where: str
    label: str
    edges: Int[np.ndarray, "2 edges"]
    numbers: Float[np.ndarray, "nodes numbers"]
    columns: tuple[str, ...]
    kinds: tuple[str, ...]
    fold: str = ""
    split: str = ""

    @property
    def nodes(self) -> int:
        """How many there are."""
        return len(self.numbers)


def graph_of(
    fields: Mapping[str, Any], roles: Roles, degrees: bool, name: str, where: str
) -> Graph:
    """The graph of a record.

    Args:
        degrees: whether the numbers of edges that lead to a node and from it are features; of
            relations, where there are any, also as shares of the other nodes: their mean over an
            order is its ordering fraction, which numbers alone do not tell at every size.
        name: of the graph, where no field has the role of its id.

    Raises:
        DataError: a field that is missing, or that breaks a rule.
    """
    count = _count(fields, roles)
    edges = _edges(fields, roles.edges, count)
    parts: list[np.ndarray] = [np.zeros((count, 0), np.float32)]
    columns: list[str] = []
    for field in roles.features:
        values = _numbers(fields, field, count)
        parts.append(values)
        columns += _named(field, values.shape[1])
    if degrees:
        for field in filter(None, (roles.edges, roles.relations)):
            pairs = edges if field == roles.edges else _edges(fields, field, count)
            ends = np.stack([np.bincount(end, minlength=count) for end in pairs], axis=1)
            parts.append(ends)
            columns += [f"{field} from", f"{field} to"]
            if field == roles.relations:
                parts.append(ends / max(count - 1, 1))
                columns += [f"{field} from, share", f"{field} to, share"]
    return Graph(
        id=name if roles.id is None else _text(fields, roles.id),
        where=where,
        label="" if roles.label is None else _class(fields, roles.label),
        edges=edges,
        numbers=np.concatenate(parts, axis=1, dtype=np.float32),
        columns=tuple(columns),
        kinds=() if roles.kinds is None else _kinds(fields, roles.kinds, count),
        fold="" if roles.fold is None else _text(fields, roles.fold, may_lack=True),
        split="" if roles.split is None else _split(fields, roles.split),
    )


def _value(fields: Mapping[str, Any], field: str) -> Any:
    if field not in fields:
        raise DataError(f"{field} is missing; the first graph has it")
    return fields[field]


def _array(fields: Mapping[str, Any], field: str) -> np.ndarray:
    """A field of numbers."""
    try:
        array = np.asarray(_value(fields, field))
    except ValueError:
        raise DataError(f"{field} is ragged: lists of unequal length") from None
    if array.size and array.dtype.kind not in "biuf":
        raise DataError(f"{field} holds what is no number")
    if not np.isfinite(array.astype(np.float64)).all():
        raise DataError(f"{field} holds a NaN or an infinity; finite numbers are needed")
    return array


def _count(fields: Mapping[str, Any], roles: Roles) -> int:
    """How many nodes the graph has."""
    if roles.nodes is not None:
        given, told = _array(fields, roles.nodes), roles.nodes
        # HDF5 files often hold a single number as an array of one
        count = given.item() if given.size == 1 else None
        if count is None or count != int(count):
            raise DataError(f"{told}={given} is not one whole number")
        nodes = int(count)
        if nodes > MOST_NODES:
            raise DataError(f"{told}={nodes} is beyond {MOST_NODES}, the most nodes of a graph")
    else:
        told = next(iter((*roles.features, *filter(None, [roles.kinds]))), roles.edges)
        if told == roles.edges and not told.endswith("matrix"):
            raise DataError(
                "nothing says how many nodes it has: give num_nodes, or features of the nodes"
            )
        nodes = len(np.atleast_1d(np.asarray(_value(fields, told), dtype=object)))
    if nodes < 1:
        raise DataError(f"it has no nodes ({told}); one is needed")
    return nodes


def _edges(fields: Mapping[str, Any], field: str, nodes: int) -> Int[np.ndarray, "2 edges"]:
    array = _array(fields, field)
    if field.endswith("matrix"):
        if array.shape != (nodes, nodes):
            raise DataError(f"{field} has the shape {array.shape} for {nodes} nodes")
        return np.stack(np.nonzero(array)).astype(np.int64)
    if not array.size:
        return np.zeros((2, 0), np.int64)
    pairs = array.T if field == "edge_index" else array
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        rule = "(2, edges)" if field == "edge_index" else "(edges, 2): pairs of nodes"
        raise DataError(f"{field} has the shape {array.shape}; {rule} is needed")
    whole = pairs.astype(np.int64)
    if array.dtype.kind == "b" or (whole != pairs).any():
        raise DataError(f"{field} holds what is no whole number; nodes are counted from 0")
    outside = np.flatnonzero(((whole < 0) | (whole >= nodes)).any(1))
    if len(outside):
        start, end = whole[outside[0]].tolist()
        one = whole.min() == 1 and whole.max() == nodes
        remedy = "; it seems to count from 1" if one else ""
        raise DataError(
            f"{field}: edge {outside[0]} leads from {start} to {end}, and the {nodes} nodes are "
            f"counted from 0 to {nodes - 1}{remedy}"
        )
    return np.unique(whole, axis=0).T


def _numbers(
    fields: Mapping[str, Any], field: str, nodes: int
) -> Float[np.ndarray, "nodes numbers"]:
    array = _array(fields, field)
    if array.ndim not in (1, 2) or len(array) != nodes:
        raise DataError(
            f"{field} has the shape {array.shape} for {nodes} nodes; ({nodes},) or "
            f"({nodes}, numbers) is needed"
        )
    with np.errstate(over="ignore"):
        numbers = array.astype(np.float32).reshape(nodes, -1)
    if not np.isfinite(numbers).all():
        raise DataError(f"{field} holds a number beyond 3.4e38")
    return numbers


def _named(field: str, count: int) -> list[str]:
    return [field] if count == 1 else [f"{field}.{k}" for k in range(count)]


def _kinds(fields: Mapping[str, Any], field: str, nodes: int) -> tuple[str, ...]:
    values = np.asarray(_value(fields, field), dtype=object).tolist()
    if not isinstance(values, list) or len(values) != nodes:
        count = len(values) if isinstance(values, list) else "no"
        raise DataError(f"{field} names {count} kinds for {nodes} nodes; one for each is needed")
    return tuple(_scalar(value, field) for value in values)


def _text(fields: Mapping[str, Any], field: str, may_lack: bool = False) -> str:
    """A field of one value as text; whole numbers without a point."""
    value = fields.get(field) if may_lack else _value(fields, field)
    if isinstance(value, np.ndarray | np.generic) and value.size == 1:
        value = value.reshape(()).item()
    return "" if may_lack and _is_nothing(value) else _scalar(value, field)


def _class(fields: Mapping[str, Any], field: str) -> str:
    try:
        return _text(fields, field)
    except DataError as error:
        measured = isinstance(fields.get(field), float | np.floating)
        hint = f"; graphs are told apart by {UNFIT}" if measured else ""
        raise DataError(f"{error}{hint}") from None


def _is_nothing(value: Any) -> bool:
    # HDF5 has no null: a NaN or an empty text stands for it there
    is_nan = isinstance(value, float) and math.isnan(value)
    return value is None or is_nan or (isinstance(value, str | bytes) and not value.strip())


def _scalar(value: Any, field: str) -> str:
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, str | int) or not str(value).strip():
        raise DataError(f"{field}={value!r} is neither a name nor a whole number")
    return str(value).strip()


def _split(fields: Mapping[str, Any], field: str) -> str:
    name = _text(fields, field)
    part = part_named(name)
    if part is None:
        raise DataError(f"{field}={name!r} must be train, val or test")
    return part
