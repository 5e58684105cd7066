"""Which field of a graph's record holds what."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from trialsmith.data.problem import nearest
from trialsmith.errors import DataError

NONE = "none"

# Names by which a field is recognised, the likelier first.
_KNOWN = {
    "id": ("id", "name", "graph_id"),
    "label": ("label", "graph_label", "y", "class", "target", "dimension"),
    "nodes": ("num_nodes", "atomcount", "n_nodes"),
    "edges": (
        *("link_matrix", "edges_links", "edges", "edge_index", "edge_list"),
        *("adjacency_matrix", "edges_relations"),
    ),
    "relations": ("adjacency_matrix", "edges_relations", "relations"),
    "features": (
        *("x", "node_features", "features", "max_pathlen_future", "max_pathlen_past"),
        *("in_degree", "out_degree"),
    ),
    "kinds": ("node_tag", "node_tags", "node_type", "node_types", "node_label", "node_labels"),
    "fold": ("test_fold", "fold"),
    "split": ("split", "subset"),
}


@dataclass(frozen=True)
class Roles:
    """Names of a record's fields; None where there is no such field.

    Attributes:
        id: what the graph is called.
        label: its class.
        nodes: how many nodes it has.
        edges: along which messages go: a field named `…matrix` is a matrix (nodes, nodes), not 0
            where an edge leads from the row's node to the column's; `edge_index` is (2, edges);
            every other one is a list of pairs. Nodes are counted from 0.
        relations: more edges, of which only numbers at each node are features: of an order, all
            its relations, where `edges` are its links.
        features: each a number or a list of numbers for each node.
        kinds: one of several kinds for each node; it becomes one feature for each kind, 0 or 1.
        fold: the fold in which the graph tests.
        split: train, val or test.
    """

    id: str | None
    label: str | None
    nodes: str | None
    edges: str
    relations: str | None
    features: tuple[str, ...]
    kinds: str | None
    fold: str | None
    split: str | None


def roles_of(
    fields: Iterable[str],
    chosen: Mapping[str, str | Sequence[str] | None],
    where: str,
    labelled: bool = True,
) -> Roles:
    """The field of each role: the chosen one, or one known by its name.

    Args:
        fields: names of the fields of a record.
        chosen: a field's name for a role (of `features` a list), `none` for a role that no field
            shall have, or None.
        where: the record, for messages.
        labelled: whether graphs are to learn from; else no field is one of labels, folds, splits.

    Raises:
        DataError: an unknown role or field, or no field of labels or of edges.
    """
    names = list(fields)
    for role, name in chosen.items():
        if role not in _KNOWN:
            raise DataError(f"data.fields.{role}: the roles are {', '.join(_KNOWN)}.")
        for field in _listed(name):
            if field not in (*names, NONE):
                raise DataError(
                    f"{_key(role)}={field}: {where} has no such field.{nearest(field, names)}"
                    f" It has {', '.join(names)}."
                )

    def found(role: str) -> tuple[str, ...]:
        name = chosen.get(role)
        if name is not None:
            return () if name == NONE else tuple(_listed(name))
        return tuple(field for field in _KNOWN[role] if field in names)

    first = {role: next(iter(found(role)), None) for role in _KNOWN}
    if not labelled:
        first |= dict.fromkeys(("label", "fold", "split"))
    label, edges = first["label"], first["edges"]
    if edges is None or (label is None and labelled):
        role = "edges" if edges is None else "label"
        raise DataError(
            f"{where} has no field of {role} that is known by its name "
            f"({', '.join(_KNOWN[role])}). It has {', '.join(names) or 'none at all'}: name one, "
            f"{_key(role)}=…"
        )
    relations = next((field for field in found("relations") if field != edges), None)
    taken = {label, edges, relations}
    return Roles(
        id=first["id"],
        label=label,
        nodes=first["nodes"],
        edges=edges,
        relations=relations,
        features=tuple(field for field in found("features") if field not in taken),
        kinds=first["kinds"],
        fold=first["fold"],
        split=first["split"],
    )


def with_late(
    roles: Roles, fields: Iterable[str], chosen: Mapping[str, str | Sequence[str] | None]
) -> Roles:
    """The roles of the graphs so far, for one more of them.

    Graphs before the first that has a field of folds are in no fold.

    Args:
        roles: of the first graph.
        fields: names of the fields of one that comes after it.

    Raises:
        DataError: it has a field that the first one lacks, and that would count.
    """
    names = set(fields)
    taken = {roles.label, roles.edges, roles.relations, roles.kinds, roles.split, *roles.features}
    late = [
        (role, field)
        for role in ("features", "kinds", "relations", "split", "fold")
        if chosen.get(role) is None
        for field in _KNOWN[role]
        if field in names - taken and (role == "features" or getattr(roles, role) is None)
    ]
    for role, field in late:
        if role != "fold":
            named = ", or the names of those that all have" if role == "features" else ""
            raise DataError(
                f"{field} is missing in the first graph; give it to all, or leave it out: "
                f"{_key(role)}={NONE}{named}"
            )
    return replace(roles, fold=late[0][1]) if late else roles


def _key(role: str) -> str:
    return "data.target" if role == "label" else f"data.fields.{role}"


def _listed(name: str | Sequence[str] | None) -> Sequence[str]:
    if name is None:
        return []
    return [name] if isinstance(name, str) else name
