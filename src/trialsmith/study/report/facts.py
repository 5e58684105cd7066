"""What was searched: where it comes from, in words for the head of the page and a table."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trialsmith.study.formats import plain
from trialsmith.study.page import short
from trialsmith.study.report.runs import Run
from trialsmith.study.report.section import listed, numbered
from trialsmith.study.table import StudyTable

SHORT_COMMIT = 10


def data_of(table: StudyTable) -> str:
    """The data in a few words: a file or the name of a built-in set, and the target."""
    settings = _settings(table)
    if settings.get("command"):
        return f"the program {short(settings['command'], 80)}"
    path, target = settings.get("data.path"), settings.get("data.target")
    kind = str(settings.get("data._target_") or "").rpartition(".")[2]
    name = Path(str(path)).name if path else kind.replace("_", " ")
    return f"{name}, {target}" if name and target else name or "unknown data"


def facts(table: StudyTable, run: Run, folder: Path) -> dict[str, str]:
    """Name → value of what a reader asks for first; what is not known is left out."""
    settings = _settings(table)
    path = str(settings.get("data.path") or "")
    directions = [
        f"{name}, {'lower' if way == 'minimize' else 'higher'} is better"
        for name, way in zip(table.objectives, table.directions, strict=True)
    ]
    found = {
        "Score": "; ".join(directions),
        "Program": short(settings["command"], 200) if settings.get("command") else "",
        "Data": data_of(table) if not settings.get("command") else "",
        "Path": path if "/" in path else "",
        "Data's fingerprint": _each(table, "data_fingerprint"),
        "Searched": numbered(len(table.keys), "parameter") if table.keys else "",
        "Commit": commit_of(table, run),
        "Host": _each(table, "host"),
        "Versions": _versions(table, run),
        "Begun with": short(run.provenance.get("command") or "", 2000).strip('"'),
        "Folder": str(folder.resolve()),
    }
    return {name: value for name, value in found.items() if value}


def settings_of(table: StudyTable) -> dict[str, str]:
    """Every setting that all trials share, by its config key."""
    return {key: short(value, 200) for key, value in sorted(_settings(table).items())}


def searched(table: StudyTable) -> dict[str, str]:
    """Every parameter with what it could be, by its config key, conditions included."""
    space = table.attributes.get("space")
    described = space.get("parameters") if isinstance(space, Mapping) else None
    if not isinstance(described, Mapping):
        return {}
    return {str(key): "; or ".join(map(_branch, branches)) for key, branches in described.items()}


def _branch(branch: Mapping[str, Any]) -> str:
    if "choices" in branch:
        text = ", ".join(short(choice, 60) for choice in branch["choices"])
    else:
        text = f"{short(branch.get('low'))} to {short(branch.get('high'))}"
        text += ", logarithmic" if branch.get("log") else ""
        step = branch.get("step")
        text += f" in steps of {short(step)}" if step not in (None, 1) else ""
    when = branch.get("when") or {}
    rules = [f"{key} is {' or '.join(short(v) for v in allowed)}" for key, allowed in when.items()]
    return f"{text} (where {listed(rules)})" if rules else text


def _settings(table: StudyTable) -> Mapping[str, Any]:
    found = table.attributes.get("settings")
    return found if isinstance(found, Mapping) else {}


def _each(table: StudyTable, name: str) -> str:
    """The values of a user attribute over the trials, which may differ."""
    found = dict.fromkeys(str(t.attributes[name]) for t in table.trials if t.attributes.get(name))
    words = list(found)
    return listed(words) if len(words) <= 4 else f"{listed(words[:3])} and {len(words) - 3} more"


def commit_of(table: StudyTable, run: Run) -> str:
    """The commits of the trials, shortened; "" where none is known."""
    found = list(
        dict.fromkeys(str(c) for t in table.trials if (c := t.attributes.get("git_commit")))
    )
    if not found and run.provenance.get("git_commit"):
        found = [str(run.provenance["git_commit"])]
    if not found:
        return ""
    text = listed(commit[:SHORT_COMMIT] for commit in found[:4])
    return f"{text} with changes not committed" if run.provenance.get("git_dirty") else text


def _versions(table: StudyTable, run: Run) -> str:
    versions: Any = run.provenance.get("versions") or next(
        (t.attributes["versions"] for t in table.trials if t.attributes.get("versions")), {}
    )
    if not isinstance(versions, Mapping):
        return ""
    return ", ".join(f"{name} {plain(version)}" for name, version in versions.items() if version)
