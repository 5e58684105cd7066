"""`trialsmith predict`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trialsmith.cli.app import Storage, app, refuse

if TYPE_CHECKING:
    from trialsmith.data.problem import Problem
    from trialsmith.prediction import Predictor

SHOWN = 20  # skipped inputs on the screen
SOME_SKIPPED = 3  # exit code


@app.command()
def predict(
    run: Annotated[
        str,
        typer.Argument(
            help="Folder of a run, of a retraining (all its seeds) or of a study (its best trial), "
            "or a study's name.",
            show_default=False,
        ),
    ],
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Crystals: files that ASE reads, folders of them, CSV, ase.db. Signals: .npy, "
            ".npz. Images: IDX files.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="A .csv or .json file; else CSV on the standard output.")
    ] = None,
    trial: Annotated[int | None, typer.Option(help="Of a study: this trial.")] = None,
    top: Annotated[
        int | None, typer.Option(help="Of a study: the ensemble of so many of its best trials.")
    ] = None,
    ensemble: Annotated[
        list[str] | None,
        typer.Option(help="A further RUN, whose predictions are averaged in; again for more."),
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Samples in memory at a time.", min=1)] = 64,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, …; else a GPU if any.")] = None,
    storage: Storage = None,
) -> None:
    """Predict new inputs with a trained model, in the units of its targets.

    Inputs that cannot be used are listed at the end with the reason, in OUT.skipped.csv too, and
    the exit code is 3; it is 1 where nothing could be predicted.
    """
    from trialsmith.errors import TrialsmithError
    from trialsmith.prediction import load
    from trialsmith.prediction.writing import UNFINISHED, format_of, write_skipped

    try:
        _refuse_own_input(out, files)
        kind = format_of(out)
        predictor = load([run, *(ensemble or [])], trial, top, device, storage)
        count, skipped = _write(predictor, files, out, kind, batch_size)
    except TrialsmithError as error:
        refuse(str(error))
    except OSError as error:
        refuse(f"{error.filename or out} cannot be written: {error.strerror or error}")
    except KeyboardInterrupt:
        done = f"; what is done is in {out}{UNFINISHED}" if out is not None else ""
        typer.echo(f"interrupted{done}", err=True)
        raise typer.Exit(130) from None
    for warning in predictor.warnings():
        typer.echo(f"warning: {warning}", err=True)
    listed = write_skipped(out, skipped) if out is not None else None
    _tell(predictor, count, skipped, out, listed)
    if skipped:
        raise typer.Exit(SOME_SKIPPED if count else 1)


def _write(
    predictor: "Predictor", files: Sequence[Path], out: Path | None, kind: type, batch_size: int
) -> "tuple[int, list[Problem]]":
    """How many samples were predicted, and what was skipped."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from trialsmith.prediction.writing import opened

    count, skipped = 0, []
    models = [member.folder for member in predictor.members]
    columns = (TextColumn("predicting"), BarColumn(), TextColumn("{task.completed}"))
    with (
        opened(out) as file,
        Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bar,
    ):
        task = bar.add_task("", total=None)  # nobody knows how much a file holds
        writer = kind(file, predictor.targets, len(models) > 1, models)
        writer.begin()
        for part in predictor.stream(files, batch_size):
            writer.add(part)
            count += len(part)
            skipped += part.skipped
            bar.update(task, completed=count)
        writer.end(skipped, predictor.warnings())
    return count, skipped


def _tell(
    predictor: "Predictor",
    count: int,
    skipped: "Sequence[Problem]",
    out: Path | None,
    listed: Path | None,
) -> None:
    for problem in skipped[:SHOWN]:
        typer.echo(f"skipped: {problem}", err=True)
    if len(skipped) > SHOWN:
        typer.echo(f"skipped: and {len(skipped) - SHOWN} more", err=True)
    several = len(predictor.members)
    models = f" by {several} models (mean and standard deviation)" if several > 1 else ""
    where = f" in {out}" if out is not None else ""
    bad = f"; {len(skipped)} skipped" if skipped else ""
    typer.echo(f"{count} predicted{models}{where}{bad}{f': {listed}' if listed else ''}", err=True)


def _refuse_own_input(out: Path | None, files: Sequence[Path]) -> None:
    from trialsmith.errors import DataError

    if out is not None and out.exists() and any(f.exists() and out.samefile(f) for f in files):
        raise DataError(f"--out {out} is one of the inputs, and would be overwritten")
