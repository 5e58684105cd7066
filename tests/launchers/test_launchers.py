"""Whole searches with each of Hydra's launchers, chosen by its name alone, one job killed."""

import importlib.util
import os
import signal
import subprocess
from collections.abc import Callable, Iterator

import psutil
import pytest
from search_program import App
from slurm import Slurm, missing

from trialsmith.search.domains import identity

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("slurm")]

# The first two trials are long enough to be killed; from then on the bad ones are pruned early.
SEARCH = (
    *("hparams_search=plain", "hydra.sweeper.n_jobs=2", "hydra.sweeper.n_trials=12"),
    *("epochs=30", "pause=0.3", "hydra.sweeper.pruner.n_warmup_steps=1"),
    "hydra.sweeper.pruner.n_startup_trials=2",
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Slurm]:
    needs("submitit", "submitit")
    why = missing()
    if why is not None:
        pytest.skip(why)
    cluster = Slurm()
    yield cluster
    cluster.end()


@pytest.fixture
def slurm(cluster: Slurm, monkeypatch: pytest.MonkeyPatch) -> Slurm:
    monkeypatch.setenv("SLURM_CONF", str(cluster.conf))
    return cluster


def needs(package: str, extra: str) -> None:
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed: pip install -e '.[{extra}]'")


def is_the_total_exact(app: App, output: str, name: str = "plain") -> None:
    trials = app.study(name).trials
    counted = [trial for trial in trials if trial.state.name in ("COMPLETE", "PRUNED")]
    assert len(counted) == 12, output
    assert {trial.state.name for trial in trials} <= {"COMPLETE", "PRUNED", "FAIL"}
    assert any(trial.state.name == "PRUNED" for trial in trials)
    assert len({identity(trial.user_attrs["params"]) for trial in counted}) == 12
    assert not [
        trial for trial in trials if trial.state.name == "COMPLETE" and trial.values is None
    ]
    app.wait_until(lambda: app.processes() == [], seconds=30)


def kill_a_job(app: App, is_job: Callable[[psutil.Process], bool]) -> None:
    """SIGKILL for one worker that has a trial."""
    app.wait_for_running(2)
    jobs = [process for process in psutil.process_iter() if is_job(process)]
    jobs[0].kill()


def words_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def search_with_a_killed_job(app: App, launcher: str, is_job) -> str:
    search = app.start(f"hydra/launcher={launcher}", *SEARCH)
    kill_a_job(app, is_job)
    output, _ = search.communicate(timeout=400)
    assert search.returncode == 0, output
    assert "Traceback" not in output
    failed = [trial for trial in app.study().trials if trial.state.name == "FAIL"]
    assert [trial.user_attrs["failure"] for trial in failed] == ["interrupted"], output
    return output


@pytest.mark.fault  # what it adds to other tests, which have the first or the second launcher
@pytest.mark.parametrize("launcher", ["basic", "joblib"])
def test_processes_of_this_machine(app: App, launcher: str) -> None:
    if launcher == "joblib":
        needs("hydra_plugins.hydra_joblib_launcher", "joblib")

    def is_job(process: psutil.Process) -> bool:
        return "spawn_main" in words_of(process) and process in app.processes()

    output = search_with_a_killed_job(app, launcher, is_job)
    is_the_total_exact(app, output)


@pytest.mark.fault  # with SLURM's real one, and two others of this launcher below, one too many
def test_submitit_on_this_machine(app: App) -> None:
    needs("submitit", "submitit")

    def is_job(process: psutil.Process) -> bool:
        words = words_of(process)
        return "submitit.core._submit" in words and str(app.folder) in words

    output = search_with_a_killed_job(app, "submitit_local", is_job)
    is_the_total_exact(app, output)
    assert "was lost" in output


def is_slurms(app: App) -> Callable[[psutil.Process], bool]:
    def is_job(process: psutil.Process) -> bool:
        words = words_of(process)
        return "submitit.core._submit" in words and str(app.folder) in words and "srun" not in words

    return is_job


def test_slurm(app: App, slurm: Slurm) -> None:
    output = search_with_a_killed_job(app, "submitit_slurm", is_slurms(app))
    is_the_total_exact(app, output)


@pytest.mark.fault
def test_a_requeued_job_of_slurm_gives_its_trial_on(app: App, slurm: Slurm) -> None:
    search = app.start("hydra/launcher=submitit_slurm", *SEARCH)
    app.wait_for_running(2)
    subprocess.run(["scontrol", "requeue", slurm.jobs()[0]], check=True)
    goes_on_elsewhere(app, search)


@pytest.mark.fault
def test_a_preempted_job_of_slurm_gives_its_trial_on(app: App, slurm: Slurm) -> None:
    search = app.start("hydra/launcher=submitit_slurm", *SEARCH)
    app.wait_for_running(2)
    urgent = ["srun", "--partition=high", "--cpus-per-task=3", "sleep", "1"]
    subprocess.run(urgent, check=True, timeout=120)
    goes_on_elsewhere(app, search)


@pytest.mark.fault
def test_a_trial_may_be_longer_than_a_job_of_slurm(app: App, slurm: Slurm) -> None:
    (app.folder / "checkpoints").mkdir()
    # SLURM looks at the time of its jobs twice a minute only
    limit = ("hydra.launcher.timeout_min=1", "hydra.launcher.signal_delay_s=40")
    search = app.start(
        *(
            "hydra/launcher=submitit_slurm",
            *limit,
            "hparams_search=plain",
            "hydra.sweeper.n_jobs=2",
        ),
        *("hydra.sweeper.n_trials=2", "epochs=100", "pause=0.8"),
        f"checkpoints={app.folder}/checkpoints",
    )
    output, _ = search.communicate(timeout=400)
    assert search.returncode == 0, output
    assert output.count("goes on with another worker: its worker ended: SIGUSR2") >= 2
    assert app.states() == {"COMPLETE": 2}
    for trial in app.study().trials:  # in one row, whoever ran it
        assert list(trial.intermediate_values) == list(range(100))


def goes_on_elsewhere(app: App, search: subprocess.Popen) -> None:
    output, _ = search.communicate(timeout=400)
    assert search.returncode == 0, output
    assert "goes on with another worker" in output
    assert app.states().get("FAIL", 0) == 0
    is_the_total_exact(app, output)


def test_ray(app: App) -> None:
    needs("ray", "ray")

    def is_job(process: psutil.Process) -> bool:
        return "ray::_run_job" in words_of(process)

    output = search_with_a_killed_job(app, "ray", is_job)
    is_the_total_exact(app, output)


def test_ctrl_c_ends_the_workers_and_loses_nothing(app: App) -> None:
    needs("submitit", "submitit")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        pytest.skip("the signal is ignored here and in every child, as under nohup")
    search = app.start("hydra/launcher=submitit_local", *SEARCH, "epochs=400")
    app.wait_for_running(2)
    os.kill(search.pid, signal.SIGINT)
    output, _ = search.communicate(timeout=60)
    assert search.returncode == 130, output
    app.wait_until(lambda: app.processes() == [], seconds=30)
    assert app.states() == {"FAIL": 2, "WAITING": 2}


def test_workers_of_a_killed_sweep_end_by_themselves(app: App) -> None:
    needs("submitit", "submitit")
    search = app.start("hydra/launcher=submitit_local", *SEARCH, "epochs=400")
    app.wait_for_running(2)
    os.kill(search.pid, signal.SIGKILL)
    search.wait()
    app.wait_until(lambda: app.processes() == [], seconds=60)
