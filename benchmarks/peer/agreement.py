"""The same weights on the same graph: the difference of outputs and of learning curves, fp32.

High: with `matmul_precision=high`, which is the highest on a processor without AMX.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from benchmarks.peer import published
from benchmarks.peer.sample import names, sample
from benchmarks.peer.size import Size
from benchmarks.peer.table import markdown, number
from benchmarks.peer.training import Training, our_batch, random_targets
from trialsmith.data import CrystalBatch
from trialsmith.graph import GraphBuilder
from trialsmith.models import ALIGNN

FULL = GraphBuilder(symmetry=False)
REDUCED = GraphBuilder(symmetry=True)
PUBLISHED = GraphBuilder(symmetry=False, rule="published")


def report(size: Size) -> str:
    """One table: data sets in columns."""
    columns = {name: _measured(name, size) for name in names()}
    quantities = list(dict.fromkeys(quantity for found in columns.values() for quantity in found))
    rows = [
        [quantity, *(number(found[quantity], 2) for found in columns.values())]
        for quantity in quantities
    ]
    return markdown(["", *columns], rows)


def _measured(name: str, size: Size) -> dict[str, float]:
    crystals = sample(name, size.curve_batch * 8)
    batches = crystals.batches(size.curve_batch)
    full = [our_batch(batch, FULL) for batch in batches]
    reduced = [our_batch(batch, REDUCED) for batch in batches]
    torch.manual_seed(0)
    theirs = published.PublishedLayerNorm()
    ours = _twin(theirs)
    with torch.no_grad():
        expected = _outputs(theirs, full)
        its_own = torch.cat([theirs.predict(published.own_graphs(batch)) for batch in batches])
        its_edges = [our_batch(batch, PUBLISHED) for batch in batches]
        found = {
            "outputs, full graph": _difference(_outputs(ours, full), expected),
            "outputs, up to symmetry": _difference(_outputs(ours, reduced), expected),
            "outputs, up to symmetry, high": _difference(_outputs(ours, reduced, "high"), expected),
            "outputs, its edges by each one's builder": _difference(
                _outputs(ours, its_edges), its_own
            ),
            "standard deviation of the outputs": float(expected.std()),
        }

    steps = size.curve_steps
    targets = random_targets(batches)
    reverse = [our_batch(batch[::-1], FULL) for batch in batches]
    curve = _curve(_copy(theirs), full, targets, steps)
    backwards = _curve(_copy(theirs), reverse, [target.flip(0) for target in targets], steps)
    return found | {
        f"losses of {steps} steps, full graph": _difference(
            _curve(_twin(theirs), full, targets, steps), curve
        ),
        f"losses of {steps} steps, up to symmetry": _difference(
            _curve(_twin(theirs), reduced, targets, steps), curve
        ),
        f"losses of {steps} steps, up to symmetry, high": _difference(
            _curve(_twin(theirs), reduced, targets, steps, "high"), curve
        ),
        "losses of alignn itself with each batch in reverse order": _difference(backwards, curve),
    }


def _difference(left: Tensor, right: Tensor) -> float:
    return float((left - right).abs().max())


def _twin(theirs: published.PublishedLayerNorm) -> ALIGNN:
    """Our model with its weights."""
    ours = ALIGNN(norm=theirs.norm)
    ours.load_state_dict(published.translated(theirs.state_dict(), ours))
    return ours


def _copy(theirs: published.PublishedLayerNorm) -> published.PublishedLayerNorm:
    other = published.PublishedLayerNorm()
    other.load_state_dict(theirs.state_dict())
    return other


def _outputs(
    model: torch.nn.Module, batches: Sequence[CrystalBatch], precision: str = "highest"
) -> Tensor:
    torch.set_float32_matmul_precision(precision)
    return torch.cat([model(batch) for batch in batches])


def _curve(
    model: torch.nn.Module,
    batches: Sequence[CrystalBatch],
    targets: Sequence[Tensor],
    steps: int,
    precision: str = "highest",
) -> Tensor:
    training = Training(model, model, batches, targets, precision=precision)
    return torch.tensor([training(step) for step in range(steps)], dtype=torch.float64)
