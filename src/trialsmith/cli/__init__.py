"""The command line `trialsmith`, one command a file."""

from trialsmith.cli import (  # noqa: F401  each adds itself to the app
    convert,
    dashboard,
    predict,
    report,
    retrain,
    stages,
    status,
)
from trialsmith.cli.app import app

__all__ = ["app"]
