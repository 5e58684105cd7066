"""What is recorded of a fusion: the numbers, the table, TensorBoard and the picture."""

import math
from functools import partial
from pathlib import Path

import lightning.pytorch as pl
import numpy as np
import pandas as pd
import pytest
import torch
from fusions import NAMES, TEXTS, example, network, settled
from lightning.pytorch.loggers import TensorBoardLogger
from model_inputs import single
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from trialsmith import schedules
from trialsmith.callbacks import FusionWeights
from trialsmith.callbacks.running_moments import RunningMoments
from trialsmith.fusion import Place
from trialsmith.fusion.attention import CrossAttention
from trialsmith.fusion.states import Rows
from trialsmith.learner import Learner

COLUMNS = [
    "epoch", "site", "layer", "w_graph", "w_text", "ratio", "spread", "gate", "gate_spread",
    "entropy", "entropy_spread",
]  # fmt: skip
PLACES = {
    "middle": {("middle", 2)},
    "dynamic": {("dynamic", 1)},
    "fine_grained": {("fine_grained.atoms", 0)},
    "cross_modal": {("cross_modal.graph", 0), ("cross_modal.text", 0)},
}
PLACES["all"] = set().union(*PLACES.values()) | {("fine_grained.tokens", 0)}


def test_running_means_are_those_of_adam_when_batches_weigh_the_same():
    rng, decay = np.random.default_rng(0), 0.9
    running, biased = RunningMoments(decay), 0.0
    for step in range(1, 30):
        values = rng.normal(5.0, 1.0, size=4).astype(np.float32)
        running.add(torch.from_numpy(values), torch.ones(4))
        biased = decay * biased + (1 - decay) * values.mean()
        assert running.read()[0] == pytest.approx(biased / (1 - decay**step), rel=1e-5)


def test_without_forgetting_they_are_the_moments_of_everything():
    rng = np.random.default_rng(1)
    batches = [rng.normal(1e3, 0.1, size=n) for n in (3, 1, 50, 7)]
    counts = [rng.integers(1, 5, size=len(batch)) for batch in batches]
    running = RunningMoments(decay=1.0)
    for values, weight in zip(batches, counts, strict=True):
        running.add(torch.tensor(values), torch.tensor(weight, dtype=torch.float32))
    everything = np.repeat(np.concatenate(batches), np.concatenate(counts))
    mean, spread = running.read()
    assert mean == pytest.approx(everything.mean(), abs=1e-3)
    assert spread == pytest.approx(everything.std(), rel=1e-2)  # float32 of numbers near 1000


def test_a_batch_that_tells_nothing_changes_nothing():
    running = RunningMoments(0.9)
    nothing = (torch.tensor([7.0]), torch.zeros(1))
    running.add(*nothing)
    assert running.read() is None
    running.add(torch.tensor([1.0, 3.0]), torch.ones(2))
    running.add(*nothing)
    assert running.read() == pytest.approx((2.0, 1.0))


def shown(model, batch):
    """What each gauge shows of a training step: (values, counts) by place and quantity."""
    seen = {}
    for place, gauges in model.fusion.gauges().items():
        for name, gauge in gauges.items():
            gauge.listener = lambda v, c, key=(place, name): seen.update({key: (v, c)})
    model.train()(batch)
    return seen


@pytest.mark.parametrize("name", NAMES)
def test_the_graph_up_to_symmetry_shows_the_means_of_the_full_graph(name):
    reduced, full = (shown(settled(name), example(symmetry)) for symmetry in (True, False))
    assert reduced.keys() == full.keys()
    for key, both in reduced.items():
        moments = []
        for values, counts in (both, full[key]):
            running = RunningMoments(0.9)
            running.add(values, counts)
            moments.append(running.read())
        assert moments[0] == pytest.approx(moments[1], rel=1e-4, abs=1e-6)
        assert float(both[1].sum()) == pytest.approx(float(full[key][1].sum()))


def test_dynamic_shows_the_weights_and_the_gate_its_opening():
    seen = shown(settled("all"), example())
    atoms = len(example().species)
    w_text, counts = seen[Place("dynamic", 1), "w_text"]
    assert w_text.shape == counts.shape == (atoms,)
    assert ((w_text > 0) & (w_text < 1)).all()
    torch.testing.assert_close(counts, example().atom_multiplicity)
    gate, _ = seen[Place("middle", 2), "gate"]
    assert gate.shape == (atoms,)
    assert ((gate > 0) & (gate < 1)).all()


def entropy(scores, log_count):
    """Of attention with one head whose scores are given, and of how many keys."""
    attention = CrossAttention("site", 1, len(scores), 1, 1)
    with torch.no_grad():
        for parameter in attention.parameters():
            parameter.zero_()
        attention.query.bias.fill_(1.0)
        attention.key_value.weight[0] = torch.tensor(scores)
    seen = []
    attention.entropy.listener = lambda values, counts: seen.append((values, counts))
    keys = Rows(torch.eye(len(scores))[None], torch.tensor([log_count]))
    attention(Rows.single(torch.zeros(1, 1)), keys)
    ((values, counts),) = seen
    return float(values), float(counts)


def test_entropy_is_one_for_all_alike_and_none_for_all_on_one():
    assert entropy([0.0, 0.0, 0.0], [0.0, 0.0, 0.0]) == pytest.approx((1.0, 1.0))
    assert entropy([0.0, 0.0, 40.0], [0.0, 0.0, 0.0]) == pytest.approx((0.0, 1.0), abs=1e-6)
    # padding, however high its score, is not looked at
    assert entropy([0.0, 0.0, 9.0], [0.0, 0.0, -math.inf]) == pytest.approx((1.0, 1.0))
    # one key is no choice: it has no entropy and does not count
    assert entropy([2.0, 1.0], [0.0, -math.inf])[1] == 0


def test_entropy_counts_a_class_as_often_as_it_has_members():
    p = np.exp([0.3, 1.0, 1.0, 1.0])
    p /= p.sum()
    expected = -(p * np.log(p)).sum() / math.log(4)
    assert entropy([0.3, 1.0], [0.0, math.log(3)])[0] == pytest.approx(expected, rel=1e-5)


class Scaler:
    mean, std = torch.zeros(1), torch.ones(1)


def fit(folder: Path, name: str | None, epochs: int = 3, texts=TEXTS, callbacks=(), record=True):
    """A few epochs of two batches; returns the trainer."""
    batches = [single(example(texts=texts)) for _ in range(2)]
    for batch in batches:
        batch.target = torch.linspace(-1, 1, len(TEXTS))[:, None]
    loader = torch.utils.data.DataLoader(batches, batch_size=None)
    optimizer = partial(torch.optim.AdamW, lr=0.01)
    model = network(name, dropout=0.1).float()
    learner = Learner(model, torch.nn.MSELoss(), optimizer, schedules.constant, Scaler())
    trainer = pl.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=TensorBoardLogger(folder, name="", version=""),
        callbacks=[*([FusionWeights(folder)] if record else []), *callbacks],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=1,
    )
    torch.manual_seed(3)
    trainer.fit(learner, loader, loader)
    return trainer


@pytest.mark.parametrize("name", NAMES)
def test_a_row_an_epoch_and_fused_place(tmp_path: Path, name: str) -> None:
    fit(tmp_path, name)
    table = pd.read_csv(tmp_path / "fusion_weights.csv")
    assert table.columns.tolist() == COLUMNS
    assert table["epoch"].unique().tolist() == [1, 2, 3]
    for _, rows in table.groupby("epoch"):
        assert set(zip(rows["site"], rows["layer"].fillna(0), strict=True)) == PLACES[name]
    assert table["entropy"].between(0, 1).all()
    for site, columns in {"dynamic": COLUMNS[3:7], "middle": COLUMNS[7:9]}.items():
        here = table["site"] == site
        assert table.loc[here, columns].notna().all(axis=None)
        assert table.loc[~here, columns].isna().all(axis=None)
    dynamic = table[table["site"] == "dynamic"]
    np.testing.assert_allclose(dynamic["w_graph"] + dynamic["w_text"], 1, rtol=1e-5)
    ratio = (1 + dynamic["w_graph"]) / dynamic["w_text"]
    np.testing.assert_allclose(dynamic["ratio"], ratio, rtol=1e-4)


def test_tensorboard_has_the_numbers_and_the_picture(tmp_path: Path) -> None:
    fit(tmp_path, "dynamic")
    table = pd.read_csv(tmp_path / "fusion_weights.csv")
    events = EventAccumulator(str(tmp_path)).Reload()
    for quantity in ("w_graph", "w_text", "ratio", "spread", "entropy"):
        scalars = events.Scalars(f"fusion/dynamic/layer_1/{quantity}")
        np.testing.assert_allclose([s.value for s in scalars], table[quantity], rtol=1e-5)
    loss = [event.step for event in events.Scalars("val/loss")]
    assert [event.step for event in scalars] == loss  # on the axis of the other curves
    assert len(events.Images("fusion/weights")) == 1
    assert (tmp_path / "fusion_weights.png").read_bytes().startswith(b"\x89PNG")


def test_without_a_fused_place_nothing_is_written(tmp_path: Path) -> None:
    fit(tmp_path, None, epochs=1)
    assert not list(tmp_path.glob("fusion_weights*"))


def test_without_any_text_there_is_no_entropy_and_no_failure(tmp_path: Path) -> None:
    """All that can be looked at is the absence token."""
    fit(tmp_path, "all", epochs=1, texts=[0] * 6)
    table = pd.read_csv(tmp_path / "fusion_weights.csv").set_index("site")
    assert math.isnan(table.loc["dynamic", "entropy"])
    assert 0 < table.loc["dynamic", "w_text"] < 1
    assert table.loc["cross_modal.text", "entropy"] > 0  # the text looks at atoms


def test_recording_changes_no_weight_and_averaged_weights_go_with_it(tmp_path: Path) -> None:
    runs = []
    for record in (True, False):
        average = pl.callbacks.EMAWeightAveraging(decay=0.9)
        runs.append(fit(tmp_path / str(record), "all", callbacks=[average], record=record))
    ours, theirs = (run.lightning_module.state_dict() for run in runs)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_after_the_run_nobody_listens(tmp_path: Path) -> None:
    model = fit(tmp_path, "all", epochs=1).lightning_module.model
    gauges = [gauge for seen in model.fusion.gauges().values() for gauge in seen.values()]
    assert gauges
    assert not any(gauge.listener for gauge in gauges)
