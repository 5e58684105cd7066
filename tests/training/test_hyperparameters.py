"""What TensorBoard's HPARAMS tab is told of a study's trials."""

from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
from lightning.pytorch.loggers import TensorBoardLogger
from optuna import TrialPruned
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import api_pb2, metadata

from trialsmith.callbacks import HyperParameters

SPACE: dict[str, Any] = {
    "lr": [{"low": 1e-4, "high": 1e-2, "step": None, "log": True}],
    "use": [{"choices": [True, False]}],
    "width": [{"low": 16, "high": 64, "step": 16, "log": False, "when": {"use": [True]}}],
    "norm": [{"choices": ["batch", None, 1]}],
}
POINTS: list[dict[str, Any]] = [
    {"lr": 1e-3, "use": False, "norm": None},
    {"lr": 2e-3, "use": True, "width": 32, "norm": "batch"},
    {"lr": 1, "use": True, "width": 16, "norm": 1},
]


def records(folder: Path, point: dict[str, Any], error: BaseException | None) -> dict[str, bytes]:
    """The tab's records of a run that ends so."""
    logger = TensorBoardLogger(save_dir=folder, name="", version="", default_hp_metric=False)
    trainer, module = pl.Trainer(logger=logger, accelerator="cpu"), pl.LightningModule()
    callback = HyperParameters(dict.fromkeys(SPACE) | point, "val/mae", SPACE)
    callback.on_fit_start(trainer, module)
    if error is None:
        callback.on_fit_end(trainer, module)
    else:
        callback.on_exception(trainer, module, error)
    logger.finalize("")
    events = EventAccumulator(str(folder)).Reload()
    return events.PluginTagToContent(metadata.PLUGIN_NAME)


def test_every_trial_declares_the_same_columns(tmp_path: Path) -> None:
    declared, started = [], []
    for k, point in enumerate(POINTS):
        found = records(tmp_path / str(k), point, None)
        experiment = metadata.parse_experiment_plugin_data(found[metadata.EXPERIMENT_TAG])
        declared.append(experiment.SerializeToString())
        start = metadata.parse_session_start_info_plugin_data(
            found[metadata.SESSION_START_INFO_TAG]
        )
        started.append(start.hparams)
    assert declared[0] == declared[1] == declared[2]
    assert {info.name for info in experiment.hparam_infos} == set(SPACE)
    assert [hparams["width"].string_value for hparams in started] == ["–", "32", "16"]
    assert [hparams["lr"].number_value for hparams in started] == [1e-3, 2e-3, 1.0]
    assert [hparams["norm"].string_value for hparams in started] == ["–", "batch", "1"]
    kinds = {info.name: info.type for info in experiment.hparam_infos}
    assert kinds["use"] == api_pb2.DATA_TYPE_BOOL


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (None, api_pb2.STATUS_SUCCESS),
        (TrialPruned(), api_pb2.STATUS_UNKNOWN),
        (RuntimeError("a bug"), api_pb2.STATUS_FAILURE),
    ],
)
def test_it_tells_how_a_run_ended(error: BaseException | None, status: int, tmp_path: Path) -> None:
    found = records(tmp_path, POINTS[0], error)
    end = metadata.parse_session_end_info_plugin_data(found[metadata.SESSION_END_INFO_TAG])
    assert end.status == status
