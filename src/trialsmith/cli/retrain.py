"""`trialsmith retrain`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trialsmith.cli.app import Storage, app, refuse

if TYPE_CHECKING:
    from trialsmith.study.retraining.candidate import Candidate

OWN = ("hydra.run.dir", "hydra.sweep.dir")


@app.command()
def retrain(
    study: Annotated[
        str,
        typer.Argument(
            help="A study's folder or name; or a best_config.yaml, a best_params.json or a copy.",
            show_default=False,
        ),
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            help="Hydra overrides, as trainer.max_epochs=500 or data.path=…; seed=0,1,2 trains "
            "with three seeds.",
            show_default=False,
        ),
    ] = None,
    trial: Annotated[
        list[int] | None, typer.Option(help="This trial in place of the best; again for more.")
    ] = None,
    top: Annotated[
        int | None, typer.Option(help="So many of the best trials; validation chooses among them.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="A new folder; else outputs/retrain/STUDY/<date>/<time>.")
    ] = None,
    new: Annotated[
        bool, typer.Option("--new", help="Begin anew where the same was interrupted.")
    ] = False,
    storage: Storage = None,
) -> None:
    """Train what a search found anew, and score the test split once.

    Any override of train.py can be given: more epochs (trainer.max_epochs=500), other data
    (data.path=… data.target=…), early stopping (callbacks.early_stopping.patience=50, or null for
    none), seeds. Interrupted, the same command goes on.
    """
    from rich.console import Console

    from hydra_plugins.trialsmith_sweeper import _retraining as hydra
    from trialsmith.errors import TrialsmithError
    from trialsmith.study.retraining.plan import Plan, find_place
    from trialsmith.study.retraining.retrain import retrain as retrained
    from trialsmith.study.retraining.screen import last_screen
    from trialsmith.study.retraining.training import Stopped

    try:
        seeds, words = hydra.seeds_and_rest(overrides or [])
        for word in words:
            if word.lstrip("+").partition("=")[0] in OWN:
                refuse(f"{word}: name the folder with --output")
        name, candidates = _candidates(study, trial or [], top, storage)
        plan = Plan(name, candidates, seeds, words)
        place = find_place(plan, output, Path("outputs", "retrain", name), new)
        if place.goes_on:
            typer.echo(f"goes on with {place.folder}, which was interrupted; --new begins anew")
        else:
            typer.echo(f"in {place.folder}")
        final = retrained(plan, place, typer.echo)
    except TrialsmithError as error:
        refuse(str(error))
    except OSError as error:
        refuse(f"{error.filename} cannot be written: {error.strerror or error}")
    except Stopped as stop:
        typer.echo(f"interrupted; the same command goes on with {place.folder}", err=True)
        raise typer.Exit(stop.exit_code) from None
    Console().print(last_screen(final, place.folder), crop=False, soft_wrap=False)
    if final["failed"]:
        raise typer.Exit(1)


def _candidates(
    study: str, numbers: list[int], top: int | None, storage: str | None
) -> "tuple[str, list[Candidate]]":
    """What the retraining is called after, and what it trains.

    Raises:
        SearchError: there is no such study, trial or file.
    """
    from trialsmith.cli.app import opened_study
    from trialsmith.errors import SearchError
    from trialsmith.study.retraining.candidate import of_file, of_study, study_of_file

    path = Path(study).expanduser()
    if path.is_file():
        folder = study_of_file(path)
        if folder is None:
            if numbers or top is not None:
                raise SearchError(f"{path} is a file: --trial and --top choose among a study's")
            return path.stem, [of_file(path)]
        study = str(folder)
    found, opened = opened_study(study, storage)
    return found.resolve().name, of_study(opened, found, numbers, top)
