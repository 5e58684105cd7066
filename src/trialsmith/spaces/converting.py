"""The files of a group in, a search file out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from trialsmith.errors import SearchError
from trialsmith.spaces.bridge import bridge_for
from trialsmith.spaces.conversion import convert
from trialsmith.spaces.groups import GROUP, Groups
from trialsmith.spaces.mistakes import Mistakes
from trialsmith.spaces.search_file import search_file
from trialsmith.spaces.tuning import FILES, NO_TUNING, Tuning, read_tuning
from trialsmith.study.writing import replace_text


@dataclass(frozen=True)
class Inputs:
    """The files to convert, as `conversion.convert` takes them.

    Attributes:
        bridge: the file of a `Bridge`.
        tuning: tuning settings, which name what is not given here; see `tuning.Tuning`.
    """

    space: Path | None = None
    base: Path | None = None
    deps: Path | None = None
    tune: Sequence[str] | None = None
    bridge: Path | None = None
    tuning: Path | None = None

    @property
    def files(self) -> list[Path]:
        """Those that are given."""
        files = (self.base, self.space, self.deps, self.tuning, self.bridge)
        return [file for file in files if file is not None]


def write_search_file(inputs: Inputs, out: Path, force: bool = False) -> list[str]:
    """Write the search file `out`; what to tell its user.

    Raises:
        SearchError: names every mistake in the files; or `out` exists or would not be found.
    """
    tuning = read_tuning(inputs.tuning) if inputs.tuning else NO_TUNING
    inputs = _completed(inputs, tuning)
    _check_place(inputs, out, force)
    if inputs.space is None:
        raise SearchError("--space is missing: the file that says what is searched")
    groups = Groups.around(out)
    converted = convert(
        inputs.base, inputs.space, inputs.deps, inputs.tune, tuning.switches, groups.chosen
    )
    bridge = bridge_for(converted.tree, inputs.bridge, tuning.direction)
    chosen = groups.chosen(converted.tree, Mistakes())
    trains = groups.has("data") and "task" not in chosen
    sweeper = {**({"prepare": "data"} if trains else {}), **tuning.sweeper}
    if tuning.direction and bridge is None:
        sweeper["direction"] = tuning.direction
    text = search_file(out.stem, inputs.files, converted, bridge, chosen, sweeper)
    out.parent.mkdir(parents=True, exist_ok=True)
    replace_text(out, text)
    told = [*converted.notes, f"{out}: {len(converted.entries)} parameters"]
    if "task" not in chosen and bridge is None and (unknown := groups.unknown(converted.parts)):
        told.append(
            f"no part of the configuration beside it: {', '.join(unknown)}; unless your program "
            "reads them, --bridge FILE says which of its keys follow them"
        )
    return [*told, _command(out)]


def _completed(inputs: Inputs, tuning: Tuning) -> Inputs:
    """With what the tuning settings name and the command line does not."""
    files = {word: getattr(inputs, word) or tuning.files.get(word) for word in FILES.values()}
    return replace(inputs, **files, tune=tuning.tune if inputs.tune is None else inputs.tune)


def _command(out: Path) -> str:
    if out.absolute().parent.name == GROUP:
        return f"python train.py -m {GROUP}={out.stem}"
    return f"it is found when it stands in conf/{GROUP}/"


def _check_place(inputs: Inputs, out: Path, force: bool) -> None:
    if out.suffix != ".yaml":
        raise SearchError(f"--out {out}: Hydra finds files that end with .yaml")
    if any(out.resolve() == file.resolve() for file in inputs.files):
        raise SearchError(f"--out {out} is one of the files to convert: name another")
    if out.exists() and not force:
        raise SearchError(f"{out} exists: name another --out, or replace it with --force")
    if out.is_dir():
        raise SearchError(f"--out {out} is a folder: name a file in it")
