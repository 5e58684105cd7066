"""The command line `trialsmith`, one command a file."""

from trialsmith.cli import report, stages, status  # noqa: F401  each adds itself to the app
from trialsmith.cli.app import app

__all__ = ["app"]
