"""Every YAML composes and builds; no key of the top level goes unread."""

import re
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from train import BUILDABLE

CONF = Path(__file__).resolve().parent.parent / "conf"


def config(*overrides: str, tmp_path: Path | None = None) -> DictConfig:
    with initialize_config_dir(str(CONF)):
        return compose("train", [f"folder={tmp_path or '/nowhere'}", *overrides])


def options(group: str) -> list[str]:
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def build(node: DictConfig, **arguments: object) -> object:
    return instantiate(node, _execution_whitelist_=BUILDABLE, **arguments)


@pytest.mark.parametrize("fusion", options("fusion"))
@pytest.mark.parametrize("text", ["hashed", "none"])
def test_every_model_builds_with_every_fusion_and_text(fusion: str, text: str) -> None:
    cfg = config(f"fusion={fusion}", f"text={text}")
    model = build(cfg.model, outputs=2)
    assert sum(p.numel() for p in model.parameters()) > 1e5
    build(cfg.text.tokens)


@pytest.mark.parametrize("loss", options("loss"))
@pytest.mark.parametrize("optimizer", options("optimizer"))
@pytest.mark.parametrize("scheduler", options("scheduler"))
def test_every_way_of_training_builds(loss: str, optimizer: str, scheduler: str) -> None:
    cfg = config(f"loss={loss}", f"optimizer={optimizer}", f"scheduler={scheduler}")
    weight = torch.nn.Parameter(torch.ones(2, 2))
    value = build(cfg.loss)(weight, torch.eye(2))  # numbers, or shares of two classes
    value.backward()
    assert weight.grad.abs().sum() > 0
    assert "scheduler" in build(cfg.scheduler)(build(cfg.optimizer)([weight]), steps=10)


@pytest.mark.parametrize("callbacks", options("callbacks"))
@pytest.mark.parametrize("logger", options("logger"))
def test_every_trainer_builds(callbacks: str, logger: str, tmp_path: Path) -> None:
    cfg = config(f"callbacks={callbacks}", f"logger={logger}", tmp_path=tmp_path)
    built = [c for c in build(cfg.callbacks).values() if c is not None]
    trainer = build(cfg.trainer, callbacks=built, logger=build(cfg.logger), accelerator="cpu")
    assert trainer.max_epochs == 50


@pytest.mark.parametrize("data", options("data"))
def test_every_data_set_composes_with_the_keys_that_users_expect(data: str) -> None:
    cfg = config(f"data={data}")
    for key in ("batch_size", "limit", "n_train", "n_val", "n_test", "on_error"):
        assert key in cfg.data, f"data={data} has no data.{key}"


@pytest.mark.parametrize("search", options("hparams_search"))
def test_every_search_composes(search: str) -> None:
    with initialize_config_dir(str(CONF)):
        cfg = compose(
            "train", [f"hparams_search={search}", "folder=/nowhere"], return_hydra_config=True
        )
    assert cfg.hydra.sweeper.params is not None


def test_no_key_of_the_top_level_goes_unread() -> None:
    """A run-level key is read by train.py, by the sweeper's file or by another config."""
    keys = set(OmegaConf.load(CONF / "train.yaml")) - {"defaults", "hydra"}
    assert len(keys) < 12
    texts = [(CONF.parent / "train.py").read_text()]
    texts += [path.read_text() for path in CONF.rglob("*.yaml")]
    for key in keys:
        read = re.compile(rf"cfg\.{key}\b|\$\{{{key}\b")
        assert any(read.search(text) for text in texts), f"nothing reads {key}"


@pytest.mark.parametrize("data", ["flow", "flow_synthetic", "fashion_mnist"])
def test_signals_choose_their_model_and_the_command_line_another(data: str) -> None:
    cfg = config(f"data={data}")
    assert build(cfg.model, outputs=2, shape=(1, 28, 28)).description.startswith("2D")
    OmegaConf.resolve(cfg)  # no text, no fusion that would ask for a crystal model's width
    assert ("CrossEntropy" in cfg.loss._target_) == (data == "fashion_mnist")
    score = ("val/accuracy", "maximize") if data == "fashion_mnist" else ("val/mae", "minimize")
    assert (cfg.monitor, cfg.direction) == score
    chosen = config(f"data={data}", "monitor=val/r2", "direction=maximize")
    assert (chosen.monitor, chosen.direction) == ("val/r2", "maximize")
    assert "alignn_layers" in config(f"data={data}", "model=alignn").model
