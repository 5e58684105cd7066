"""The command line of the next stage."""

import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence

SEARCH = "hparams_search"
STUDY = "hydra.sweeper.study_name"
FOLLOWS = "hydra.sweeper.stage.follows"
OWN = "TRIALSMITH_STAGES"  # the environment's JSON of each stage's own overrides, by its file
RESTART = ("restart", "hydra.sweeper.restart")
# How one stage is searched; the next has its own way, written in its file.
OF_ONE_STAGE = (
    *("hydra.sweeper.n_trials", "hydra.sweeper.enqueue", *RESTART, STUDY, FOLLOWS),
    *("hydra/sweeper/sampler", "hydra/sweeper/pruner"),
)


def next_command(
    words: Sequence[str],
    search: str,
    searched: Collection[str],
    named: str | None = None,
    own: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """The command that runs `search` after the stage of the command line `words`; to be pasted.

    All overrides stay, as they would for every stage of a plan, but those that say how this stage
    was searched, and what it searched: that the next one reads from its study. Of a plan's
    overrides of one stage alone, this stage's go and those of `search` come.

    Args:
        searched: keys of this stage's space.
        named: this stage's study, where it has a name of the user's own.
        own: the overrides of one stage alone, by its search.
    """
    of_one = own or {}
    this = next((word.partition("=")[2] for word in words if key_of(word) == SEARCH), "")
    left_out = {*OF_ONE_STAGE, *searched}
    kept = []
    for word in _without(words, of_one.get(this, ())):
        if key_of(word) == SEARCH:
            kept.append(f"{SEARCH}={search}")
        elif key_of(word) not in left_out:
            kept.append(word)
    if named is not None:
        name = f"{named.removesuffix(f'-{this}')}-{search}"
        kept += [f"{STUDY}={name}", f"{FOLLOWS}={named}"]
    return shell(["python", *kept, *of_one.get(search, ())])


def _without(words: Sequence[str], own: Iterable[str]) -> list[str]:
    """`words` without those of `own`, which stand behind all that are of every stage."""
    backwards = list(reversed(words))
    for word in own:
        if word in backwards:
            backwards.remove(word)
    return backwards[::-1]


def key_of(word: str) -> str:
    """What an override sets; a word that is none is its own key."""
    return word.lstrip("+~").partition("=")[0]


def shell(words: Sequence[str]) -> str:
    """`words` as the shell reads them back."""
    return shlex.join(words)
