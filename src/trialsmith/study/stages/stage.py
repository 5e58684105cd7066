"""A search that is one stage of several: what it takes over, and what it leaves."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna

from trialsmith.errors import SearchError
from trialsmith.study.stages.commands import RESTART, key_of, shell
from trialsmith.study.stages.finished import lacking
from trialsmith.study.stages.inheritance import inherited
from trialsmith.study.stages.reading import comparison

STAGE = "stage"  # attribute of a study


class Stage:
    """What `hydra.sweeper.stage` says of a search.

    Args:
        follows: the search file of the stage before, or the name of its study; None: the first.
        candidates: how many of its configurations pass on.
        then: the search file of the next stage; None: the last.
        unfinished: take the best so far where the stage before is not at its end.
    """

    def __init__(
        self,
        follows: str | None = None,
        candidates: int = 1,
        then: str | None = None,
        unfinished: bool = False,
    ) -> None:
        if candidates < 1:
            raise SearchError(f"hydra.sweeper.stage.candidates={candidates}: use 1 or more")
        self.follows, self.candidates = follows, candidates
        self.then, self.unfinished = then, unfinished

    def note(
        self,
        study: optuna.Study,
        words: list[str],
        named: bool,
        own: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """Keep with the study what its report needs.

        Args:
            words: of the command line, after `python`.
            named: the study has a name of the user's own.
            own: a plan's overrides of one stage alone, by its search; None: as was noted before.
        """
        kept = [word for word in words if key_of(word) not in RESTART]
        if own is None:
            own = study.user_attrs.get(STAGE, {}).get("own", {})
        facts = {"then": self.then, "words": kept, "named": named, "own": dict(own)}
        if study.user_attrs.get(STAGE) != facts:
            study.set_user_attr(STAGE, facts)

    def entries(self, study: optuna.Study, folder: Path, own: Collection[str]) -> dict[str, Any]:
        """What is taken over from the stage before, as entries of the search space.

        Args:
            study: of the stage before.
            folder: of that study.
            own: the keys that this stage searches by itself.

        Raises:
            SearchError: that study is not at its end, or nothing in it can pass on.
        """
        if not self.unfinished:
            _check_finished(study, folder)
        passing = comparison(study, folder).passing(self.candidates)
        if not passing:
            raise SearchError(
                f"study {study.study_name} in {folder} has no configuration with a fusion and a "
                "score: nothing passes on from it"
            )
        return inherited([row.params for row in passing], own)


def _check_finished(study: optuna.Study, folder: Path) -> None:
    lack = lacking(study)
    if lack is None:
        return
    words = study.user_attrs.get(STAGE, {}).get("words")
    again = f":\n  {shell(['python', *words])}\n" if words else " "
    raise SearchError(
        f"the stage before, study {study.study_name} in {folder}, is not at its end: {lack}. Go on "
        f"with it first{again}or take the best so far: hydra.sweeper.stage.unfinished=true"
    )
