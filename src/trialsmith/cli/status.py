"""`trialsmith status`."""

import contextlib
from typing import Annotated

import typer

from trialsmith.cli.app import Storage, Study, app, opened_study, refuse


@app.command()
def status(
    study: Study,
    trial: Annotated[
        int | None, typer.Option(help="Show this trial alone: its folder and all about it.")
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Follow the search until it ends or Ctrl-C.")
    ] = False,
    storage: Storage = None,
) -> None:
    """List the trials of a study; with --trial N, the folder of one and what is known of it."""
    from rich.console import Console

    from trialsmith.study import live
    from trialsmith.study.formats import to_yaml
    from trialsmith.study.results import trial_info
    from trialsmith.study.summary import abandoned, counts, trials_table
    from trialsmith.study.table import read

    folder, opened = opened_study(study, storage)
    if watch and trial is None:
        with contextlib.suppress(KeyboardInterrupt):
            live.watch(lambda: read(opened), Console())
        return
    table = read(opened)
    if trial is None:
        console = Console()
        console.print(trials_table(table))
        console.print(counts(table), highlight=False)
        if gone := abandoned(table):
            console.print(gone, style="yellow", highlight=False)
        if live.is_searched(table):
            console.print("It is being searched: --watch follows it.", style="dim")
        return
    row = next((row for row in table.trials if row.number == trial), None)
    if row is None:
        last = len(table.trials) - 1
        known = f"it has trials 0 to {last}" if table.trials else "it has no trials yet"
        refuse(f"study {table.name!r} has no trial {trial}; {known}")
    info = trial_info(table, row)
    if row.folder is not None:
        info["folder"] = str(folder / row.folder)
    typer.echo(to_yaml(info), nl=False)
