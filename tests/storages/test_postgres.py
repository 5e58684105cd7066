"""Studies on a real PostgreSQL server: shared by several machines, restarted in mid-search."""

import importlib.util
import subprocess
import sys
import time

import optuna
import pytest
from servers import ENCODED, PASSWORD, leaks

from trialsmith.search.domains import identity
from trialsmith.search.storage import open_storage

pytestmark = pytest.mark.slow


def trials(server, name):
    study = optuna.load_study(study_name=name, storage=open_storage(server.url))
    return study.get_trials(deepcopy=False)


def states(server, name):
    names = [trial.state.name for trial in trials(server, name)]
    return {state: names.count(state) for state in set(names)}


def test_four_machines_share_one_search_and_a_restart_of_the_server_costs_nothing(
    postgresql, machines, monkeypatch
):
    monkeypatch.setenv("DATABASE", postgresql.url)
    words = (
        *("hparams_search=plain", "hydra.sweeper.study_name=shared", "hydra.sweeper.n_trials=40"),
        *("epochs=3", "pause=0.1", "x=choice(0.0,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9)"),
        *("n=range(1,5)", "hydra.sweeper.storage=${oc.env:DATABASE}"),  # 40 points in all
    )
    sweepers = [app.start(*words) for app in machines[1:]]
    sweepers.append(machines[0].start(*words, *_another_launcher()))
    machines[0].wait_until(lambda: _counted(postgresql) > 3)
    postgresql.stop()
    time.sleep(3)
    postgresql.start()
    outputs = [sweeper.communicate(timeout=400)[0] for sweeper in sweepers]
    assert [sweeper.returncode for sweeper in sweepers] == [0] * 4, "\n\n".join(outputs)
    done = trials(postgresql, "shared")
    counted = [trial for trial in done if trial.state.name in ("COMPLETE", "PRUNED")]
    assert len(counted) == 40
    assert {trial.state.name for trial in done} <= {"COMPLETE", "PRUNED", "FAIL"}
    assert len({identity(trial.user_attrs["params"]) for trial in counted}) == 40
    assert len({trial.user_attrs["owner"] for trial in counted}) == 4
    assert any("does not answer" in output for output in outputs)
    assert not any(secret in output for output in outputs for secret in (PASSWORD, ENCODED))
    assert [leak for app in machines for leak in leaks(app.folder)] == []


FIRST = """
import sys
from pathlib import Path
from trialsmith.search.opening import StudyPlan, open_study
from trialsmith.search.space import Space
from trialsmith.search.turns import Turns

folder = Path(sys.argv[2])
folder.mkdir()
plan = StudyPlan("first", folder, sys.argv[1], ("minimize",), Space(()), {})
with Turns(folder / ".lock", plan.url, plan.name):
    print(open_study(plan)._study_id)
"""


def test_who_comes_first_sets_up_a_fresh_database(postgresql, tmp_path):
    url = postgresql.database("fresh")
    words = [[sys.executable, "-c", FIRST, url, str(tmp_path / str(k))] for k in range(6)]
    racers = [subprocess.Popen(w, stdout=subprocess.PIPE, text=True) for w in words]
    outputs = [racer.communicate(timeout=200)[0] for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * 6
    assert len(set(outputs)) == 1


def _another_launcher() -> list[str]:
    """One that pickles what it sends, where it is installed."""
    found = importlib.util.find_spec("submitit") is not None
    return ["hydra/launcher=submitit_local"] if found else []


def _counted(server) -> int:
    try:
        found = states(server, "shared")
    except KeyError:  # not begun yet
        return 0
    return found.get("COMPLETE", 0) + found.get("PRUNED", 0)
