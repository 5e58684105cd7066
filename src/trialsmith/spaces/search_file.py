"""The text of a search file in `conf/hparams_search/`."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trialsmith import yaml12
from trialsmith.spaces.bridge import Bridge
from trialsmith.spaces.conversion import PARTS, Converted
from trialsmith.spaces.keys import shown
from trialsmith.spaces.leaves import Follows
from trialsmith.spaces.writing import config_lines, entry_lines, flow, text_of


def search_file(
    name: str,
    files: Sequence[Path],
    converted: Converted,
    bridge: Bridge | None,
    groups: Mapping[str, str],
    sweeper: Mapping[str, Any],
) -> str:
    """The search file `name`.

    Args:
        files: that it is made from.
        groups: config group → config, for the parts that are names of configs.
        sweeper: settings of `hydra.sweeper` beside `params`.
    """
    choices = {**(bridge.choose if bridge else {}), **groups}
    named = {"groups": list(groups)} if groups else {}
    tree = {key: leaf for key, leaf in converted.tree.items() if key[0] not in groups}
    tree |= bridge.tree if bridge else {}
    links = converted.links | (bridge.links if bridge else {})
    indent = " " * 4
    settings = [f"{indent}{line}" for line in yaml12.dump(sweeper).splitlines() if sweeper]
    entries = text_of(entry_lines(converted, len(indent) + 2))
    lines = [
        "# @package _global_",
        *(f"# {line}".rstrip() for line in _header(name, files, converted, bridge)),
        *(["defaults:"] if choices else []),
        *(f"  - override /{group}: {choice}" for group, choice in choices.items()),
        "",
        *text_of(config_lines(tree, links)),
        "",
        "# for `trialsmith convert --back`",
        f"{PARTS}: {flow({'parts': [p for p in converted.parts if p not in groups], **named})}",
        "",
        "hydra:",
        "  sweeper:",
        *settings,
        f"{indent}params:",
        *entries,
    ]
    return "\n".join(lines) + "\n"


def _header(
    name: str, files: Sequence[Path], converted: Converted, bridge: Bridge | None
) -> list[str]:
    follow = sum(isinstance(leaf, Follows) for leaf in converted.tree.values())
    tuned = dict.fromkeys(str(key[0]) for key in converted.entries)
    lines = _wrapped(
        f"Made by `trialsmith convert` from {', '.join(file.name for file in files)}: "
        f"{len(converted.entries)} values are searched, in {', '.join(tuned)}; {follow} follow "
        "others. Each line says where it comes from."
    )
    lines += [f"  python train.py -m hparams_search={name}", *converted.notes]
    if bridge is not None:
        lines.append(f"Keys of ours that follow the settings are those of {bridge.file.name}.")
        # which of them change nothing here: their owner must not think that they do
        unread = [shown(key) for key in converted.tree if not bridge.reads(key)]
        lines += _wrapped(f"Kept, and read by nothing of ours: {', '.join(unread) or 'none'}.")
    return lines


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 96, break_long_words=False, break_on_hyphens=False)
