"""Graphs in the user's files, and what `data=graphs` builds."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trialsmith.data.flow_files import identity
from trialsmith.data.graph_batch import Graphs, GraphSource, packed, unpacked
from trialsmith.data.graph_data import GraphData
from trialsmith.data.graph_formats import WANTED, records
from trialsmith.data.graph_records import graph_of
from trialsmith.data.graph_roles import roles_of, with_late
from trialsmith.data.paths import check_file
from trialsmith.data.problem import Problem
from trialsmith.errors import DataError
from trialsmith.graph import cached_arrays, digest

# Raise it whenever the same file gives other arrays: old caches are left alone.
VERSION = 3


class GraphFile(GraphSource):
    """Graphs in one file: JSON lines, an object each, or HDF5, a group each.

    Args:
        path: ends in `.jsonl`, `.ndjson`, `.h5`, `.hdf5` or `.hdf`.
        fields: names of the fields by role, see `Roles`; None: recognised by name.
        degrees: whether numbers of edges at a node are features of it.
    """

    def __init__(
        self, path: Path, fields: Mapping[str, str | Sequence[str] | None], degrees: bool
    ) -> None:
        self.path, self.fields, self.degrees = path, dict(fields), degrees

    def read(self, cache_dir: Path) -> Graphs:
        """The graphs; see `GraphSource.read`."""
        check_file(self.path, WANTED)
        options = json.dumps([self.fields, self.degrees], sort_keys=True)
        key = digest(f"graphs {VERSION}", identity(self.path), options)
        return unpacked(cached_arrays(cache_dir / "graph_files", key, self._arrays))

    def _arrays(self) -> dict[str, np.ndarray]:
        graphs, problems, roles = [], [], None
        for record in records(self.path):
            name, where, fields = record.name, record.where, record.fields
            if isinstance(fields, DataError):
                problems.append(Problem(where, name, str(fields)))
                continue
            if roles is None:  # the first graph's fields are all graphs'
                roles = roles_of(fields, self.fields, where)
            try:
                roles = with_late(roles, fields, self.fields)
                graphs.append(graph_of(fields, roles, self.degrees, name, where))
            except DataError as error:
                problems.append(Problem(where, name, str(error)))
        return packed(graphs, problems, (roles and roles.label) or "", str(self.path))


def graphs(
    path: str | Path,
    target: str | None = None,
    fields: Mapping[str, str | Sequence[str] | None] | None = None,
    degrees: bool = True,
    **options: Any,
) -> GraphData:
    """The user's own graphs: see `GraphFile`, and `GraphData` for the options.

    Args:
        target: the field of classes; None: recognised by name.
    """
    names = {**(fields or {}), "label": target}
    return GraphData(GraphFile(Path(path).expanduser(), names, degrees), **options)
