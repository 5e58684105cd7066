"""A search on each kind of server that docs/storages.md names, restarted in the middle of it."""

import time
from collections.abc import Callable, Iterator

import optuna
import pytest
from servers import ENCODED, PASSWORD, MariaDB, Proxy, Redis, Server, leaks, needs

from trialsmith.search.domains import identity
from trialsmith.search.storage import open_storage

pytestmark = pytest.mark.slow

SERVERS: dict[str, tuple[Callable[[], Server], str, str]] = {
    "mysql": (MariaDB, "pymysql", "mysql"),
    "redis": (Redis, "redis", "redis"),
    "grpc": (Proxy, "grpc", "grpc"),
}


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    make, package, extra = SERVERS[request.param]
    needs(package, extra)
    server = make()
    yield server
    server.end()


def counted(server: Server) -> list[optuna.trial.FrozenTrial]:
    try:
        study = optuna.load_study(study_name="shared", storage=open_storage(server.url))
    except KeyError:  # not begun yet
        return []
    return [t for t in study.get_trials(deepcopy=False) if t.state.name in ("COMPLETE", "PRUNED")]


def test_two_machines_share_a_search_and_a_restart_costs_nothing(server, machines, monkeypatch):
    monkeypatch.setenv("TRIALSMITH_STORAGE", server.url)
    words = (
        *("hparams_search=plain", "hydra.sweeper.study_name=shared", "hydra.sweeper.n_trials=10"),
        *("epochs=3", "pause=0.2", "hydra.sweeper.storage=${oc.env:TRIALSMITH_STORAGE}"),
    )
    two = machines[:2]
    sweepers = [app.start(*words) for app in two]
    two[0].wait_until(lambda: len(counted(server)) > 1)
    server.stop()
    time.sleep(2)
    server.start()
    outputs = [sweeper.communicate(timeout=200)[0] for sweeper in sweepers]
    assert [sweeper.returncode for sweeper in sweepers] == [0, 0], "\n\n".join(outputs)
    done = counted(server)
    assert len(done) == 10
    assert len({identity(trial.user_attrs["params"]) for trial in done}) == 10
    assert len({trial.user_attrs["owner"] for trial in done}) == 2
    assert not any(word in output for output in outputs for word in (PASSWORD, ENCODED))
    assert [leak for app in two for leak in leaks(app.folder)] == []


def test_a_trial_begun_before_a_restart_gets_its_point_after_it(server):
    """A server that comes back has not yet read what its own clients have in hand."""
    storage = open_storage(server.url)
    study = optuna.create_study(study_name="shared", storage=storage)
    trial_id = storage.create_new_trial(study._study_id)
    server.stop()
    server.start()
    storage.set_trial_user_attr(trial_id, "params", {"x": 0.25})
    storage.set_trial_param(trial_id, "x", 0.25, optuna.distributions.FloatDistribution(0, 1))
    assert [trial.params for trial in study.get_trials()] == [{"x": 0.25}]
