"""Any program as the thing that is tuned: parameters go in, its metric is read from its output."""

from trialsmith.command.command import Command as Command
