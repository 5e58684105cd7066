"""A tiny Hydra program without torch, and searches of it by the command line."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import optuna
import psutil

from trialsmith.search.storage import open_storage, storage_url

PATIENCE = 400.0  # seconds: a search of seconds, on a machine that has much else to do

PROGRAM = """
import os
import signal
import time
from pathlib import Path

import hydra


class Data:
    def __init__(self, path=None, target=None):
        self.path = path

    def prepare_data(self):
        from trialsmith.errors import DataError

        with open("prepared", "a") as file:
            file.write("once\\n")
        if self.path == "broken.csv":
            raise DataError("broken.csv, line 3: the target is not a number")
        if self.path == "worse.csv":  # more than a pipe holds
            raise DataError("worse.csv: " + "not a number, " * 30_000 + "that is all")


@hydra.main(config_path="conf", config_name="config", execution_whitelist=("program.Data",))
def main(cfg):
    from hydra_plugins.trialsmith_sweeper import current_trial
    from trialsmith.errors import Diverged

    trial = current_trial()
    number = -1 if trial is None else trial.number
    print("trial", number, "threads", os.environ.get("OMP_NUM_THREADS"))
    if cfg.fate == "error":
        raise KeyError("a bug")
    if cfg.fate == "memory" and number % 2 == 0:
        raise MemoryError("so much")
    if cfg.fate == "diverge" and number % 2 == 0:
        return float("nan")
    if cfg.fate == "die" and number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    score = (cfg.x - 0.3) ** 2
    checkpoint = Path(f"{cfg.checkpoints}/{number}")
    first = int(checkpoint.read_text()) if checkpoint.exists() else 0
    for epoch in range(first, cfg.epochs):
        time.sleep(cfg.pause)
        if cfg.checkpoints is not None:
            checkpoint.write_text(str(epoch + 1))
        if trial is not None:
            trial.report(score + (number % 3), epoch)
    return [score, cfg.n] if cfg.fate == "two" else score


if __name__ == "__main__":
    main()
"""

CONFIG = {
    "config.yaml": """
defaults:
  - part: small
  - hparams_search: null
  - override hydra/sweeper: trialsmith
  - _self_
x: 0.5
n: 1
text: plain
fate: well
epochs: 2
pause: 0.0
checkpoints: null
threads: null
extra: {gone: 1}
data: {_target_: program.Data, path: null, target: null}
hydra:
  sweep:
    dir: multirun/${hydra.sweeper.study_name}
    subdir: ${now:%Y-%m-%d}/${now:%H-%M-%S}/${hydra.job.num}
""",
    "part/small.yaml": "width: 1\n",
    "part/large.yaml": "width: 2\nlayers: '1'\n",
    "hparams_search/plain.yaml": """
# @package _global_
hydra:
  sweeper:
    n_trials: 4
    sampler: {seed: 0}
    params:
      x: interval(0, 1)
      n: range(1, 5)
""",
    "hparams_search/full.yaml": """
# @package _global_
hydra:
  sweeper:
    n_trials: 12
    sampler: {seed: 0}
    params:
      x: {low: 0.0, high: 1.0}
      text: {choices: ["a,b", "k=v", "it's", "{x: [1]}", "", null, true, 1, 1.0, [1, "2,3"]]}
      part: choice(small, large)
      part.layers:
        - {choices: ["2", "1,3"], when: {part: large, n: 4}}
        - {choices: ["1"], when: {part: large}}
      n: choice(3, 4)
""",
}


class App:
    """The program in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "program.py").write_text(PROGRAM)
        for name, text in CONFIG.items():
            path = folder / "conf" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.lstrip())
        self._started: list[subprocess.Popen] = []

    def start(self, *overrides: str) -> subprocess.Popen:
        """A search in the background, its output in one stream."""
        path = os.pathsep.join(filter(None, [str(self.folder), os.environ.get("PYTHONPATH")]))
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path}
        process = subprocess.Popen(
            [sys.executable, "program.py", "-m", *overrides],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._started.append(process)
        return process

    def search(self, *overrides: str, code: int = 0) -> str:
        """A whole search; what it prints."""
        process = self.start(*overrides)
        output, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == code, output
        return output

    def study(self, name: str = "plain", storage: str = "journal") -> optuna.Study:
        open_storage.cache_clear()
        url = storage_url(storage, self.folder / "multirun" / name)
        return optuna.load_study(study_name=name, storage=open_storage(url))

    def states(self, name: str = "plain", storage: str = "journal") -> dict[str, int]:
        names = [trial.state.name for trial in self.study(name, storage).trials]
        return {state: names.count(state) for state in set(names)}

    def processes(self) -> list[psutil.Process]:
        """Every living process that works in the program's folder."""
        found = []
        for process in psutil.process_iter():
            try:
                here = process.cwd() == str(self.folder)
                if here and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (psutil.AccessDenied, psutil.NoSuchProcess):
                continue
        return found

    def wait_until(self, ready: Callable[[], bool], seconds: float = PATIENCE) -> None:
        deadline = time.monotonic() + seconds
        while not ready():
            assert time.monotonic() < deadline, "it did not happen"
            time.sleep(0.1)

    def wait_for_running(self, count: int, name: str = "plain") -> None:
        """Until so many trials have reported at least once."""

        def ready() -> bool:
            if not (self.folder / "multirun" / name / "study.journal").exists():
                return False
            try:
                trials = self.study(name).trials
            except KeyError:
                return False
            at_work = [t for t in trials if t.state.name == "RUNNING" and t.intermediate_values]
            return len(at_work) >= count

        self.wait_until(ready)

    def end(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()
