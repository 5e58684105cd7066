"""What a study found, as files of the form that search spaces come in.

The best trial's configuration becomes base settings, so that the next search or a run elsewhere
begins from it; the space and the dependencies are written beside it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna

from trialsmith import yaml12
from trialsmith.errors import SearchError
from trialsmith.spaces.keys import Key, parsed, shown
from trialsmith.spaces.leaves import Given, Tree, nested
from trialsmith.spaces.mistakes import Place
from trialsmith.spaces.trial_settings import leaves, trial_settings
from trialsmith.spaces.writing import config_lines
from trialsmith.study.results import trial_info
from trialsmith.study.table import read
from trialsmith.study.writing import replace_text

NOWHERE = Place("", 0)


def write_back(folder: Path, study: optuna.Study, out: Path, force: bool = False) -> list[Path]:
    """Write the best trial of a study and its space; the files.

    `best_trial.yaml` is what is known of the trial, `best_params.yaml` its sampled values,
    `base_settings.yaml` its whole configuration resolved, `search_space.yaml` and
    `dependencies.yaml` the space.

    Args:
        folder: of the study.

    Raises:
        SearchError: there is no best trial, it left no configuration, or a file exists.
    """
    table = read(study)
    best = table.best
    if best is None or best.folder is None:
        raise SearchError(f"study {table.name} has no single best trial yet")
    found = trial_settings(folder / best.folder)
    space, left = _space(found.values, table.attributes.get("space", {}).get("parameters", {}))
    links = {key: shown(target) for key, target in found.links.items()}
    texts = {
        "best_trial.yaml": yaml12.dump(trial_info(table, best)),
        "best_params.yaml": yaml12.dump(best.params),
        "base_settings.yaml": _text(
            found.values, [f"Trial {best.number}, the best of {table.name}."]
        ),
        "search_space.yaml": _text(space, left),
        "dependencies.yaml": _text(_padded(links), []),
    }
    return _write(out, texts, force)


def _write(out: Path, texts: Mapping[str, str], force: bool) -> list[Path]:
    if out.exists() and not out.is_dir():
        raise SearchError(f"--out {out} is a file: with --back name a folder")
    there = [str(out / name) for name in texts if (out / name).exists()]
    if there and not force:
        raise SearchError(
            f"{', '.join(there)} exist: name another folder, or replace them with --force"
        )
    out.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        replace_text(out / name, text)
    return [out / name for name in texts]


def _space(
    settings: dict[str, Any], parameters: Mapping[str, Sequence[Mapping[str, Any]]]
) -> tuple[dict[str, Any], list[str]]:
    """The settings with what was searched, and a line for what this form cannot say."""
    tree = dict(leaves(settings))
    left = []
    for name, branches in parameters.items():
        key = parsed(name.lstrip("+")) or ()
        entry = _entry(branches)
        inner = [leaf for leaf in tree if leaf[: len(key)] == key]
        if entry is None or not inner:
            left.append(f"Searched, and not to be said here: {name}: {list(branches)}")
            continue
        first = inner[0]  # whose place in the order the entry takes
        tree = {
            key if leaf == first else leaf: entry if leaf == first else value
            for leaf, value in tree.items()
            if leaf not in inner[1:]
        }
    return nested(tree) if tree else {}, left


def _entry(branches: Sequence[Mapping[str, Any]]) -> Any:
    """What stands in a search space for an entry of ours; None where nothing can."""
    (branch, *others) = branches
    if others or "when" in branch:
        return None
    if "choices" in branch:
        return list(branch["choices"])
    low, high, step, log = (branch[word] for word in ("low", "high", "step", "log"))
    if isinstance(low, int) and log:
        return None
    third = step if step is not None else bool(log)
    return {"type": "tuple", "value": [low, high, third]}


def _padded(links: Mapping[Key, Any]) -> Any:
    """The links as a tree, with {} for the list items between."""
    padded = dict(links)
    for key in links:
        for end, part in enumerate(key):
            for k in range(part) if isinstance(part, int) else ():
                item = (*key[:end], k)
                if not any(other[: end + 1] == item for other in padded):
                    padded[item] = {}
    return nested(padded) if padded else {}


def _text(value: Any, comments: Sequence[str]) -> str:
    tree: Tree = {key: Given(NOWHERE, leaf) for key, leaf in leaves(value)}
    lines = [text for text, _ in config_lines(tree, {})] if tree.keys() - {()} else ["{}"]
    return "".join(f"{line}\n" for line in [*(f"# {comment}" for comment in comments), *lines])
