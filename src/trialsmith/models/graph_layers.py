"""Layers of graph classifiers: convolutions of PyTorch Geometric, each with what follows it."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch_geometric.nn import BatchNorm, GATConv, GCNConv, GraphConv, SAGEConv

from trialsmith.errors import InfeasibleConfig

LAYERS: dict[str, type[nn.Module]] = {
    "sage": SAGEConv,
    "gcn": GCNConv,
    "gat": GATConv,
    "gco": GraphConv,
}
ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "identity": nn.Identity,
}
NORMALIZERS = ("batch_norm", "identity", "layer_norm")

# Of a convolution's arguments: dimensions follow, `cached` would keep the first batch's graph for
# all others, and edges have no features.
_NOT_OFFERED = {"self", "in_channels", "out_channels", "cached", "edge_dim", "fill_value"}


class GraphLayer(nn.Module):
    """h ← dropout(activation(normaliser(convolution(h)))).

    The convolution is, with N(i) the nodes from which an edge leads to i,

    - `sage`: W₁ h_i + W₂ mean_{j ∈ N(i)} h_j; W. Hamilton et al., arXiv 1706.02216,
    - `gcn`: W Σ_{j ∈ N(i) ∪ i} h_j / √(d_i d_j); T. Kipf, M. Welling, arXiv 1609.02907,
    - `gat`: Σ_{j ∈ N(i) ∪ i} α_ij W h_j with attention α; P. Veličković et al., arXiv 1710.10903,
    - `gco`: W₁ h_i + W₂ Σ_{j ∈ N(i)} h_j; C. Morris et al., arXiv 1810.02244.

    Args:
        in_dim: features of a node before.
        out_dim: and after.
        gnn_layer_type: `sage`, `gcn`, `gat` or `gco`.
        normalizer: `batch_norm` and `layer_norm` act on the features of a node; or `identity`.
        activation: `relu`, `leaky_relu`, `sigmoid`, `tanh` or `identity`.
        dropout: its rate.
        norm_args: need not be given; if it is, [out_dim].
        gnn_layer_kwargs: further arguments of the convolution. One mapping serves all types:
            what another type has and this one lacks is left out. `gat` divides `out_dim` among
            its `heads`.

    Raises:
        InfeasibleConfig: a name or a number that cannot be.
    """

    def __init__(
        self,
        in_dim: int,
        out_dim: int,
        gnn_layer_type: str = "sage",
        normalizer: str = "batch_norm",
        activation: str = "relu",
        dropout: float = 0.0,
        norm_args: Sequence[int] | None = None,
        gnn_layer_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        check_width("out_dim", out_dim)
        check_list("norm_args", norm_args or (), f"a list, [{out_dim}]")
        if norm_args and list(norm_args) != [out_dim]:
            raise InfeasibleConfig(
                f"norm_args={list(norm_args)} must be [{out_dim}], the out_dim: leave it out, and "
                "it follows"
            )
        self.kind, self.out_dim = gnn_layer_type, out_dim
        check_mapping("gnn_layer_kwargs", gnn_layer_kwargs or {})
        self.convolution = _convolution(gnn_layer_type, in_dim, out_dim, gnn_layer_kwargs or {})
        self.normalizer = _normalizer(normalizer, out_dim)
        self.activation = activation_named(activation)
        self.dropout = dropout_of(dropout)

    def forward(
        self, nodes: Float[Tensor, "nodes before"], edges: Int[Tensor, "2 edges"]
    ) -> Float[Tensor, "nodes after"]:
        """The nodes' features after the layer; `edges` lead from the first row to the second."""
        after = self.normalizer(self.convolution(nodes, edges))
        return self.dropout(self.activation(after))


def activation_named(name: str, **arguments: Any) -> nn.Module:
    """The activation of this name.

    Args:
        arguments: one mapping serves all names; what this one lacks is left out.

    Raises:
        InfeasibleConfig: there is none, or none has such an argument.
    """
    check_name("activation", name, ACTIVATIONS)
    known = {kind: _own_arguments(activation) for kind, activation in ACTIVATIONS.items()}
    for key in arguments:
        check_name("activation_kwargs", key, sorted(set().union(*known.values())))
    return ACTIVATIONS[name](**{key: arguments[key] for key in arguments if key in known[name]})


def dropout_of(rate: float) -> nn.Dropout:
    """Dropout of this rate.

    Raises:
        InfeasibleConfig: it is not from 0 to below 1.
    """
    if not isinstance(rate, int | float) or not 0 <= rate < 1:
        raise InfeasibleConfig(f"dropout={rate} must be at least 0 and below 1")
    return nn.Dropout(rate)


def check_width(key: str, width: Any) -> None:
    """Refuses what is no number of features.

    Raises:
        InfeasibleConfig: it is not a whole number from 1 on.
    """
    if isinstance(width, bool) or not isinstance(width, int) or width < 1:
        raise InfeasibleConfig(f"{key}={width} must be a whole number from 1 on")


def check_list(key: str, value: Any, wanted: str) -> None:
    """Refuses what is no list.

    Args:
        wanted: what it must be, in words.

    Raises:
        InfeasibleConfig: it is none.
    """
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InfeasibleConfig(f"{key}={value} must be {wanted}")


def check_mapping(key: str, value: Any) -> None:
    """Refuses what is no mapping.

    Raises:
        InfeasibleConfig: it is none.
    """
    if not isinstance(value, Mapping):
        raise InfeasibleConfig(f"{key}={value} must be a mapping")


def check_name(key: str, name: Any, known: Mapping[str, Any] | Sequence[str]) -> None:
    """Refuses a name that is not known.

    Raises:
        InfeasibleConfig: names those that are.
    """
    if name not in list(known):  # a list, for not everything that users write can be hashed
        raise InfeasibleConfig(f"{key}={name} must be one of {', '.join(known)}")


def _normalizer(name: str, width: int) -> nn.Module:
    check_name("normalizer", name, NORMALIZERS)
    if name == "batch_norm":  # a batch may have a single node
        return BatchNorm(width, allow_single_element=True)
    return nn.LayerNorm(width) if name == "layer_norm" else nn.Identity()


def _convolution(name: str, before: int, after: int, arguments: Mapping[str, Any]) -> nn.Module:
    check_name("gnn_layer_type", name, LAYERS)
    known = {kind: _arguments(layer) for kind, layer in LAYERS.items()}
    for key in arguments:
        check_name("gnn_layer_kwargs", key, sorted(set().union(*known.values())))
    own = {key: value for key, value in arguments.items() if key in known[name]}
    heads = own.get("heads", 1)
    if name == "gat" and own.get("concat", True):
        check_width("gnn_layer_kwargs.heads", heads)
        if after % heads:
            raise InfeasibleConfig(f"gnn_layer_kwargs.heads={heads} must divide out_dim={after}")
        after //= heads
    try:
        return LAYERS[name](before, after, **own)
    except (TypeError, ValueError, AssertionError) as error:
        raise InfeasibleConfig(
            f"gnn_layer_kwargs={dict(own)} cannot be those of {name}: {error}"
        ) from error


def _arguments(layer: type[nn.Module]) -> set[str]:
    # every convolution has an aggregation, also where the signature leaves it to a base class
    return (_own_arguments(layer) | {"aggr"}) - _NOT_OFFERED


def _own_arguments(module: type[nn.Module]) -> set[str]:
    """Those with a name: `nn.Identity` takes any, and reads none."""
    given = inspect.signature(module).parameters.values()
    return {one.name for one in given if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)}
