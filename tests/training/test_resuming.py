"""A run that is cut short and gone on with is the run that was never cut short."""

import csv
from pathlib import Path

import lightning.pytorch as pl
import pytest
import torch
from test_learner import learner, loader, points

from trialsmith import schedules
from trialsmith.callbacks import (
    History,
    Objective,
    best_checkpoint,
    early_stopping,
    last_checkpoint,
)
from trialsmith.learner import Learner

EPOCHS = 6


class Killed(Exception):
    pass


class Axe(pl.Callback):
    """Ends the process of an epoch in its middle."""

    def __init__(self, epoch: int | None) -> None:
        self.epoch = epoch

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.current_epoch + 1 == self.epoch:
            raise Killed


def run(folder: Path, killed_in: int | None = None) -> tuple[Learner, Objective, pl.Trainer]:
    folder.mkdir(exist_ok=True)
    batches = points()
    module = learner(batches, schedule=schedules.one_cycle)
    objective = Objective("val/mae", "minimize")
    trainer = pl.Trainer(
        max_epochs=EPOCHS,
        accelerator="cpu",
        logger=False,
        callbacks=[
            early_stopping("val/mae", "minimize", patience=2, tolerance=10.0),
            History(folder),
            best_checkpoint("val/mae", "minimize", folder / "checkpoints"),
            Axe(killed_in),
            objective,
        ],
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
    )
    before = last_checkpoint(folder)
    trainer.fit(module, loader(batches), loader(batches), ckpt_path=before, weights_only=True)
    return module, objective, trainer


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "history.csv").open() as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


@pytest.mark.filterwarnings("ignore:Checkpoint directory", "ignore:.*logging interval")
def test_it_ends_with_the_same_numbers(tmp_path: Path) -> None:
    assert last_checkpoint(tmp_path / "whole") is None
    whole, objective, trainer = run(tmp_path / "whole")
    for epoch in (2, 3):  # killed twice
        with pytest.raises(Killed):
            run(tmp_path / "cut", killed_in=epoch)
        assert last_checkpoint(tmp_path / "cut") is not None
    gone_on, again, other = run(tmp_path / "cut")
    assert rows(tmp_path / "cut") == rows(tmp_path / "whole")
    # the first mean counts as better than nothing, so three validations end it
    assert len(rows(tmp_path / "whole")) == 3
    assert (again.best, again.best_epoch) == (objective.best, objective.best_epoch)
    best, same = trainer.checkpoint_callback, other.checkpoint_callback
    assert same.best_model_score == best.best_model_score
    assert Path(same.best_model_path) == tmp_path / "cut" / "checkpoints" / "best.ckpt"
    for name, tensor in whole.state_dict().items():
        assert gone_on.state_dict()[name].equal(tensor), name


@pytest.mark.parametrize("left", [0, 100, -100])
def test_a_checkpoint_that_a_crash_has_cut_is_put_aside(tmp_path: Path, left: int) -> None:
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    for name in ("best.ckpt", "last.ckpt"):
        torch.save({"weights": torch.arange(1000.0)}, folder / name)
    assert last_checkpoint(tmp_path) == folder / "last.ckpt"
    content = (folder / "last.ckpt").read_bytes()[:left]
    (folder / "last.ckpt").write_bytes(content)
    assert last_checkpoint(tmp_path) == folder / "best.ckpt"
    assert (folder / "last.ckpt.damaged").read_bytes() == content
    (folder / "best.ckpt").write_bytes(content)
    assert last_checkpoint(tmp_path) is None
