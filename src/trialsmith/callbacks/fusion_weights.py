"""What the fusion did with the text: its weights, gates and attention, epoch by epoch."""

import csv
import math
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.loggers import TensorBoardLogger

from trialsmith.callbacks.running_moments import RunningMoments
from trialsmith.fusion import Fusion, Gauge, Place

COLUMNS = (
    *("epoch", "site", "layer", "w_graph", "w_text", "ratio", "spread"),
    *("gate", "gate_spread", "entropy", "entropy_spread"),
)
Row = dict[str, int | float | str]


class FusionWeights(pl.Callback):
    """Appends a row an epoch and fused place to `fusion_weights.csv`; draws `fusion_weights.png`.

    Each number is a running mean over the training batches (`RunningMoments`) of what single atoms
    do, and its spread the standard deviation over atoms; empty where a place has none:

    - ``w_graph``, ``w_text`` of dynamic fusion, which sum to one and have one ``spread``, and
      ``ratio`` = (1 + w_graph) / w_text, in which graph and text enter by the residual;
    - ``gate`` of gated fusion, an atom's mean over its channels: 0 shut, 1 open;
    - ``entropy`` of attention, from 0 (all on one) to 1 (the same on all it could look at), mean
      over heads, of the first crystals of each batch. Of `fine_grained.tokens` and
      `cross_modal.text` the text looks at atoms, of all others atoms or graph look at tokens.

    ``layer`` counts ALIGNN layers from 1. The same goes to the loggers as `fusion/<place>/<number>`
    and the picture to TensorBoard. Without a fused place nothing is written. With several devices
    it is the first one's share of the batches that is told.

    Args:
        folder: where to write.
        decay: β of the running means. They should follow the model, not lag behind it: with 0.9
            ten batches make the mean, which are hundreds of atoms or more.
    """

    def __init__(self, folder: str | Path, decay: float = 0.9) -> None:
        self.folder = Path(folder)
        self.decay = decay
        self.rows: list[Row] = []
        self._moments: dict[Place, dict[str, RunningMoments]] = {}

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on after the checkpoint's rows."""
        self.rows = []
        self._append(list(state_dict["rows"]))

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._moments = {}
        for place, gauges in _gauges(pl_module).items():
            self._moments[place] = {name: RunningMoments(self.decay) for name in gauges}
            for name, gauge in gauges.items():
                gauge.listener = self._moments[place][name].add

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not self._moments or not trainer.is_global_zero:
            return
        epoch = trainer.current_epoch + 1
        rows: list[Row] = []
        scalars: dict[str, float] = {}
        for place, moments in self._moments.items():
            if numbers := _numbers(moments):
                rows.append({"epoch": epoch, **_place(place), **numbers})
                scalars |= {f"fusion/{place}/{name}": value for name, value in numbers.items()}
        self._append(rows)
        for logger in trainer.loggers:
            logger.log_metrics(scalars, step=trainer.global_step - 1)  # as Lightning counts

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not self.rows:
            return
        from trialsmith.callbacks.fusion_picture import draw, pixels  # matplotlib takes a while

        figure = draw(self.rows)
        figure.savefig(self.folder / "fusion_weights.png")
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.experiment.add_image(
                    "fusion/weights", pixels(figure), trainer.global_step - 1, dataformats="HWC"
                )

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        for gauges in _gauges(pl_module).values():
            for gauge in gauges.values():
                gauge.listener = None

    def _append(self, rows: list[Row]) -> None:
        first = not self.rows
        self.rows += rows
        with (self.folder / "fusion_weights.csv").open("w" if first else "a", newline="") as file:
            table = csv.DictWriter(file, COLUMNS, restval="")
            if first:
                table.writeheader()
            table.writerows(
                {key: f"{v:.6g}" if isinstance(v, float) else v for key, v in row.items()}
                for row in rows
            )


def _gauges(pl_module: pl.LightningModule) -> dict[Place, dict[str, Gauge]]:
    fusions = [module for module in pl_module.modules() if isinstance(module, Fusion)]
    return {place: gauges for fusion in fusions for place, gauges in fusion.gauges().items()}


def _place(place: Place) -> Row:
    return {"site": place.site} if place.layer is None else {**place._asdict()}


def _numbers(moments: dict[str, RunningMoments]) -> dict[str, float]:
    """What there is to tell: where nothing has two tokens or atoms to look at, less or nothing."""
    numbers: dict[str, float] = {}
    for name, running in moments.items():
        if (read := running.read()) is None:
            continue
        mean, spread = read
        if name == "w_text":
            w_graph = 1 - mean
            ratio = (1 + w_graph) / mean if mean > 0 else math.inf
            numbers |= {"w_graph": w_graph, "w_text": mean, "ratio": ratio, "spread": spread}
        else:
            numbers |= {name: mean, f"{name}_spread": spread}
    return numbers
