"""Graph classifiers: a stack of graph layers, pooling, and a classifier."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch_geometric.nn import global_add_pool, global_max_pool, global_mean_pool

from trialsmith.errors import InfeasibleConfig
from trialsmith.models.classifier import Classifier
from trialsmith.models.graph_layers import GraphLayer, check_list, check_name, check_width

POOLINGS = {"mean": global_mean_pool, "max": global_max_pool, "sum": global_add_pool}

Part = TypeVar("Part", bound=nn.Module)


@runtime_checkable
class WithGraphs(Protocol):
    """What the network reads of a batch of graphs."""

    nodes: Float[Tensor, "nodes features"]
    edges: Int[Tensor, "2 edges"]  # from the first row's node to the second's, over the batch
    graph: Int[Tensor, "nodes"]  # the number of the graph that a node belongs to

    def __len__(self) -> int: ...


class GNN(nn.Module):
    """classifier(pooling over a graph's nodes of layers(features of the nodes, edges)).

    Dimensions follow: a layer takes what the one before gives, the first what the data have, the
    classifier what the last one gives. They may be written, too, and must then agree.

    Args:
        outputs: classes.
        node_features: of a node; the data say it.
        layers: settings of a `GraphLayer` each; `in_dim` need not be written.
        n_layers: take the first so many of `layers`; None: all.
        pooling_layer: `mean`, `max` or `sum`.
        classifier: settings of the `Classifier`; `input_dim` and `output_dims` need not be written.
        name: of these settings; nothing depends on it.

    Raises:
        InfeasibleConfig: the data have no graphs; settings that cannot be or do not agree.
    """

    def __init__(
        self,
        outputs: int,
        node_features: int | None = None,
        layers: Sequence[Any] = ({"out_dim": 64}, {"out_dim": 64}),
        n_layers: int | None = None,
        pooling_layer: str = "mean",
        classifier: Mapping[str, Any] | None = None,
        name: str = "",
    ) -> None:
        super().__init__()
        if node_features is None:
            raise InfeasibleConfig(
                "model=gnn reads graphs, and these data have none: take data=causal_sets or "
                "data=graphs, or another model"
            )
        check_name("model.pooling_layer", pooling_layer, POOLINGS)
        chosen = _first(layers, n_layers)
        widths = [node_features]
        self.layers = nn.ModuleList()
        for number, settings in enumerate(chosen):
            key = f"model.layers.{number}"
            layer = _built(GraphLayer, key, settings, {"in_dim": widths[-1]})
            widths.append(layer.out_dim)
            self.layers.append(layer)
        self.pooling = POOLINGS[pooling_layer]
        key, settings = "model.classifier", classifier or {}
        ends = {"input_dim": widths[-1], "output_dims": [outputs]}
        self.classifier = _built(Classifier, key, settings, ends)
        steps = " – ".join(f"{layer.kind} {layer.out_dim}" for layer in self.layers)
        self.description = f"GNN of {node_features} features – {steps} – {pooling_layer}"

    def forward(self, batch: WithGraphs) -> Float[Tensor, "graphs outputs"]:
        """The logits of classes."""
        nodes = batch.nodes
        for layer in self.layers:
            nodes = layer(nodes, batch.edges)
        return self.classifier(self.pooling(nodes, batch.graph, size=len(batch)))


def _first(layers: Sequence[Any], count: int | None) -> Sequence[Any]:
    if not layers:
        raise InfeasibleConfig("model.layers is empty: one layer is needed")
    check_list("model.layers", layers, "a list of mappings, one for each layer")
    if count is None:
        return layers
    check_width("model.n_layers", count)
    if count > len(layers):
        raise InfeasibleConfig(
            f"model.n_layers={count}, and model.layers has settings of {len(layers)}: add those of "
            "the others"
        )
    return layers[:count]


def _built(part: type[Part], key: str, settings: Any, dimensions: Mapping[str, Any]) -> Part:
    """`part` with these settings, and with the dimensions, which follow.

    Raises:
        InfeasibleConfig: names the key.
    """
    known = inspect.signature(part).parameters
    if not isinstance(settings, Mapping):
        raise InfeasibleConfig(f"{key}={settings} must be a mapping; it has {', '.join(known)}")
    for name, value in settings.items():
        if name not in known:
            raise InfeasibleConfig(f"{key}.{name} is not known; there are {', '.join(known)}")
        if name in dimensions and value not in (None, dimensions[name]):
            raise InfeasibleConfig(
                f"{key}.{name}={value} must be {dimensions[name]}: leave it out, and it follows"
            )
    for name, parameter in known.items():
        if parameter.default is parameter.empty and name not in {**settings, **dimensions}:
            raise InfeasibleConfig(f"{key}.{name} must be given")
    try:
        return part(**{**settings, **dimensions})
    except InfeasibleConfig as error:
        raise InfeasibleConfig(f"{key}.{error}") from None
