"""Configurations that try to run what they should not: each was tried, and none gets through."""

import inspect
import os
import pickle
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from hydra_plugins.trialsmith_sweeper import _build
from hydra_plugins.trialsmith_sweeper._build import build_pruner, build_stage, sampler_maker
from hydra_plugins.trialsmith_sweeper._rebuild import rebuilt
from trialsmith.buildable import BUILDABLE
from trialsmith.errors import DataError, SearchError

TRAINER = "lightning.pytorch.trainer"
CONNECTOR = f"{TRAINER}.connectors.checkpoint_connector._CheckpointConnector"
TOUCH = {"_target_": "os.system", "_args_": ["touch owned"]}
LATER = {"_target_": "os.system", "_partial_": True}


class Evil:
    """A pickle that runs a program when it is read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch owned",)


@pytest.fixture(autouse=True)
def nobody_was_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "precious").mkdir()
    (tmp_path / "evil_module.py").write_text("open('owned', 'w')")
    monkeypatch.syspath_prepend(tmp_path)
    torch.save({"state_dict": {}, "evil": Evil()}, "evil.ckpt")
    np.save("evil.npy", np.array([Evil()], dtype=object), allow_pickle=True)
    yield
    assert (tmp_path / "precious").is_dir()
    assert not (tmp_path / "owned").exists()


ATTACKS: dict[str, dict[str, Any]] = {
    "plainly": TOUCH,
    "alias": TOUCH | {"_target_": "trialsmith.provenance.subprocess.run"},
    "alias in a package": TOUCH | {"_target_": "torch.nn.functional.importlib.import_module"},
    "own whitelist": TOUCH | {"_execution_whitelist_": ["os.*"]},
    "partial": TOUCH | {"_partial_": True},
    "nested": {"_target_": "torch.nn.Dropout", "p": TOUCH},
    "deeply nested": {"_target_": "torch.nn.Dropout", "p": {"a": [1, {"b": TOUCH}]}},
    "a callback's argument": {
        "_target_": "lightning.pytorch.callbacks.LambdaCallback",
        "on_fit_start": LATER,
    },
    "a schedule's argument": {
        "_target_": "torch.optim.lr_scheduler.LambdaLR",
        "optimizer": None,
        "lr_lambda": LATER,
    },
    "a module's method": {
        "_target_": "torch.nn.Module.apply",
        "_args_": [{"_target_": "torch.nn.Identity"}, LATER],
    },
    "globals": {"_target_": "torch.nn.Linear.forward.__globals__.get", "_args_": ["torch"]},
    "builtins": {"_target_": "trialsmith.models.__builtins__.eval", "_args_": ["1"]},
    "an import by torch": {
        "_target_": "torch.nn.attention._fa3.register_flash_attention_fa3",
        "module_path": "evil_module",
    },
    "a later import by torch": {
        "_target_": "torch.nn.utils._deprecation_utils.lazy_deprecated_import",
        "_args_": [["x"], "torch.nn", "evil_module"],
    },
    "a pickle": {
        "_target_": "torch.nn.modules.module.torch.load",
        "f": "evil.ckpt",
        "weights_only": False,
    },
    "a pickle by numpy": {
        "_target_": "trialsmith.models.classifier.np.load",
        "file": "evil.npy",
        "allow_pickle": True,
    },
    "a pickle by Lightning": {
        "_target_": f"{CONNECTOR}.resume_start",
        "_args_": [
            {"_target_": CONNECTOR, "trainer": {"_target_": "lightning.pytorch.Trainer"}},
            "evil.ckpt",
            False,
        ],
    },
    "a call by Lightning": {
        "_target_": f"{TRAINER}.call._call_and_handle_interrupt",
        "_args_": [{"_target_": "lightning.pytorch.Trainer"}, LATER, "touch owned"],
    },
    "a removal by Lightning": {
        "_target_": "lightning.pytorch.callbacks.ModelCheckpoint._remove_checkpoint",
        "_args_": [
            {"_target_": "lightning.pytorch.callbacks.ModelCheckpoint"},
            {"_target_": "lightning.pytorch.Trainer"},
            "precious",
        ],
    },
    **{
        f"a pickle by Optuna, {name}": {
            "_target_": f"optuna.samplers.{name}._restore_optimizer",
            "self": {"_target_": "optuna.samplers.CmaEsSampler"},
            "completed_trials": [
                {"system_attrs": {"cma:optimizer:0": pickle.dumps(Evil()).hex()}},
            ],
        }
        for name in ("CmaEsSampler", "_cmaes.CmaEsSampler")
    },
    "a pruner's method": {
        "_target_": "optuna.pruners.NopPruner.prune",
        "_args_": [None, None, None],
    },
    "an optimizer's method": {
        "_target_": "torch.optim.Optimizer.load_state_dict",
        "_args_": [None, {}],
    },
    "a removal by our cache": {"_target_": "trialsmith.graph.cache._clear", "place": "precious"},
    "a program past its task": {
        "_target_": "trialsmith.command.program.Program",
        "arguments": ["touch", "owned"],
        "folder": ".",
        "grace": 1.0,
    },
    "a subprocess of our stages": {
        "_target_": "trialsmith.study.stages.chain.subprocess.Popen",
        "args": ["touch", "owned"],
    },
}


@pytest.mark.parametrize("name", ATTACKS)
def test_no_configuration_builds_what_is_not_listed(name: str) -> None:
    with pytest.raises(Exception, match=r"whitelist|cannot be|locating"):
        instantiate(ATTACKS[name], _execution_whitelist_=BUILDABLE)


@pytest.mark.parametrize("name", ATTACKS)
def test_no_folder_of_a_run_builds_what_is_not_listed(name: str) -> None:
    with pytest.raises(DataError, match="cannot be built"):
        rebuilt(ATTACKS[name])
    with pytest.raises(DataError, match="cannot be built"):
        rebuilt({"_target_": "trialsmith.command.Command", "command": "touch owned"})


def build_sampler(node: Any) -> None:
    make, _ = sampler_maker(node)
    make(0)


@pytest.mark.parametrize("build", [build_sampler, build_pruner, build_stage])
@pytest.mark.parametrize("name", ATTACKS)
def test_no_part_of_a_search_builds_what_is_not_listed(name: str, build: Any) -> None:
    with pytest.raises(SearchError, match="cannot be built"):
        build(OmegaConf.create(ATTACKS[name] | {"_partial_": False}))
    pruner = {"_target_": "optuna.pruners.PatientPruner", "wrapped_pruner": ATTACKS[name]}
    sampler = {"_target_": "optuna.samplers.PartialFixedSampler", "base_sampler": ATTACKS[name]}
    for inside in (pruner | {"patience": 1}, sampler | {"fixed_params": {}}):
        with pytest.raises(SearchError, match="cannot be built"):
            build(OmegaConf.create(inside))


def test_each_part_of_a_search_builds_its_own_kind_only() -> None:
    stage = {"_target_": "trialsmith.study.stages.stage.Stage"}
    with pytest.raises(SearchError, match="cannot be built"):
        build_sampler(OmegaConf.create(stage))
    with pytest.raises(SearchError, match="cannot be built"):
        build_stage(OmegaConf.create({"_target_": "optuna.pruners.NopPruner"}))


@pytest.mark.parametrize("name", sorted({*BUILDABLE, *sum(_build.BUILDABLE.values(), ())}))
def test_what_is_listed_is_a_constructor_and_nothing_below_it(name: str) -> None:
    place, _, constructor = name.rpartition(".")
    assert "*" not in name
    assert not constructor.startswith("_")
    module = import_module(place)  # hence no class, whose methods would follow
    if not hasattr(module, constructor):
        assert not name.startswith("trialsmith.")
        pytest.skip("other versions of the package have it")
    built = getattr(module, constructor)
    assert inspect.isclass(built) or inspect.isfunction(built)
