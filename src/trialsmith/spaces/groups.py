"""The config groups of the program that a search file is for."""

from pathlib import Path
from typing import Any

from trialsmith import yaml12
from trialsmith.search.nearest import suggestion
from trialsmith.spaces.leaves import Follows, Searched, Tree
from trialsmith.spaces.mistakes import Mistakes

GROUP = "hparams_search"


class Groups:
    """What stands in a folder `conf/`.

    Args:
        conf: None: there is none, and no name is a group's.
    """

    def __init__(self, conf: Path | None) -> None:
        folders = sorted(path for path in conf.iterdir() if path.is_dir()) if conf else []
        self._options = {
            folder.name: [file.stem for file in sorted(folder.glob("*.yaml"))]
            for folder in folders
            if folder.name not in (GROUP, "hydra")
        }
        primary = conf / "train.yaml" if conf else None
        text = primary.read_text(encoding="utf-8") if primary and primary.is_file() else ""
        self._keys = {*self._options, *(yaml12.load(text) or ())}

    @classmethod
    def around(cls, search_file: Path) -> "Groups":
        """Those of the folder that `search_file` belongs to: `conf/hparams_search/mine.yaml`."""
        folder = search_file.absolute().parent
        return cls(folder.parent if folder.name == GROUP and folder.is_dir() else None)

    def has(self, name: str) -> bool:
        """Whether the program's configuration has a group or a key `name` at the top."""
        return name in self._keys

    def unknown(self, parts: list[str]) -> list[str]:
        """The names among `parts` that are no part of the program's configuration."""
        return [part for part in parts if part not in self._keys] if self._keys else []

    def chosen(self, tree: Tree, mistakes: Mistakes) -> dict[str, str]:
        """Group → config, where a name at the top of the settings is that of a group."""
        found = {}
        for key, leaf in tree.items():
            if len(key) > 1 or key[0] not in self._options or isinstance(leaf, Follows):
                continue
            group = str(key[0])
            domain = list(leaf.domain.values()) if isinstance(leaf, Searched) else []
            start: Any = leaf.start if isinstance(leaf, Searched) else getattr(leaf, "value", None)
            for name in [start, *domain]:
                if name not in self._options[group] and name is not None:
                    options = self._options[group]
                    hint = suggestion(str(name), options) or f": choose {', '.join(options)}"
                    mistakes.add(leaf.place, f"{group}={name} is not a config of its group{hint}")
            found[group] = "null" if start is None else str(start)
        return found
