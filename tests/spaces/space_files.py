"""Settings, a space and dependencies in a folder, and what is made of them."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

from omegaconf import OmegaConf

from trialsmith.spaces.converting import Inputs, write_search_file

BASE = """
model:
  layers:
    - {in_dim: 12, out_dim: 64, norm_args: [64]}
    - {in_dim: 64, out_dim: 32, norm_args: [32]}
  head: {in_dim: 32, hidden_dims: [48, 18], activation: relu}
  extra: null
training:
  lr: 1e-3
  epochs: 10
validation:
  epochs: 1
"""


class Files:
    """The three files; `base` is `BASE` unless it is written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("base", BASE)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / f"{name}.yaml"
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        return path

    def convert(
        self, space: str, deps: str = "", tune: Sequence[str] | None = None, base: bool = True
    ) -> Any:
        """The search file as OmegaConf reads it, resolved."""
        inputs = Inputs(
            space=self.write("space", space),
            base=self.folder / "base.yaml" if base else None,
            deps=self.write("deps", deps) if deps else None,
            tune=tune,
        )
        out = self.folder / "mine.yaml"
        write_search_file(inputs, out, force=True)
        return OmegaConf.load(out)


def resolved(config: Any) -> Any:
    """The values of a search file, interpolations followed, without Hydra's node."""
    values: Any = OmegaConf.to_container(config, resolve=True)
    del values["hydra"]
    return values


def params(config: Any) -> Any:
    """The entries of `hydra.sweeper.params`."""
    return OmegaConf.to_container(config.hydra.sweeper.params)
