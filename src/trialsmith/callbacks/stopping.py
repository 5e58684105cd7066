"""Which epoch is kept, and when a run has learned enough."""

from pathlib import Path

from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint

from trialsmith.direction import mode_of


def best_checkpoint(monitor: str, direction: str, folder: str | Path) -> ModelCheckpoint:
    """Keep the weights of the epoch with the best `monitor`, and the last ones to go on from."""
    return ModelCheckpoint(
        dirpath=folder,
        filename="best",
        monitor=monitor,
        mode=mode_of(direction, monitor),
        save_last=True,
        enable_version_counter=False,
    )


def early_stopping(monitor: str, direction: str, patience: int | None) -> EarlyStopping | None:
    """End the run after `patience` epochs without a better `monitor`; None: never."""
    if patience is None:
        return None
    # A NaN is the objective's to judge: it ends the run as diverged, not as finished.
    return EarlyStopping(
        monitor=monitor, mode=mode_of(direction, monitor), patience=patience, check_finite=False
    )
