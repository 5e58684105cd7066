"""While data are prepared, the processes of the trials import what these will build."""

import pytest

from tests.search_program import PROGRAM

pytestmark = pytest.mark.slow

HEAVY = """
import os
import time
from pathlib import Path

from trialsmith.errors import DataError

print("heavy is imported")
with Path("importing").open("a") as file:
    file.write(f"{os.getpid()}\\n")


class Data:
    def __init__(self, path=None, target=None, awaited=0):
        self.awaited = awaited

    def prepare_data(self):
        deadline = time.monotonic() + 60
        while len(Path("importing").read_text().split()) < 1 + self.awaited:
            if time.monotonic() > deadline:
                raise DataError("nobody else imports it")
            time.sleep(0.05)
        if self.awaited == 0:
            raise DataError("what was read is wrong")
"""

SETTINGS = (
    "hparams_search=plain",
    "hydra.sweeper.prepare=data",
    "data._target_=heavy.Data",
    "hydra.sweeper.n_jobs=3",
    "hydra.sweeper.n_trials=2",
)


@pytest.fixture
def heavy(app):
    allowed = '("program.Data", "heavy.*", "leaving.*")'
    (app.folder / "program.py").write_text(PROGRAM.replace('("program.Data",)', allowed))
    (app.folder / "heavy.py").write_text(HEAVY)
    (app.folder / "leaving.py").write_text("raise SystemExit('no licence')")
    return app


def test_slots_import_while_data_are_prepared(heavy):
    # what cannot be imported is the matter of who builds it: nobody
    lost = ("+other._target_=heavy.Lost", "+another._target_=leaving.Model")
    heavy.search(*SETTINGS, "+data.awaited=2", *lost)
    assert heavy.states() == {"COMPLETE": 2}
    importers = (heavy.folder / "importing").read_text().split()
    assert len(importers) == len(set(importers)) == 3  # no slot more than there are trials
    for trial in heavy.study().trials:  # what an import prints stands with the slot's first trial
        console = heavy.folder / "multirun" / "plain" / trial.user_attrs["folder"] / "console.log"
        first, second = console.read_text().splitlines()
        assert first == "heavy is imported"
        assert second.startswith(f"trial {trial.number} ")


def test_slots_end_with_a_preparation_that_fails(heavy):
    output = heavy.search(*SETTINGS, "+data.awaited=0", code=1)
    assert "what was read is wrong" in output
    assert "Traceback" not in output
    heavy.wait_until(lambda: not heavy.processes())


def test_an_environment_of_the_jobs_holds_for_their_imports(heavy):
    heavy.search(*SETTINGS[:1], *SETTINGS[2:], "+hydra.job.env_set.THEIRS=1")
    assert not (heavy.folder / "importing").exists()


def test_nothing_is_imported_that_the_program_does_not_trust(heavy):
    (heavy.folder / "program.py").write_text(PROGRAM)
    heavy.search(*SETTINGS[:1], *SETTINGS[2:])
    assert not (heavy.folder / "importing").exists()
