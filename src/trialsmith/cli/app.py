"""The command `trialsmith` and what its commands share.

Commands import what they need: `trialsmith --help` answers before Optuna would have loaded.
"""

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
    typer.Option(
        help="The study's storage, where the folder does not tell it: journal, sqlite, or an "
        "Optuna URL."
    ),
]


@app.callback()
def main() -> None:
    """Look at a study and at its trials."""


def opened_study(study: str, storage: str | None) -> "tuple[Path, optuna.Study]":
    """Returns a study's folder and the study; what is wrong with them ends the command."""
    from trialsmith.errors import TrialsmithError
    from trialsmith.study.locate import find_folder, open_study

    try:
        folder = find_folder(study)
        return folder, open_study(folder, storage)
    except TrialsmithError as error:
        refuse(str(error))


def refuse(message: str) -> NoReturn:
    """Ends the command with a message for its user."""
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(1)
