"""Every epoch's numbers, in a table and on one line of the log."""

import csv
import logging
import time
from pathlib import Path

import lightning.pytorch as pl

log = logging.getLogger(__name__)


class History(pl.Callback):
    """Appends one row an epoch to `history.csv`, so that a run that is cut short leaves its curve.

    Columns: epoch, step, seconds, lr, then every metric that was logged by the first epoch's end.
    """

    def __init__(self, folder: str | Path) -> None:
        self.path = Path(folder) / "history.csv"
        self.rows: list[dict[str, int | float]] = []
        self._columns: list[str] = []
        self._started = 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._started = time.perf_counter()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        row = {
            "epoch": trainer.current_epoch,
            "step": trainer.global_step,
            "seconds": round(time.perf_counter() - self._started, 4),
            "lr": trainer.optimizers[0].param_groups[0]["lr"],
            **_metrics(trainer),
        }
        self.rows.append(row)
        self._append(row)
        metrics = "  ".join(f"{k} {v:.4g}" for k, v in row.items() if "/" in k)
        last = trainer.max_epochs
        log.info("epoch %d/%s  %s  (%.1f s)", row["epoch"] + 1, last, metrics, row["seconds"])

    def _append(self, row: dict[str, int | float]) -> None:
        first = not self._columns
        if first:
            self._columns = list(row)
        with self.path.open("w" if first else "a", newline="") as file:
            table = csv.DictWriter(file, self._columns, restval="", extrasaction="ignore")
            if first:
                table.writeheader()
            table.writerow(row)


def _metrics(trainer: pl.Trainer) -> dict[str, float]:
    """The epoch's own metrics: `best/…` sums up the epochs before it."""
    return {
        name: float(value)
        for name, value in sorted(trainer.callback_metrics.items())
        if not name.startswith("best/")
    }
