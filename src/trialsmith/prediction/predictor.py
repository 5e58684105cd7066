"""Trained models that read new inputs, a batch at a time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from trialsmith.data.problem import Problem
from trialsmith.data.target import Target
from trialsmith.errors import DataError
from trialsmith.prediction.locate import run_folders
from trialsmith.prediction.member import Member, load_member
from trialsmith.prediction.predicted import Predicted


class Predictor:
    """One model or an ensemble; see `load`."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = list(members)
        first = members[0]
        for member in members[1:]:
            if member.targets != first.targets:
                raise DataError(
                    f"{member.folder} predicts {_named(member.targets)} and {first.folder} "
                    f"{_named(first.targets)}: models of an ensemble must predict the same"
                )

    @property
    def targets(self) -> tuple[Target, ...]:
        """What is predicted."""
        return self.members[0].targets

    def predict(self, inputs: Any, batch_size: int = 64, on_error: str = "raise") -> Predicted:
        """Predictions of all samples of `inputs`.

        Args:
            inputs: a path, a structure (ASE's `Atoms`), an array of records, or a mapping of a
                graph's fields; or a list of them.
            batch_size: samples at a time; it does not change the numbers beyond rounding.
            on_error: `raise` refuses inputs with a bad one; `skip` lists it in `skipped`.

        Raises:
            DataError: an input cannot be used; with `skip`, none can.
        """
        if on_error not in ("raise", "skip"):
            raise DataError(f"on_error={on_error} must be raise or skip.")
        parts = list(self.stream(listed(inputs), batch_size))
        skipped = [problem for part in parts for problem in part.skipped]
        if skipped and (on_error == "raise" or not any(map(len, parts))):
            shown = "\n".join(f"  {problem}" for problem in skipped[:5])
            rest = f"\n  ... and {len(skipped) - 5} more" if len(skipped) > 5 else ""
            raise DataError(
                f"{len(skipped)} inputs cannot be predicted:\n{shown}{rest}\n"
                "Mend them, or leave them out with on_error='skip'."
            )
        spreads = [part.spread for part in parts if part.spread is not None]
        empty = np.zeros((0, len(self.targets[0].classes) or len(self.targets)), np.float32)
        return Predicted(
            ids=[id for part in parts for id in part.ids],
            where=[where for part in parts for where in part.where],
            values=np.concatenate([empty, *(part.values for part in parts)]),
            spread=np.concatenate([empty, *spreads]) if len(self.members) > 1 else None,
            targets=self.targets,
            skipped=skipped,
            warnings=self.warnings(),
        )

    def stream(self, inputs: Iterable[Any], batch_size: int = 64) -> Iterator[Predicted]:
        """Predictions of `batch_size` inputs at a time: no more of them are in memory."""
        if batch_size < 1:
            raise DataError(f"batch_size={batch_size} must be at least 1.")
        found = iter(self.members[0].reader.samples(inputs))
        while chunk := list(islice(found, batch_size)):
            yield self._predicted(chunk)

    def warnings(self) -> list[str]:
        """What to know of what was predicted so far."""
        told = (warning for member in self.members for warning in member.reader.warnings())
        return list(dict.fromkeys(told))

    def _predicted(self, chunk: list[Any]) -> Predicted:
        problems = [item for item in chunk if isinstance(item, Problem)]
        samples = [item for item in chunk if not isinstance(item, Problem)]
        batches: dict[str, tuple[Any, list[int], list[Problem]]] = {}
        outputs: list[dict[int, np.ndarray]] = []
        for member in self.members:
            if member.inputs not in batches:
                batches[member.inputs] = member.reader.batch(samples)
            batch, places, _ = batches[member.inputs]
            values = () if batch is None else member(batch).numpy()
            outputs.append(dict(zip(places, values, strict=True)))
        kept = [i for i in range(len(samples)) if all(i in output for output in outputs)]
        flaws = {(p.where, p.id): p for _, _, found in batches.values() for p in found}
        several = np.array([[output[i] for i in kept] for output in outputs], np.float32)
        several = several.reshape(len(outputs), len(kept), -1) if kept else self._none(len(outputs))
        return Predicted(
            ids=[samples[i].id for i in kept],
            where=[samples[i].where for i in kept],
            values=_mean(several),
            spread=several.std(0, ddof=1) if len(outputs) > 1 else None,
            targets=self.targets,
            skipped=[*problems, *flaws.values()],
        )

    def _none(self, members: int) -> Float[np.ndarray, "members 0 outputs"]:
        outputs = len(self.targets[0].classes) or len(self.targets)
        return np.zeros((members, 0, outputs), np.float32)


def load(
    run: str | Path | Sequence[str | Path],
    trial: int | None = None,
    top: int | None = None,
    device: str | None = None,
    storage: str | None = None,
) -> Predictor:
    """The trained model of a run, ready to predict.

    >>> found = load("multirun/my_study").predict(["new.cif", ase.build.bulk("Cu")])
    >>> found.values, found.units

    Args:
        run: the folder of a run, of a retraining (the ensemble of its seeds) or of a study, or a
            study's name (its best trial); a list of such is one ensemble.
        trial: of a study, this trial.
        top: of a study, the ensemble of so many of its best trials.
        device: such as `cpu` or `cuda`; None: a GPU where there is one.
        storage: of a study, where it is kept, if its folder does not tell: `journal`, `sqlite` or
            an Optuna URL.

    Raises:
        SearchError: no such run or study, or nothing is trained there yet.
        DataError: the folder does not fit itself or this version of the program.
    """
    names = [run] if isinstance(run, str | Path) else list(run)
    folders = [folder for name in names for folder in run_folders(name, trial, top, storage)]
    chosen = _device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    return Predictor([load_member(folder, chosen) for folder in dict.fromkeys(folders)])


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:  # of a build without CUDA
        reason = str(error).splitlines()[0]
        raise DataError(f"device={name} cannot be used here: {reason}") from None
    return device


def listed(inputs: Any) -> Iterable[Any]:
    """Inputs as a sequence: a single path, structure, array or graph is the only one."""
    single = isinstance(inputs, str | Path | np.ndarray | torch.Tensor | Mapping)
    return [inputs] if single or hasattr(inputs, "get_positions") else inputs


def _mean(several: Float[np.ndarray, "members samples outputs"]) -> np.ndarray:
    return several[0] if len(several) == 1 else several.mean(0)


def _named(targets: Sequence[Target]) -> str:
    return ", ".join(map(str, targets))
