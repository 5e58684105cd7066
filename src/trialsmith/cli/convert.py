"""`trialsmith convert`."""

from pathlib import Path
from typing import Annotated

import typer

from trialsmith.cli.app import Storage, app, opened_study, refuse


@app.command()
def convert(
    study: Annotated[
        str | None, typer.Argument(help="With --to: a study's folder, or its name.")
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(help="Move the study to this storage: journal, sqlite, or an Optuna URL."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="conf/hparams_search/NAME.yaml, to be written; with --back a folder."),
    ] = None,
    space: Annotated[
        Path | None, typer.Option(help="What is searched, with lists and tuples, or with tags.")
    ] = None,
    base: Annotated[
        Path | None, typer.Option(help="Base settings: the same tree, one value each.")
    ] = None,
    deps: Annotated[
        Path | None, typer.Option(help="Dependencies: the same tree, a leaf names another value.")
    ] = None,
    tune: Annotated[
        list[str] | None,
        typer.Option(help="Parts to tune, as model,training; the others are as in --base."),
    ] = None,
    bridge: Annotated[
        Path | None,
        typer.Option(help="Which keys of ours follow which of the settings; some are built in."),
    ] = None,
    tuning: Annotated[
        Path | None,
        typer.Option(help="Tuning settings: the files, parts, trials and storage, in one file."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    back: Annotated[
        str | None,
        typer.Option(help="A study, whose best trial and space to write as such files."),
    ] = None,
    storage: Storage = None,
) -> None:
    """Make a search file of YAML files that hold a search space and dependencies, or go back.

    With STUDY and --to: move a study to another storage; see docs/storages.md.
    The forms of these files are told in docs/search_spaces.md.
    """
    from trialsmith.errors import TrialsmithError
    from trialsmith.spaces.converting import Inputs, write_search_file

    if (study is None) != (to is None):
        refuse("a study is moved by `trialsmith convert STUDY --to STORAGE`: give both")
    if study is not None and to is not None:
        return _move(study, storage, to)
    if out is None:
        refuse("name the file or folder to be written: --out PATH")
    try:
        if back is not None:
            _back(back, storage, out, force)
        else:
            names = [name.strip() for given in tune or () for name in given.split(",")]
            parts = [name for name in names if name] if tune else None
            inputs = Inputs(space, base, deps, parts, bridge, tuning)
            for line in write_search_file(inputs, out, force):
                typer.echo(line)
    except TrialsmithError as error:
        refuse(str(error))
    except OSError as error:
        refuse(f"{out} cannot be written: {error.strerror}")


def _move(study: str, storage: str | None, to: str) -> None:
    import optuna

    from trialsmith.errors import TrialsmithError
    from trialsmith.study.copying import move

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder, opened = opened_study(study, storage)
    count = len(opened.trials)
    try:
        shown = move(opened, folder, to)
    except TrialsmithError as error:
        refuse(str(error))
    typer.echo(f"{opened.study_name} with {count} trials is in {shown} now")


def _back(study: str, storage: str | None, out: Path, force: bool) -> None:
    from trialsmith.spaces.back import write_back

    folder, opened = opened_study(study, storage)
    for path in write_back(folder, opened, out, force):
        typer.echo(path)
