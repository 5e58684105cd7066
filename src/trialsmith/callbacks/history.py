"""Every epoch's numbers, in a table and on one line of the log."""

import csv
import logging
import time
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from torch.optim import Optimizer

log = logging.getLogger(__name__)


class History(pl.Callback):
    """Appends one row an epoch to `history.csv`, so that a run that is cut short leaves its curve.

    Columns: epoch (from 1), step, seconds, lr (of the epoch's last step), then every metric; empty
    where an epoch has none, such as an epoch without validation.
    """

    def __init__(self, folder: str | Path) -> None:
        self.path = Path(folder) / "history.csv"
        self.rows: list[dict[str, int | float]] = []
        self._columns: list[str] = []
        self._started = 0.0
        self._lr = 0.0
        self._validated = False

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on after the checkpoint's rows; one of an epoch that is run again is dropped."""
        self.rows = list(state_dict["rows"])
        self._columns = list(dict.fromkeys(name for row in self.rows for name in row))
        self._write(self.rows, "w")

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._started = time.perf_counter()
        self._validated = False

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Optimizer
    ) -> None:
        # at the epoch's end a schedule has moved on to the step that follows
        self._lr = optimizer.param_groups[0]["lr"]

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._validated = True

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        row = {
            "epoch": trainer.current_epoch + 1,
            "step": trainer.global_step,
            "seconds": round(time.perf_counter() - self._started, 4),
            "lr": self._lr,
            **self._metrics(trainer),
        }
        self.rows.append(row)
        self._append(row)
        metrics = "  ".join(f"{k} {v:.4g}" for k, v in row.items() if "/" in k)
        last = trainer.max_epochs
        log.info("epoch %d/%s  %s  (%.1f s)", row["epoch"], last, metrics, row["seconds"])

    def _metrics(self, trainer: pl.Trainer) -> dict[str, float]:
        """The epoch's own metrics: `best/…` and the last validation may be of epochs before it."""
        foreign = ("best/",) if self._validated else ("best/", "val/")
        return {
            name: float(value)
            for name, value in sorted(trainer.callback_metrics.items())
            if not name.startswith(foreign)
        }

    def _append(self, row: dict[str, int | float]) -> None:
        new = [name for name in row if name not in self._columns]
        self._columns += new
        if new:  # a metric that comes later, as a first validation may, needs a column
            self._write(self.rows, "w")
        else:
            self._write([row], "a")

    def _write(self, rows: list[dict[str, int | float]], mode: str) -> None:
        with self.path.open(mode, newline="") as file:
            table = csv.DictWriter(file, self._columns, restval="")
            if mode == "w":
                table.writeheader()
            table.writerows(rows)
