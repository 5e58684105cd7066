"""A converted space is searched by the command line, and goes back into files of its form."""

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import optuna
import pytest
from typer.testing import CliRunner

from trialsmith import yaml12
from trialsmith.cli import app
from trialsmith.search.reading import dotted
from trialsmith.search.storage import open_storage, storage_url

PROGRAM = """
import hydra
from omegaconf import OmegaConf


@hydra.main(config_path="conf", config_name="config", execution_whitelist=())
def main(cfg):
    settings = OmegaConf.to_container(cfg, resolve=True)
    before = 12
    for layer in settings["net"]["layers"][: settings["net"].get("depth")]:
        assert layer["in_dim"] == before, layer
        assert layer.get("norm_args", [layer["out_dim"]]) == [layer["out_dim"]], layer
        before = layer["out_dim"]
    assert isinstance(settings["training"]["lr"], float)
    assert settings["net"]["hidden_dims"] == [48, 18]
    return before * settings["training"]["lr"]


if __name__ == "__main__":
    main()
"""
CONFIG = """
defaults:
  - hparams_search: null
  - override hydra/sweeper: trialsmith
  - _self_
hydra:
  sweep: {dir: "multirun/${hydra.sweeper.study_name}", subdir: "${hydra.job.num}"}
"""
BASE = """
net:
  layers:
    - {in_dim: 12, out_dim: 64, kind: sage, norm_args: [64]}
    - {in_dim: 64, out_dim: 32, kind: sage, norm_args: [32]}
  hidden_dims: [48, 18]
training: {lr: 1e-3, epochs: 5}
testing: {batch: 4}
"""
SPACE = """
net:
  layers:
    - {out_dim: [64, 128], kind: [sage, gcn]}
    - {out_dim: [32, 256], kind: [sage, gcn]}
  hidden_dims: [48, 18]
training:
  lr: {type: tuple, value: [1e-5, 1e-1, true]}
  epochs: {type: tuple, value: [5, 20, 5]}
"""
DEPS = """
net:
  layers:
    - {norm_args: ["net.layers[0].out_dim"]}
    - in_dim: "net.layers[0].out_dim"
      norm_args: ["net.layers[-1].out_dim"]
"""
DEPTH = """
# @package _global_
net:
  depth: 2
  hidden_dims: [48, 18]
  layers:
    - {in_dim: 12, out_dim: 8}
    - {in_dim: "${net.layers[0].out_dim}", out_dim: 8}
    - {in_dim: "${net.layers[1].out_dim}", out_dim: 8}
training: {lr: 1.0}
hydra:
  sweeper:
    n_trials: 8
    sampler: {seed: 0}
    params:
      net.depth: range(1, 4)
      net.layers.0.out_dim: choice(8, 16)
      net.layers[1].out_dim: {choices: [8, 16], when: {net.depth: [2, 3]}}
      net.layers.2.out_dim: {choices: [8, 16], when: {net.depth: 3}}
"""


class Program:
    """A program without torch, in a folder with `conf/`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("program.py", PROGRAM)
        self.write("conf/config.yaml", CONFIG)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip())
        return path

    def convert(self, *arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, ["convert", *arguments])
        assert result.exit_code == code, result.output
        return result.output

    def search(self, *overrides: str, code: int = 0) -> str:
        run = subprocess.run(
            [sys.executable, "program.py", "-m", *overrides],
            cwd=self.folder,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert run.returncode == code, run.stdout + run.stderr
        return run.stdout + run.stderr

    def study(self, name: str) -> optuna.Study:
        url = storage_url("journal", self.folder / "multirun" / name)
        return optuna.load_study(study_name=name, storage=open_storage(url))


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    monkeypatch.chdir(tmp_path)
    return Program(tmp_path)


def points(study: optuna.Study) -> list[dict[str, Any]]:
    return [trial.user_attrs["params"] for trial in study.trials]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("net.layers[0].out_dim", "net.layers.0.out_dim"),
        ("net.layers.0.out_dim", "net.layers.0.out_dim"),
        ("a[1][2]", "a.1.2"),
        ("net.layers.-1.out_dim", "net.layers[-1].out_dim"),
        ("net.a-1.b", "net.a-1.b"),
    ],
)
def test_one_key_of_a_list_item_has_one_spelling(written: str, read: str) -> None:
    assert dotted(written) == read


@pytest.mark.slow
def test_a_converted_space_is_searched_at_once_and_comes_back(program: Program) -> None:
    for name, text in {"base": BASE, "space": SPACE, "deps": DEPS}.items():
        program.write(f"{name}.yaml", text)
    files = ["--base", "base.yaml", "--space", "space.yaml", "--deps", "deps.yaml"]
    out = "conf/hparams_search/mine.yaml"
    told = program.convert(*files, "--out", out)
    assert "6 parameters" in told
    assert "python train.py -m hparams_search=mine" in told

    # the program itself refuses dimensions that do not agree
    sweeper = ["hydra.sweeper.n_trials=6", "hydra.sweeper.n_jobs=2", "hydra.sweeper.sampler.seed=0"]
    program.search("hparams_search=mine", *sweeper)
    study = program.study("mine")
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 6
    assert all(1e-5 <= point["training.lr"] <= 0.1 for point in points(study))
    assert study.trials[0].distributions["training.lr"].log

    again = ["--back", "multirun/mine", "--out", "found"]
    program.convert(*again)
    found = {path.name: yaml12.load(path.read_text()) for path in Path("found").iterdir()}
    best = points(study)[study.best_trial.number]
    assert found["best_params.yaml"] == best
    settings = found["base_settings.yaml"]
    assert list(settings) == ["net", "training", "testing"]
    assert settings["net"]["layers"][1]["in_dim"] == best["net.layers.0.out_dim"]
    assert settings["net"]["layers"][1]["norm_args"] == [best["net.layers.1.out_dim"]]
    assert settings["testing"] == {"batch": 4}
    assert "exist" in program.convert(*again, code=1)

    # the files that come back are the same search, begun from the best
    program.convert(
        *["--base", "found/base_settings.yaml", "--space", "found/search_space.yaml"],
        *["--deps", "found/dependencies.yaml", "--out", "conf/hparams_search/again.yaml"],
    )
    first, second = (
        yaml12.load(Path(out.replace("mine", n)).read_text()) for n in ("mine", "again")
    )
    assert second["hydra"] == first["hydra"]
    assert second["net"]["layers"][1]["in_dim"] == "${net.layers.0.out_dim}"
    assert second["training"]["lr"] == best["training.lr"]


@pytest.mark.slow
def test_layers_that_do_not_exist_are_not_sampled(program: Program) -> None:
    program.write("conf/hparams_search/depth.yaml", DEPTH)
    program.search("hparams_search=depth")
    found = points(program.study("depth"))
    assert {point["net.depth"] for point in found} == {1, 2, 3}
    for point in found:
        layers = [f"net.layers.{k}.out_dim" for k in range(point["net.depth"])]
        assert set(point) == {"net.depth", *layers}


@pytest.mark.slow
def test_a_fixed_list_item_leaves_the_search_in_either_spelling(program: Program) -> None:
    program.write("conf/hparams_search/depth.yaml", DEPTH)
    fixed = ["net.depth=1", "net.layers[0].out_dim=99", "hydra.sweeper.n_trials=1"]
    text = program.search("hparams_search=depth", *fixed, code=1)
    assert "nothing to search" in text


def test_a_wrong_space_ends_before_any_trial_with_every_mistake(program: Program) -> None:
    program.write(
        "conf/hparams_search/depth.yaml",
        DEPTH.replace("layers.0.out_dim: c", "layers.0.out_dmi: c")
        .replace("{choices: [8, 16], when: {net.depth: 3}}", "{low: 9, high: 3}")
        .replace("{net.depth: [2, 3]}", "{net.dept: [2, 3]}"),
    )
    text = program.search("hparams_search=depth", code=1)
    file = "conf/hparams_search/depth.yaml"
    assert f"{file}:16: net.layers.0.out_dmi is not a key of the configuration: did you m" in text
    assert f"{file}:17: net.layers.1.out_dim: when net.dept names what is neither" in text
    assert "did you mean net.depth" in text
    assert f"{file}:18: net.layers.2.out_dim is empty: low=9 is above high=3" in text
    assert not (program.folder / "multirun").exists()
