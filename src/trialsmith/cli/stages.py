"""`trialsmith stages`."""

from collections.abc import Sequence
from typing import Annotated

import typer

from trialsmith.cli.app import app, refuse


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
    """Run searches in stages, each begun from the best of the one before; again: it goes on.

    All stages are checked before the first one begins.
    """
    from rich.console import Console
    from rich.rule import Rule

    from trialsmith.errors import TrialsmithError
    from trialsmith.study.stages.chain import SIGNALLED, read_plan, run_stages, stage_commands
    from trialsmith.study.stages.commands import shell

    console = Console()

    def show(command: Sequence[str]) -> None:
        console.print(Rule(align="left"), shell(command), highlight=False, soft_wrap=True)

    try:
        commands, own = stage_commands(read_plan(plan), overrides or [])
        code = run_stages(commands, own, show)
    except TrialsmithError as error:
        refuse(str(error))
    if code >= SIGNALLED:
        again = shell(["trialsmith", "stages", plan, *(overrides or [])])
        console.print(f"Go on with the stages: {again}", highlight=False, soft_wrap=True)
    raise typer.Exit(code)
