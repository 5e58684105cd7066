"""The graph classifier under the names of the settings files of spec/5's group."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from trialsmith.models.gnn import GNN
from trialsmith.models.graph_layers import check_list, check_mapping

log = logging.getLogger(__name__)


def gnn_of_settings(
    outputs: int,
    gcn_net: Sequence[Mapping[str, Any]],
    node_features: int | None = None,
    classifier: Mapping[str, Any] | None = None,
    **others: Any,
) -> GNN:
    """A `GNN` whose `layers` are called `gcn_net`.

    Such files write the numbers of features and of classes, which the data decide: the first
    layer's `in_dim` and the classifier's `output_dims` are taken from the data, and where the
    files say otherwise the log does. All other dimensions must agree.

    Raises:
        InfeasibleConfig: see `GNN`.
    """
    check_list("model.gcn_net", gcn_net, "a list of mappings, one for each layer")
    for number, layer in enumerate(gcn_net):
        check_mapping(f"model.gcn_net.{number}", layer)
    check_mapping("model.classifier", classifier or {})
    layers = [dict(layer) for layer in gcn_net]
    if layers and node_features is not None:
        _follow(layers[0], "in_dim", node_features, "model.gcn_net.0")
    end = dict(classifier or {})
    _follow(end, "output_dims", [outputs], "model.classifier")
    return GNN(outputs, node_features=node_features, layers=layers, classifier=end, **others)


def _follow(settings: dict[str, Any], name: str, value: Any, where: str) -> None:
    written = settings.get(name)
    if written not in (None, value):
        log.info("%s.%s=%s: the data have %s, which is taken", where, name, written, value)
    settings[name] = value
