"""TensorBoard's HPARAMS tab."""

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import lightning.pytorch as pl
from lightning.pytorch.loggers import TensorBoardLogger
from optuna import TrialPruned
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.plugins.hparams import api_pb2, metadata
from tensorboard.plugins.hparams.plugin_data_pb2 import (
    HParamsPluginData,
    SessionEndInfo,
    SessionStartInfo,
)

Cell = str | float | bool
Kind = Literal["number", "flag", "text"]
TYPES = {
    "number": api_pb2.DATA_TYPE_FLOAT64,
    "flag": api_pb2.DATA_TYPE_BOOL,
    "text": api_pb2.DATA_TYPE_STRING,
}
ABSENT = "–"


class HyperParameters(pl.Callback):
    """Shows a run in the HPARAMS tab from before its first epoch, and how it ended.

    TensorBoard takes the columns, their types and the metrics from one arbitrary run. So every run
    of a search declares the whole space, also what it does not have itself; there it has a dash,
    and a column in which that happens is one of texts. A run ends as Success, as Failure, or as
    Unknown when it was pruned; one that was killed stays Running.

    Args:
        values: by name; a nested mapping counts with its leaves, named `outer.inner`.
        monitor: the metric to show, besides its best value.
        space: what each of `values` could be, as a study describes its space: by name a list of
            branches with `choices`, or `low` and `high`, and `when`. Without it the types are
            those of the run's own values.
    """

    def __init__(
        self,
        values: Mapping[str, object],
        monitor: str,
        space: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    ) -> None:
        space = space or {}
        found = leaves(values)
        kinds = {
            key: kind_of_space(space[key]) if key in space else kind_of(value)
            for key, value in found.items()
        }
        self.values = {key: _cell(value, kinds[key]) for key, value in found.items()}
        self.monitor = monitor
        self._columns = [api_pb2.HParamInfo(name=key, type=TYPES[kinds[key]]) for key in found]

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        metrics = [f"best/{self.monitor}", self.monitor]
        infos = [api_pb2.MetricInfo(name=api_pb2.MetricName(tag=name)) for name in metrics]
        for logger in _loggers(trainer):
            logger.hparams.update(self.values)  # its hparams.yaml
            logger.log_metrics(dict.fromkeys(metrics, math.nan), step=0)
            experiment = api_pb2.Experiment(hparam_infos=self._columns, metric_infos=infos)
            _write(logger, metadata.EXPERIMENT_TAG, experiment=experiment)
            _write(logger, metadata.SESSION_START_INFO_TAG, session_start_info=self._started())

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._end(trainer, api_pb2.STATUS_SUCCESS)

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        pruned = isinstance(exception, TrialPruned)
        self._end(trainer, api_pb2.STATUS_UNKNOWN if pruned else api_pb2.STATUS_FAILURE)

    def _end(self, trainer: pl.Trainer, status: int) -> None:
        for logger in _loggers(trainer):
            ended = SessionEndInfo(status=status, end_time_secs=time.time())
            _write(logger, metadata.SESSION_END_INFO_TAG, session_end_info=ended)
            logger.experiment.flush()

    def _started(self) -> SessionStartInfo:
        started = SessionStartInfo(start_time_secs=time.time())
        for name, value in self.values.items():
            cell = started.hparams[name]
            if isinstance(value, bool):
                cell.bool_value = value
            elif isinstance(value, float):
                cell.number_value = value
            else:
                cell.string_value = value
        return started


def leaves(values: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """The values that are no mapping, by their dotted names."""
    found: dict[str, object] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            found.update(leaves(value, f"{prefix}{key}."))
        else:
            found[f"{prefix}{key}"] = value
    return found


def kind_of(value: object) -> Kind:
    """What a column of such values holds."""
    if isinstance(value, bool):
        return "flag"
    return "number" if isinstance(value, int | float) else "text"


def kind_of_space(branches: Sequence[Mapping[str, Any]]) -> Kind:
    """What a column of such a parameter holds: texts where a trial may lack it, for the dash."""
    if all(branch.get("when") for branch in branches):
        return "text"
    number: list[object] = [0.0]  # stands for the values of a range
    kinds = {kind_of(value) for branch in branches for value in branch.get("choices", number)}
    return kinds.pop() if len(kinds) == 1 else "text"


def _cell(value: object, kind: Kind) -> Cell:
    if kind == "flag":
        return bool(value)
    if kind == "number":
        return float(value)  # type: ignore[arg-type]
    if value is None:
        return ABSENT
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _loggers(trainer: pl.Trainer) -> list[TensorBoardLogger]:
    if not trainer.is_global_zero:
        return []
    return [logger for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)]


def _write(logger: TensorBoardLogger, tag: str, **content: Any) -> None:
    """A record of the tab's, as `torch.utils.tensorboard.summary.hparams` makes them."""
    data = HParamsPluginData(version=metadata.PLUGIN_DATA_VERSION, **content)
    plugin = SummaryMetadata.PluginData(
        plugin_name=metadata.PLUGIN_NAME, content=data.SerializeToString()
    )
    value = Summary.Value(tag=tag, metadata=SummaryMetadata(plugin_data=plugin))
    logger.experiment._get_file_writer().add_summary(Summary(value=[value]))
