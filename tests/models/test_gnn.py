"""The graph classifier: what it must not see, and that dimensions follow."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from trialsmith.data.graph_batch import GraphBatch, batch_of
from trialsmith.errors import InfeasibleConfig
from trialsmith.models.gnn import GNN
from trialsmith.models.gnn_settings import gnn_of_settings

LAYERS = ("sage", "gcn", "gat", "gco")
NORMALIZERS = ("batch_norm", "identity", "layer_norm")
ACTIVATIONS = ("relu", "leaky_relu", "sigmoid", "tanh", "identity")
POOLINGS = ("mean", "max", "sum")
FEATURES = 5

Pair = tuple[np.ndarray, np.ndarray]


def graph(nodes: int, seed: int = 0) -> Pair:
    draw = np.random.default_rng(seed)
    features = draw.normal(size=(nodes, FEATURES)).astype(np.float32)
    pairs = np.stack(np.nonzero(np.triu(draw.random((nodes, nodes)) < 0.4, 1)))
    return features, pairs.astype(np.int64)


def batch(*graphs: Pair) -> GraphBatch:
    nodes, edges = zip(*graphs, strict=True)
    ids = [str(k) for k in range(len(graphs))]
    return batch_of(nodes, edges, np.zeros(len(graphs), np.int64), ids, directed=False)


def network(kind: str = "sage", pooling: str = "mean", **settings: Any) -> GNN:
    """Two layers, settled: batch norm has seen other graphs."""
    torch.manual_seed(0)
    layer = {"gnn_layer_type": kind, **settings}
    model = GNN(
        3, FEATURES, [{"out_dim": 8, **layer}, {"out_dim": 6, **layer}], pooling_layer=pooling
    )
    for seed in range(5):
        model(batch(graph(9, seed), graph(7, seed + 50)))
    return model.eval()


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("kind", LAYERS)
def test_the_order_of_nodes_and_edges_does_not_matter(kind: str, pooling: str) -> None:
    features, pairs = graph(10)
    place = np.random.default_rng(1).permutation(10)
    moved = np.empty_like(features)
    moved[place] = features
    model = network(kind, pooling)
    shuffled = place[pairs][:, np.random.default_rng(2).permutation(pairs.shape[1])]
    torch.testing.assert_close(
        model(batch((features, pairs))), model(batch((moved, shuffled))), atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize("normalizer", NORMALIZERS)
@pytest.mark.parametrize("kind", LAYERS)
def test_a_trained_network_sees_each_graph_alone(kind: str, normalizer: str) -> None:
    without_edges = (graph(4, 3)[0], np.zeros((2, 0), np.int64))
    graphs = [graph(9), graph(1, 1), without_edges, graph(6, 2)]
    model = network(kind, normalizer=normalizer)
    alone = torch.cat([model(batch(one)) for one in graphs])
    torch.testing.assert_close(model(batch(*graphs)), alone, atol=1e-5, rtol=1e-5)
    assert torch.isfinite(alone).all()


@pytest.mark.parametrize("kind", LAYERS)
def test_edges_matter_and_isolated_nodes_do_not_listen(kind: str) -> None:
    features, pairs = graph(8)
    model = network(kind)
    whole, none = model(batch((features, pairs))), model(batch((features, pairs[:, :0])))
    assert not torch.allclose(whole, none, atol=1e-4)
    layer = model.layers[0]
    other = features.copy()
    other[7] += 1
    pairs = pairs[:, (pairs != 0).all(0) & (pairs != 7).all(0)]  # 0 and 7 are isolated
    first, second = (layer(torch.from_numpy(x), torch.from_numpy(pairs)) for x in (features, other))
    torch.testing.assert_close(first[:7], second[:7])
    assert not torch.allclose(first[7], second[7])


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", LAYERS)
def test_every_parameter_has_a_gradient(kind: str, activation: str) -> None:
    torch.manual_seed(0)
    layer = {"gnn_layer_type": kind, "activation": activation}
    layers = [{"out_dim": 8, **layer}, {"out_dim": 4, **layer}]
    model = GNN(2, FEATURES, layers, classifier={"hidden_dims": [6], "activation": "tanh"})
    output = model(batch(graph(9), graph(8, 1), graph(5, 2)))
    (output * torch.randn_like(output)).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        # what is added before batch norm cancels
        cancels = name.startswith("layers") and "convolution" in name and "bias" in name
        assert cancels or parameter.grad.abs().max() > 0, name


def test_convolutions_are_what_their_equations_say() -> None:
    features, pairs = graph(6)
    dense = torch.zeros(6, 6)
    dense[pairs[0], pairs[1]] = dense[pairs[1], pairs[0]] = 1
    x, degree = torch.from_numpy(features), dense.sum(1)
    loops = dense + torch.eye(6)
    root = (degree + 1).rsqrt()
    edges = batch((features, pairs)).edges

    def layer(kind: str) -> tuple[Any, Tensor]:
        settings = {"normalizer": "identity", "activation": "identity"}
        convolution = GNN(2, FEATURES, [{"out_dim": 4, "gnn_layer_type": kind, **settings}])
        layer = convolution.layers[0]
        return layer.convolution, layer(x, edges)

    sage, found = layer("sage")
    mean = dense @ x / degree.clamp(min=1)[:, None]
    torch.testing.assert_close(found, sage.lin_l(mean) + sage.lin_r(x))
    gco, found = layer("gco")
    torch.testing.assert_close(found, gco.lin_rel(dense @ x) + gco.lin_root(x))
    gcn, found = layer("gcn")
    torch.testing.assert_close(found, (root[:, None] * loops * root) @ gcn.lin(x) + gcn.bias)
    gat, found = layer("gat")
    h = gat.lin(x)
    score = (h * gat.att_dst[0]).sum(1)[:, None] + (h * gat.att_src[0]).sum(1)
    attention = torch.nn.functional.leaky_relu(score, 0.2).masked_fill(loops == 0, -torch.inf)
    torch.testing.assert_close(found, attention.softmax(1) @ h + gat.bias)


def test_pooling_is_over_a_graphs_own_nodes() -> None:
    graphs = [graph(4), graph(7, 1)]
    for pooling, reduce in (("mean", Tensor.mean), ("sum", Tensor.sum), ("max", Tensor.amax)):
        model = network(pooling=pooling)
        together = batch(*graphs)
        nodes = together.nodes
        for layer in model.layers:
            nodes = layer(nodes, together.edges)
        pooled = torch.stack([reduce(nodes[together.graph == k], dim=0) for k in range(2)])
        torch.testing.assert_close(model(together), model.classifier(pooled))


def test_dimensions_follow() -> None:
    widths = (7, 3, 12, 5)
    layers = [
        {"out_dim": width, "gnn_layer_type": kind}
        for width, kind in zip(widths, LAYERS, strict=True)
    ]
    for count in (1, 2, 3, 4):
        model = GNN(2, FEATURES, layers, n_layers=count, classifier={"hidden_dims": [9, 4]})
        assert [layer.out_dim for layer in model.layers] == list(widths[:count])
        assert model(batch(graph(6), graph(5))).shape == (2, 2)
        assert f"{LAYERS[count - 1]} {widths[count - 1]} – mean" in model.description
    agreeing = [{"in_dim": FEATURES, "out_dim": 8, "norm_args": [8]}, {"in_dim": 8, "out_dim": 4}]
    GNN(2, FEATURES, agreeing, classifier={"input_dim": 4, "output_dims": [2]})


def test_dropout_acts_in_training_only() -> None:
    model = network(dropout=0.5)
    graphs = batch(graph(9), graph(8, 1))
    assert torch.equal(model(graphs), model(graphs))
    model.train()
    assert not torch.equal(model(graphs), model(graphs))


def test_one_mapping_of_arguments_serves_all_layers() -> None:
    """The group's own: what only `sage` has is left out elsewhere."""
    given = {"normalize": False, "bias": True, "project": False, "root_weight": False}
    for kind in LAYERS:
        arguments = {**given, "aggr": "mean"}
        (layer,) = GNN(
            2, FEATURES, [{"out_dim": 4, "gnn_layer_type": kind, "gnn_layer_kwargs": arguments}]
        ).layers
        assert layer.convolution.aggr == "mean"
        assert getattr(layer.convolution, "root_weight", False) is False


def test_heads_share_the_width() -> None:
    layer = {"out_dim": 8, "gnn_layer_type": "gat", "gnn_layer_kwargs": {"heads": 4}}
    model = GNN(2, FEATURES, [layer, layer])
    assert model.layers[1].convolution.in_channels == 8
    assert model(batch(graph(6))).shape == (1, 2)


def test_a_groups_settings_are_taken_by_their_names() -> None:
    """../shared/data/spaces, one value each; the data have another number of features."""
    layer = {
        "dropout": 0.2,
        "gnn_layer_type": "gcn",
        "normalizer": "layer_norm",
        "activation": "sigmoid",
        "gnn_layer_kwargs": {"normalize": False, "project": False, "aggr": "mean"},
    }
    model = gnn_of_settings(
        outputs=2,
        node_features=FEATURES,
        name="QuantumGravSearchSpace",
        gcn_net=[
            {**layer, "in_dim": 12, "out_dim": 16, "norm_args": [16]},
            {**layer, "in_dim": 16, "out_dim": 8, "norm_args": [8]},
        ],
        pooling_layer="max",
        classifier={
            "input_dim": 8,
            "output_dims": [2],
            "hidden_dims": [48, 18],
            "activation": "tanh",
            "backbone_kwargs": [{}, {}],
            "output_kwargs": [{}],
            "activation_kwargs": [{"inplace": False}],
        },
    )
    assert model(batch(graph(6))).shape == (1, 2)


LAYER = {"out_dim": 8}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"node_features": None}, "take data=causal_sets or data=graphs"),
        ({"layers": []}, "model.layers is empty"),
        ({"layers": [{}]}, r"model\.layers\.0\.out_dim must be given"),
        ({"layers": [{"out_dim": 0}]}, r"model\.layers\.0\.out_dim=0"),
        ({"layers": [LAYER, {**LAYER, "in_dim": 9}]}, r"layers\.1\.in_dim=9 must be 8: leave it"),
        ({"layers": [{**LAYER, "in_dim": 9}]}, r"layers\.0\.in_dim=9 must be 5"),
        ({"layers": [{**LAYER, "norm_args": [9]}]}, r"layers\.0\.norm_args=\[9\] must be \[8\]"),
        ({"layers": [{**LAYER, "outdim": 9}]}, r"layers\.0\.outdim is not known; there are in_dim"),
        ({"layers": [{**LAYER, "gnn_layer_type": "gin"}]}, "must be one of sage, gcn, gat, gco"),
        ({"layers": [{**LAYER, "normalizer": "group"}]}, "must be one of batch_norm, identity"),
        ({"layers": [{**LAYER, "activation": "elu"}]}, "activation=elu must be one of relu"),
        ({"layers": [{**LAYER, "dropout": 1.0}]}, "dropout=1.0 must be at least 0 and below 1"),
        ({"layers": [{**LAYER, "gnn_layer_kwargs": {"agr": 1}}]}, "gnn_layer_kwargs.*agr.*aggr"),
        ({"layers": [{**LAYER, "gnn_layer_kwargs": {"aggr": "x"}}]}, "cannot be those of sage"),
        (
            {
                "layers": [
                    {**LAYER, "gnn_layer_type": "gat", "gnn_layer_kwargs": {"heads": 3}},
                ]
            },
            "heads=3 must divide out_dim=8",
        ),
        ({"layers": [7]}, r"model\.layers\.0=7 must be a mapping"),
        ({"n_layers": 3}, "model.n_layers=3, and model.layers has settings of 2"),
        ({"n_layers": 0}, "model.n_layers=0"),
        ({"pooling_layer": "median"}, "model.pooling_layer=median must be one of mean, max, sum"),
        ({"classifier": {"input_dim": 3}}, r"classifier\.input_dim=3 must be 64"),
        ({"classifier": {"output_dims": [4]}}, r"classifier\.output_dims=\[4\] must be \[2\]"),
        ({"classifier": {"hidden_dims": [0]}}, r"classifier\.hidden_dims=0"),
        ({"classifier": {"backbone_kwargs": [{}]}}, "has 1 mappings for 0 layers"),
        ({"classifier": {"output_kwargs": [{"a": 1}]}}, r"\.output_kwargs\.0=.* has bias only"),
        ({"classifier": {"activation_kwargs": [{"inplce": 1}]}}, "inplce must be one of inplace"),
        ({"classifier": {"dropout": math.nan}}, r"classifier\.dropout=nan must be at least 0"),
    ],
)
def test_what_cannot_be_is_refused_by_its_key(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(InfeasibleConfig, match=words):
        GNN(2, **{"node_features": FEATURES, **settings})


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"layers": 3}, r"model\.layers=3 must be a list of mappings"),
        ({"layers": {"0": LAYER}}, r"model\.layers=.* must be a list of mappings"),
        ({"layers": [{**LAYER, "norm_args": 8}]}, r"layers\.0\.norm_args=8 must be a list, \[8\]"),
        ({"layers": [{**LAYER, "gnn_layer_kwargs": ["aggr"]}]}, r"gnn_layer_kwargs=.* a mapping"),
        ({"pooling_layer": ["mean"]}, r"model\.pooling_layer=\['mean'\] must be one of mean"),
        ({"classifier": {"hidden_dims": None}}, r"hidden_dims=None must be a list of whole"),
        ({"classifier": {"hidden_dims": 4.0}}, r"hidden_dims=4\.0 must be a list of whole"),
        ({"classifier": {"hidden_dims": "48"}}, r"hidden_dims=48 must be a list of whole"),
        ({"classifier": {"activation": ["relu"]}}, r"activation=\['relu'\] must be one of relu"),
    ],
)
@pytest.mark.usefixtures("as_a_user")
def test_another_kind_of_setting_is_refused_by_its_key(
    settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(InfeasibleConfig, match=words):
        GNN(2, **{"node_features": FEATURES, **settings})


@pytest.mark.parametrize("name", ["backbone_kwargs", "output_kwargs", "activation_kwargs"])
@pytest.mark.parametrize(
    ("given", "rule"),
    [({"bias": False}, "=.* must be a list of mappings"), ([None], r"\.0=None must be a mapping")],
)
@pytest.mark.usefixtures("as_a_user")
def test_arguments_of_the_classifiers_layers_are_lists_of_mappings(
    name: str, given: Any, rule: str
) -> None:
    with pytest.raises(InfeasibleConfig, match=rf"model\.classifier\.{name}{rule}"):
        GNN(2, FEATURES, classifier={"hidden_dims": [3], name: given})


@pytest.mark.parametrize(
    ("layers", "classifier", "words"),
    [
        (None, None, r"model\.gcn_net=None must be a list of mappings"),
        ({"out_dim": 8}, None, r"model\.gcn_net=.* must be a list of mappings"),
        ([None], None, r"model\.gcn_net\.0=None must be a mapping"),
        ([LAYER], [{}], r"model\.classifier=\[{}\] must be a mapping"),
    ],
)
@pytest.mark.usefixtures("as_a_user")
def test_another_kind_is_refused_by_the_groups_own_keys(
    layers: Any, classifier: Any, words: str
) -> None:
    with pytest.raises(InfeasibleConfig, match=words):
        gnn_of_settings(2, layers, node_features=FEATURES, classifier=classifier)


def test_arguments_of_activations_serve_them_all() -> None:
    for activation in ACTIVATIONS:
        given = {"activation": activation, "activation_kwargs": [{"negative_slope": 0.5}]}
        model = GNN(2, FEATURES, classifier={"hidden_dims": [3], **given})
        assert getattr(model.classifier.layers[1], "negative_slope", 0.5) == 0.5
