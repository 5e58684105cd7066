"""A training step of either side: forward, backward and AdamW on prepared batches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.peer import published
from trialsmith.data import CrystalBatch, collate
from trialsmith.graph import GraphBuilder, Structure
from trialsmith.models import ALIGNN

Batches = Sequence[Sequence[Structure]]


class Training:
    """Steps of a model whose loss (L1) and optimizer are the published trainer's.

    Args:
        net: holds the parameters.
        predict: from a batch to (crystals, 1).
        batches: in whatever form ``predict`` takes them.
        targets: (crystals, 1) of each batch.
        bf16: products in bfloat16 by autocast, as `trainer.precision=bf16-mixed` does.
        fused: AdamW in one pass, as `optimizer=adamw` asks for and the published trainer does not.
        precision: of products in fp32, as `matmul_precision` has it.
    """

    def __init__(
        self,
        net: nn.Module,
        predict: Callable[[Any], Tensor],
        batches: Sequence[Any],
        targets: Sequence[Tensor],
        bf16: bool = False,
        fused: bool = False,
        precision: str = "highest",
    ) -> None:
        self._predict, self._batches, self._targets = predict, batches, targets
        self._bf16, self._precision = bf16, precision
        options = {"lr": 1e-3, "weight_decay": 1e-5, "fused": fused}
        self._optimizer = torch.optim.AdamW(net.parameters(), **options)

    def __call__(self, step: int) -> float:
        """One step on the batch of that number, begun anew after the last; the loss before it."""
        k = step % len(self._batches)
        torch.set_float32_matmul_precision(self._precision)
        self._optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self._bf16):
            predicted = self._predict(self._batches[k])
            loss = nn.functional.l1_loss(predicted.float(), self._targets[k])
        loss.backward()
        self._optimizer.step()
        return loss.item()


def random_targets(batches: Batches) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(len(batch), 1, generator=generator) for batch in batches]


@dataclass(frozen=True)
class Theirs:
    """The published pure-torch model (layer norm), on its own graphs or on our full ones."""

    batches: Batches
    own_graphs: bool

    def load(self) -> None:
        """Imports what it needs."""
        import alignn.models.alignn_atomwise_pure
        import alignn.torch_graph_builder  # noqa: F401

    def __call__(self) -> Training:
        torch.manual_seed(0)
        model = published.PublishedLayerNorm(on_the_fly=self.own_graphs)
        return Training(model, model.predict, self.graphs(), random_targets(self.batches))

    def graphs(self) -> list[Any]:
        """The batches as it has them."""
        if self.own_graphs:
            return [published.own_graphs(batch) for batch in self.batches]
        build = GraphBuilder(symmetry=False)
        full = [our_batch(batch, build) for batch in self.batches]
        return [published.torch_graphs(batch) for batch in full]


@dataclass(frozen=True)
class Ours:
    """Our ALIGNN without text.

    Args:
        precision: of products in fp32, as `matmul_precision` has it.
        symmetry: the graph up to symmetry, or the full one.
        rule: of neighbours; `published` for its edges.
        angle_cutoff: only bonds up to this length form angles, Å; None: the rule's own.
        engine: None: the model's default.
    """

    batches: Batches
    symmetry: bool
    bf16: bool = False
    precision: str = "highest"
    norm: str = "layer"
    rule: str = "nearest"
    angle_cutoff: float | None = None
    engine: str | None = None

    def load(self) -> None:
        """What it needs is imported with this module."""

    def __call__(self) -> Training:
        torch.manual_seed(0)
        model = self.model()
        given = model, model, self.graphs(), random_targets(self.batches), self.bf16
        return Training(*given, fused=True, precision=self.precision)

    def model(self) -> ALIGNN:
        options: dict[str, Any] = {} if self.engine is None else {"engine": self.engine}
        return ALIGNN(norm=self.norm, **options)

    def graphs(self) -> list[CrystalBatch]:
        build = GraphBuilder(rule=self.rule, symmetry=self.symmetry, angle_cutoff=self.angle_cutoff)
        return [our_batch(batch, build) for batch in self.batches]


def our_batch(structures: Sequence[Structure], build: GraphBuilder) -> CrystalBatch:
    return collate([build(structure) for structure in structures])
