"""A tiny Hydra program whose trials can be broken in many ways, without torch."""

from pathlib import Path

import pytest
from search_program import App

PROGRAM = """
import ctypes
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import hydra


@hydra.main(config_path="conf", config_name="config", execution_whitelist=())
def main(cfg):
    from hydra.core.hydra_config import HydraConfig

    from hydra_plugins.trialsmith_sweeper import current_trial

    if cfg.fate == "import":
        import a_module_that_is_not_there  # noqa
    trial = current_trial()
    number = trial.number
    hit = number in (1, 3)
    score = (cfg.x - 0.3) ** 2
    for epoch in range(cfg.epochs):
        time.sleep(cfg.pause)
        value = score + number % 3
        if epoch == 1 and hit:
            value = fates(cfg.fate, value, Path(HydraConfig.get().runtime.output_dir))
        trial.report(value, epoch)
    return score


def fates(name, value, folder):
    if name == "hang":
        time.sleep(600)
    if name == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    if name == "exit":
        os._exit(7)
    if name == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "segfault":
        ctypes.string_at(0)
    if name == "no number":
        return float("nan")
    if name == "torch memory":
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried")
    if name == "memory":
        import resource

        room = 2 * 1024**3
        resource.setrlimit(resource.RLIMIT_AS, (room, resource.RLIM_INFINITY))
        try:
            bytearray(2 * room)
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
    if name == "callback":
        raise KeyError("a callback's own bug")
    if name == "quit":
        sys.exit("no reason")
    if name == "folder gone":
        shutil.rmtree(folder)
    return value


if __name__ == "__main__":
    main()
"""


class Broken(App):
    """The program in a folder of its own; `search` is the whole of the study `plain`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (folder / "program.py").write_text(PROGRAM)
        config = folder / "conf" / "config.yaml"
        kept = [line for line in config.read_text().splitlines() if not line.startswith("data:")]
        config.write_text("\n".join(kept))

    def check(self, n_trials: int, storage: str = "journal") -> dict[str, int]:
        """No trial is stuck, and the total is exact; the failures by their kinds."""
        trials = self.study(storage=storage).trials
        states = [trial.state.name for trial in trials]
        assert not {"RUNNING", "WAITING"} & set(states), states
        assert states.count("COMPLETE") + states.count("PRUNED") == n_trials, states
        assert [trial.number for trial in trials] == list(range(len(trials)))
        failed = [t.user_attrs.get("failure") for t in trials if t.state.name == "FAIL"]
        return {kind: failed.count(kind) for kind in set(failed)}


@pytest.fixture
def app(tmp_path):
    program = Broken(tmp_path.resolve())
    yield program
    program.end()
