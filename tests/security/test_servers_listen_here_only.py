"""Nobody but this machine reaches what is served."""

from pathlib import Path

import optuna
import pytest


def test_the_dashboard_listens_on_the_loopback_alone(tmp_path: Path) -> None:
    pytest.importorskip("optuna_dashboard")
    from trialsmith.study.dashboard import dashboard_server

    with dashboard_server(optuna.storages.InMemoryStorage(), tmp_path) as server:
        assert server.server_address[0] == "127.0.0.1"
