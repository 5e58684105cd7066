"""The command `trialsmith`: what can be done with a study once its trials are there.

Commands import what they need: `trialsmith --help` answers before Optuna would have loaded.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    import optuna

app = typer.Typer(
    help="Look at a study and at its trials.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Study = Annotated[
    str, typer.Argument(help="A study's folder, or its name under multirun/.", show_default=False)
]
Storage = Annotated[
    str | None,
    typer.Option(help="Optuna URL of the study's storage, where the folder does not tell it."),
]


@app.callback()
def main() -> None:
    """Look at a study and at its trials."""


@app.command()
def report(study: Study, storage: Storage = None) -> None:
    """Write all files of a study anew from its storage, and show what came out."""
    from rich.console import Console

    from trialsmith.study.figures import PAGES
    from trialsmith.study.folder import StudyFolder
    from trialsmith.study.stages.report import report as comparison_of
    from trialsmith.study.stages.stage import STAGE
    from trialsmith.study.summary import last_screen

    folder, opened = _open(study, storage)
    try:
        table = StudyFolder(folder).update(opened)
    except OSError as error:
        _refuse(f"{folder} cannot be written: {error}")
    console = Console()
    console.print(last_screen(table, folder), crop=False)
    for page in PAGES:
        console.print(f"Page       {folder / page}", highlight=False, soft_wrap=True)
    if STAGE in opened.user_attrs:
        console.print(comparison_of(opened, folder), crop=False)


@app.command()
def status(
    study: Study,
    trial: Annotated[
        int | None, typer.Option(help="Show this trial alone: its folder and all about it.")
    ] = None,
    storage: Storage = None,
) -> None:
    """List the trials of a study; with --trial N, the folder of one and what is known of it."""
    from rich.console import Console

    from trialsmith.study.formats import to_yaml
    from trialsmith.study.results import trial_info
    from trialsmith.study.summary import counts, trials_table
    from trialsmith.study.table import read

    folder, opened = _open(study, storage)
    table = read(opened)
    if trial is None:
        console = Console()
        console.print(trials_table(table))
        console.print(counts(table), highlight=False)
        return
    row = next((row for row in table.trials if row.number == trial), None)
    if row is None:
        last = len(table.trials) - 1
        known = f"it has trials 0 to {last}" if table.trials else "it has no trials yet"
        _refuse(f"study {table.name!r} has no trial {trial}; {known}")
    info = trial_info(table, row)
    if row.folder is not None:
        info["folder"] = str(folder / row.folder)
    typer.echo(to_yaml(info), nl=False)


@app.command()
def stages(
    plan: Annotated[
        str,
        typer.Argument(help="A plan of conf/stages, as dynamic_fusion.", show_default=False),
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            help="Hydra overrides of every stage; FILE:KEY=VALUE is of one alone.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run searches in stages, each begun from the best of the one before; again: it goes on."""
    from rich.console import Console
    from rich.rule import Rule

    from trialsmith.errors import TrialsmithError
    from trialsmith.study.stages.chain import read_plan, run_stages, stage_commands
    from trialsmith.study.stages.commands import shell

    console = Console()

    def show(command: Sequence[str]) -> None:
        console.print(Rule(align="left"), shell(command), highlight=False, soft_wrap=True)

    try:
        code = run_stages(stage_commands(read_plan(plan), overrides or []), show)
    except TrialsmithError as error:
        _refuse(str(error))
    raise typer.Exit(code)


def _open(study: str, storage: str | None) -> "tuple[Path, optuna.Study]":
    from trialsmith.errors import TrialsmithError
    from trialsmith.study.locate import find_folder, open_study

    try:
        folder = find_folder(study)
        return folder, open_study(folder, storage)
    except TrialsmithError as error:
        _refuse(str(error))


def _refuse(message: str) -> NoReturn:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    app()
