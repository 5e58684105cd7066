"""One trained model, loaded from the folder of its run."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import yaml
from jaxtyping import Float
from torch import Tensor, nn

from trialsmith import yaml12
from trialsmith.data.reader import Reader, unpacked_targets
from trialsmith.data.scaling import Classes, Standardiser
from trialsmith.data.target import Target
from trialsmith.errors import DataError
from trialsmith.prediction.locate import CHECKPOINT
from trialsmith.readout import Readout, readout_of
from trialsmith.runtime import with_matmul_precision

log = logging.getLogger(__name__)

# What lightning's Trainer computes in, by its `precision`; else in single precision.
_AUTOCAST = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}


@dataclass(eq=False)
class Member:
    """A model with the weights of its best epoch, and how it reads new inputs.

    Attributes:
        targets: what it predicts.
        inputs: hash-like description of the way it reads: members with equal ones share a batch.
    """

    folder: Path
    model: nn.Module
    readout: Readout
    reader: Reader
    targets: tuple[Target, ...]
    inputs: str
    precision: str
    matmul_precision: str

    @torch.inference_mode()
    def __call__(self, batch: Any) -> Float[Tensor, "samples outputs"]:
        """Predictions in the targets' own units, or the probabilities of classes; on the CPU."""
        device = next(self.model.parameters()).device
        dtype = _AUTOCAST.get(self.precision)
        autocast = torch.autocast(device.type, dtype=dtype, enabled=dtype is not None)
        with autocast, with_matmul_precision(self.matmul_precision):
            output = self.model(batch.to(device))
            return self.readout.predicted(output).float().cpu()


def load_member(folder: Path, device: torch.device) -> Member:
    """The model of a run.

    Raises:
        DataError: the folder does not fit the program or itself: names what is missing.
    """
    from hydra_plugins.trialsmith_sweeper import rebuilt

    config = run_config(folder)
    checkpoint = _checkpoint(folder / CHECKPOINT)
    data = rebuilt(config["data"])
    state = checkpoint.get(type(data).__qualname__)
    if not hasattr(data, "reader") or not isinstance(state, Mapping):
        raise DataError(
            f"{folder / CHECKPOINT} does not say how its data are read: it was written by an "
            "earlier version, or its data cannot be predicted with. Train it again"
        )
    targets = unpacked_targets(state["targets"])
    weights: dict[str, Tensor] = checkpoint["state_dict"]
    model = rebuilt(config["model"], **state["dimensions"])
    readout = readout_of(_scaler(targets, weights))
    _load(model, weights, "model.", folder)
    _load(readout, weights, "readout.", folder)
    return Member(
        folder=folder,
        model=model.to(device).eval(),
        readout=readout.to(device).eval(),
        reader=data.reader(state),
        targets=targets,
        inputs=_inputs(config["data"], state),
        precision=str(config["trainer"].get("precision", "32-true")),
        matmul_precision=str(config.get("matmul_precision", "highest")),
    )


def run_config(folder: Path) -> dict[str, Any]:
    """A run's resolved configuration; relative paths refer to where the run was started.

    Raises:
        DataError: the run trained no model.
    """
    config = yaml12.load((folder / "config.yaml").read_text(encoding="utf-8"))
    if not isinstance(config, dict) or "data" not in config or config.get("task"):
        raise DataError(f"{folder} is no run that trained a model: its config.yaml says otherwise")
    resolve = partial(_found_again, _start(folder))
    return {**config, "data": resolve(config["data"]), "model": resolve(config["model"])}


def _start(folder: Path) -> Path | None:
    """Where the run was started: what its relative paths are relative to."""
    try:
        text = (folder / ".hydra" / "hydra.yaml").read_text(encoding="utf-8")
        return Path(yaml12.load(text)["hydra"]["runtime"]["cwd"])
    except (OSError, KeyError, TypeError, yaml.YAMLError):
        return None


def _found_again(start: Path | None, value: Any) -> Any:
    """`value` with relative paths made absolute that are there from `start` and not from here."""
    if isinstance(value, dict):
        return {key: _found_again(start, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_found_again(start, item) for item in value]
    is_path = isinstance(value, str) and "\n" not in value and 0 < len(value) < 256
    if start is None or not is_path or Path(value).is_absolute() or Path(value).exists():
        return value
    return str(start / value) if (start / value).exists() else value


def _checkpoint(path: Path) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle's, zip's, torch's own
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise DataError(f"{path} cannot be loaded as a checkpoint of weights: {reason}") from error
    if not isinstance(loaded, dict) or "state_dict" not in loaded:
        raise DataError(f"{path} is no checkpoint of a training here")
    return loaded


def _scaler(targets: tuple[Target, ...], weights: Mapping[str, Tensor]) -> Any:
    if targets[0].classes:
        return Classes(len(targets[0].classes))
    return Standardiser(weights["readout.mean"], weights["readout.std"])


def _load(part: nn.Module, weights: Mapping[str, Tensor], prefix: str, folder: Path) -> None:
    own = {key.removeprefix(prefix): w for key, w in weights.items() if key.startswith(prefix)}
    try:
        part.load_state_dict(own)
    except RuntimeError as error:
        told = " ".join(str(error).split())[:300]
        raise DataError(
            f"{folder / CHECKPOINT} does not fit {folder / 'config.yaml'}: {told}. Give the folder "
            "as the run left it, and the version of the program that made it (provenance.yaml)"
        ) from error


def _inputs(data: Mapping[str, Any], state: Mapping[str, Any]) -> str:
    """What a batch depends on, in words: all but what only training needs."""
    others = ("batch_size", "batch_atoms", "seed", "text_seed", "num_workers", "limit")
    kept = {key: value for key, value in data.items() if key not in others}
    return repr((sorted(kept.items(), key=lambda item: item[0]), sorted(state.items())))
