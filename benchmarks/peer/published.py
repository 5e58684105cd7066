"""The published `alignn` 2026.8.11: its models, its graphs, and where its weights stand in ours.

What it computes and nothing reads — the angles after the last update of bonds, and the bonds after
the last layer — has no counterpart here. It is imported where it is used: tests that compare with
it are collected where it is not installed.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from ase.data import chemical_symbols
from torch import Tensor, nn

from trialsmith.data import CrystalBatch
from trialsmith.graph import Structure
from trialsmith.models import ALIGNN
from trialsmith.models.elements import element_features

# The defaults of its TrainingConfig.
ANGLE_CUTOFF = 3.5  # Å
GRAPH = {"cutoff": 5.0, "max_neighbors": 12, "three_body_cutoff": ANGLE_CUTOFF}

# As in its alignn/examples/sample_data/config_example.json, with CGCNN's 92 features of an element.
MODEL = {
    "alignn_layers": 4,
    "gcn_layers": 4,
    "atom_input_features": 92,
    "edge_input_features": 80,
    "triplet_input_features": 40,
    "embedding_features": 64,
    "hidden_features": 256,
    "calculate_gradient": False,
    "energy_mult_natoms": False,
}

# Its command, as installed without DGL: with it, it makes DGL graphs on the way to its own.
WITHOUT_DGL = "import sys; sys.modules['dgl'] = None"
COMMAND = (
    *(sys.executable, "-W", "ignore", "-c"),
    f"{WITHOUT_DGL}; import runpy; runpy.run_module('alignn.train_alignn', run_name='__main__')",
)


class PublishedBatchNorm(nn.Module):
    """alignn.models.alignn.ALIGNN, on DGL, on our batch."""

    norm = "batch"

    def __init__(self, **sizes: int) -> None:
        super().__init__()
        from alignn.models.alignn import ALIGNN as Published
        from alignn.models.alignn import ALIGNNConfig

        self.net = Published(ALIGNNConfig(name="alignn", **sizes))

    def forward(self, batch: CrystalBatch) -> Tensor:
        import dgl

        crystal = dgl.graph((batch.bonds.source, batch.bonds.target), num_nodes=len(batch.species))
        atoms, bonds = counts(batch)
        crystal.set_batch_num_nodes(atoms)
        crystal.set_batch_num_edges(bonds)
        crystal.ndata["atom_features"] = features(batch)
        crystal.edata["r"] = displacements(batch)
        line = dgl.graph((batch.angles.source, batch.angles.target), num_nodes=len(batch.bonds))
        line.edata["h"] = batch.angle_cosine
        return self.net((crystal, line, None)).reshape(-1, 1)


class PublishedLayerNorm(nn.Module):
    """alignn.models.alignn_atomwise_pure.ALIGNNAtomWisePure, in plain torch, on our batch.

    Args:
        on_the_fly: compute cosines from the bonds' vectors, as shipped; False: take ours.
        sizes: of the model, in its names.
    """

    norm = "layer"

    def __init__(self, on_the_fly: bool = False, **sizes: int) -> None:
        super().__init__()
        from alignn.models.alignn_atomwise_pure import ALIGNNAtomWisePure, ALIGNNAtomWisePureConfig

        options = MODEL | {"lg_on_fly": on_the_fly} | sizes
        config = ALIGNNAtomWisePureConfig(name="alignn_atomwise_pure", **options)
        self.net = ALIGNNAtomWisePure(config)

    def forward(self, batch: CrystalBatch) -> Tensor:
        return self.predict(torch_graphs(batch))

    def predict(self, graphs: tuple[Any, Any]) -> Tensor:
        """(crystals, 1), from a batch as it has it."""
        return self.net((*graphs, None))["out"].reshape(-1, 1)


def torch_graphs(batch: CrystalBatch) -> tuple[Any, Any]:
    """Our batch as its pair of a graph and a line graph."""
    from alignn.torch_graph_builder import TorchGraph

    atoms, bonds = counts(batch)
    crystal = TorchGraph(
        num_nodes=len(batch.species),
        src=batch.bonds.source,
        dst=batch.bonds.target,
        ndata={"atom_features": features(batch)},
        edata={"r": displacements(batch)},
        batch_num_nodes=atoms,
        batch_num_edges=bonds,
    )
    line = TorchGraph(
        num_nodes=len(batch.bonds),
        src=batch.angles.source,
        dst=batch.angles.target,
        edata={"h": batch.angle_cosine},
    )
    return crystal, line


def counts(batch: CrystalBatch) -> tuple[Tensor, Tensor]:
    """Atoms and bonds of each crystal."""
    of_bond = batch.crystal[batch.bonds.target]
    return torch.bincount(batch.crystal), torch.bincount(of_bond, minlength=len(batch))


def features(batch: CrystalBatch) -> Tensor:
    return element_features()[batch.species].to(batch.bond_length.dtype)


def displacements(batch: CrystalBatch) -> Tensor:
    """Vectors of the right length: all that it reads of a bond beside its angles."""
    return nn.functional.pad(batch.bond_length[:, None], (0, 2))


def atoms_of(structure: Structure) -> Any:
    """A structure as jarvis-tools has it."""
    from jarvis.core.atoms import Atoms

    return Atoms(
        lattice_mat=structure.cell.tolist(),
        coords=structure.positions.tolist(),
        elements=[chemical_symbols[number] for number in structure.numbers],
        cartesian=True,
    )


def own_graph(atoms: Any, angles: bool = True) -> Any:
    """The graph, and the line graph, that its pure-torch builder makes."""
    from alignn.torch_graph_builder import build_pure_torch_graph

    return build_pure_torch_graph(
        atoms,
        two_body_cutoff=GRAPH["cutoff"],
        three_body_cutoff=GRAPH["three_body_cutoff"],
        max_neighbors=int(GRAPH["max_neighbors"]),
        compute_line_graph=angles,
    )


def own_graphs(structures: Sequence[Structure]) -> tuple[Any, Any]:
    """A batch of its own graphs."""
    from alignn.torch_graph_builder import batch_torch_graph_pairs

    return batch_torch_graph_pairs([own_graph(atoms_of(s)) for s in structures])


def training_config(
    split: tuple[int, int, int],
    batch_size: int,
    epochs: int,
    output: Path,
    read_existing: bool = False,
) -> dict[str, Any]:
    """Its example configuration with our sizes of the split: train, validation and test.

    It cannot do without a test crystal. It keeps the graphs in its working folder.
    """
    return {
        "dataset": "user_data",
        "target": "target",
        "atom_features": "cgcnn",
        "neighbor_strategy": "pure_torch",
        **GRAPH,
        **dict(zip(("n_train", "n_val", "n_test"), split, strict=True)),
        "epochs": epochs,
        "batch_size": batch_size,
        "weight_decay": 1e-5,
        "learning_rate": 1e-3,
        "num_workers": 0,
        "output_dir": str(output),
        "read_existing": read_existing,
        "model": {"name": "alignn_atomwise_pure", **MODEL},
    }


def our_name(name: str) -> str:
    """Where a weight of theirs stands in our model; convolutions' three joined ones aside."""
    for theirs, ours in [
        (r"^net\.", ""),
        (r"^edge_embedding\.1", "bond_embedding.narrow"),
        (r"^edge_embedding\.2", "bond_embedding.wide"),
        (r"^angle_embedding\.1", "angle_embedding.narrow"),
        (r"^angle_embedding\.2", "angle_embedding.wide"),
        (r"embedding(.*)\.layer\.0", r"embedding\1.linear"),
        (r"embedding(.*)\.layer\.1", r"embedding\1.norm"),
        (r"node_update", "atoms_bonds"),
        (r"edge_update", "bonds_angles"),
        (r"edge_gate", "links"),
        (r"src_update", "kept"),
        (r"bn_nodes", "member_norm"),
        (r"bn_edges", "link_norm"),
        (r"^fc\.", "head."),
    ]:
        name = re.sub(theirs, ours, name)
    return name


def translated(theirs: dict[str, Tensor], ours: ALIGNN) -> dict[str, Tensor]:
    """Their weights, running statistics or gradients under our names, joined as ours are."""
    result = {}
    for name, value in theirs.items():
        if joined := re.match(r"(.*)\.src_gate\.(weight|bias)", name):
            conv, kind = joined.groups()
            parts = ("src_gate", "dst_gate", "dst_update")
            key = f"{our_name(conv)}.sent.{kind}"
            result[key] = torch.cat([theirs[f"{conv}.{part}.{kind}"] for part in parts])
        else:
            result[our_name(name)] = value
    return {name: value for name, value in result.items() if name in ours.state_dict()}
