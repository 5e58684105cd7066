"""`trialsmith dashboard`."""

from typing import Annotated

import typer

from trialsmith.cli.app import Storage, Study, app, opened_study, refuse


@app.command()
def dashboard(
    study: Study,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0: a free one.")] = 0,
    storage: Storage = None,
) -> None:
    """Serve optuna-dashboard with a study and its trials' pictures, to this machine alone."""
    from trialsmith.study.dashboard import dashboard_server

    folder, opened = opened_study(study, storage)
    try:
        server = dashboard_server(opened._storage, folder, port)
    except ImportError:
        refuse("optuna-dashboard is not installed: pip install 'optuna-dashboard>=0.21'")
    except (OSError, OverflowError) as error:
        refuse(f"port {port} cannot be used: {error}; leave --port out for a free one")
    with server:
        place = f"http://127.0.0.1:{server.server_port}/dashboard/studies/{opened._study_id}"
        typer.echo(f"{place}\nCtrl-C ends it.")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            typer.echo("ended")
