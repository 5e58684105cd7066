"""The configurations that the pages give compose, and the launchers take every key of them."""

import importlib.util
import re
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

ROOT = Path(__file__).parents[2]
PAGES = ("launchers/local", "launchers/slurm", "launchers/ray", "storages")
NEEDS = {"launchers/slurm": "submitit", "launchers/ray": "ray"}


@pytest.mark.parametrize("page", PAGES)
def test_the_configuration_of_a_page_composes(page: str, tmp_path: Path, monkeypatch) -> None:
    package = NEEDS.get(page)
    if package is not None and importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed: pip install -e '.[{package}]'")
    monkeypatch.setenv("TRIALSMITH_STORAGE", "postgresql+psycopg://me:password@host/optuna")
    text = (ROOT / "docs" / f"{page}.md").read_text()
    (found,) = re.findall(r"`conf/experiment/(\w+)\.yaml`.*?```yaml\n(.*?)```", text, re.DOTALL)
    name, content = found
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / f"{name}.yaml").write_text(content)
    words = [f"experiment={name}", "hparams_search=alignn_fusion", "folder=/nowhere"]
    with initialize_config_dir(str(ROOT / "conf")):
        config = compose(
            "train",
            [*words, f"hydra.searchpath=[file://{tmp_path}]"],
            return_hydra_config=True,
        )
    said = OmegaConf.create(content)
    for key in _leaves(said):
        assert OmegaConf.select(config, key) == OmegaConf.select(said, key), key
    if package is not None:
        assert package in config.hydra.launcher._target_


def _leaves(config) -> list[str]:
    found = []
    for key, value in OmegaConf.to_container(config).items():
        if key == "defaults":
            continue
        inner = _leaves(OmegaConf.create(value)) if isinstance(value, dict) and value else None
        found += [key] if inner is None else [f"{key}.{name}" for name in inner]
    return found
