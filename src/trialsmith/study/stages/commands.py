"""The command line of the next stage."""

import shlex
from collections.abc import Collection, Sequence

SEARCH = "hparams_search"
STUDY = "hydra.sweeper.study_name"
FOLLOWS = "hydra.sweeper.stage.follows"
RESTART = ("restart", "hydra.sweeper.restart")
# How one stage is searched; the next has its own way, written in its file.
OF_ONE_STAGE = (
    *("hydra.sweeper.n_trials", "hydra.sweeper.enqueue", *RESTART, STUDY, FOLLOWS),
    *("hydra/sweeper/sampler", "hydra/sweeper/pruner"),
)


def next_command(
    words: Sequence[str], search: str, searched: Collection[str], named: str | None = None
) -> str:
    """The command that runs `search` after the stage of the command line `words`; to be pasted.

    All overrides stay, as they would for every stage of a plan, but those that say how this stage
    was searched, and what it searched: that the next one reads from its study.

    Args:
        searched: keys of this stage's space.
        named: this stage's study, where it has a name of the user's own.
    """
    left_out = {*OF_ONE_STAGE, *searched}
    kept, own = [], ""
    for word in words:
        key, _, value = word.lstrip("+~").partition("=")
        if key == SEARCH:
            own = value
            kept.append(f"{SEARCH}={search}")
        elif key not in left_out:
            kept.append(word)
    if named is not None:
        name = f"{named.removesuffix(f'-{own}')}-{search}"
        kept += [f"{STUDY}={name}", f"{FOLLOWS}={named}"]
    return shell(["python", *kept])


def key_of(word: str) -> str:
    """What an override sets; a word that is none is its own key."""
    return word.lstrip("+~").partition("=")[0]


def shell(words: Sequence[str]) -> str:
    """`words` as the shell reads them back."""
    return shlex.join(words)
