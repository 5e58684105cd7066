"""python -m trialsmith.cli"""

from trialsmith.cli import app

app()
