"""Chooses the point of a new trial.

The sampler's proposal is looked at before anything of it is stored. A point that the study knows
already is replaced by a random one that it does not.
"""

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial, TrialState

from trialsmith.search.domains import identity
from trialsmith.search.lessons import as_shown
from trialsmith.search.outcome import BY_THEIR_POINT
from trialsmith.search.space import Point, Space

DRAWS = 200  # random draws before the untried points of a finite space are listed

MakeSampler = Callable[[int | None], BaseSampler]
"""Builds a sampler with a seed; None: from entropy."""


class Grid(RandomSampler):
    """Marks that every point of a finite space is tried once, in an order drawn by the seed.

    Unlike `optuna.samplers.GridSampler` it knows conditions: a point is counted once, however many
    values its idle parameters might have had.
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(seed)
        self.seed = 0 if seed is None else seed


def seed_of(seed: int | None, number: int, purpose: int = 0) -> int | None:
    """The seed of one trial's draw: a study that is resumed goes on as if it had not stopped."""
    if seed is None:
        return None
    return int(np.random.SeedSequence([abs(seed), number, purpose]).generate_state(1)[0])


class Tried:
    """The points that a study is done with.

    Each trial is looked at once after it has ended: a search asks before every trial.
    """

    def __init__(self, study: optuna.Study) -> None:
        self._study = study
        self._ended = 0  # so many trials, from the first, have ended all
        self._settled: set[str] = set()  # their points

    def __call__(self, apart_from: int = -1) -> set[str]:
        """Identities of the points that are done, running or queued, or would only fail again.

        Args:
            apart_from: the number of a trial that does not count.
        """
        trials = self._study.get_trials(deepcopy=False)
        while self._ended < len(trials) and trials[self._ended].state.is_finished():
            self._settled |= _points(trials[self._ended : self._ended + 1])
            self._ended += 1
        others = (trial for trial in trials[self._ended :] if trial.number != apart_from)
        return self._settled | _points(others)


def _points(trials: Iterable[FrozenTrial]) -> set[str]:
    return {
        identity(trial.user_attrs["params"])
        for trial in trials
        if "params" in trial.user_attrs and _is_settled(trial)
    }


def _is_settled(trial: FrozenTrial) -> bool:
    failed = trial.state == TrialState.FAIL
    return not failed or trial.user_attrs.get("failure") in BY_THEIR_POINT


def is_exhausted(space: Space, tried: Tried) -> bool:
    """Whether every point of a finite space is tried."""
    return space.size is not None and len(tried()) >= space.size


def propose(
    study: optuna.Study,
    trial: FrozenTrial,
    space: Space,
    seed: int | None,
    given: Mapping[str, Any],
    known: set[str],
) -> Point:
    """The point for `trial`, which the study knows and which holds no parameters yet.

    Args:
        study: with the sampler made for this trial.
        given: values that are settled; a complete point is taken as it is.
        known: identities of the points that are not to be proposed.
    """
    random = np.random.default_rng(seed_of(seed, trial.number, purpose=1))
    if isinstance(study.sampler, Grid) and not given:
        return next(_grid(space, study.sampler.seed, known), None) or space.sample(random)
    try:
        point = space.draw(_Suggestions(as_shown(study), trial), given)
    except ValueError:  # the sampler chose what a given value cannot stand beside
        point = space.completed(given, random)
    if set(given) >= set(point) or identity(point) not in known:
        return point
    return untried(space, known, random, given) or point


def untried(
    space: Space, known: set[str], random: np.random.Generator, given: Mapping[str, Any]
) -> Point | None:
    """A random point that is not `known`, None when there is none."""
    for _ in range(DRAWS):
        point = space.sample(random, given)
        if identity(point) not in known:
            return point
    if space.size is None:
        return None
    left = [point for point in space.points() if identity(point) not in known]
    return left[random.integers(len(left))] if left else None


def _grid(space: Space, seed: int, known: set[str]) -> Iterator[Point]:
    points = list(islice(space.points(), space.size))
    order = np.random.default_rng(seed).permutation(len(points))
    return (points[k] for k in order if identity(points[k]) not in known)


class _Suggestions:
    """What the sampler proposes, as `optuna.Trial` would ask for it, but with nothing stored."""

    def __init__(self, study: optuna.Study, trial: FrozenTrial) -> None:
        self._study = study
        self._frozen = trial

    @cached_property
    def _trial(self) -> optuna.trial.Trial:
        trial = optuna.trial.Trial(self._study, self._frozen._trial_id)
        # a copy: the original may be the storage's own record
        trial._cached_frozen_trial = copy.deepcopy(trial._cached_frozen_trial)
        return trial

    def __call__(self, name: str, distribution: BaseDistribution) -> Any:
        trial = self._trial
        if distribution.single():
            value = optuna.distributions._get_single_value(distribution)
        elif trial._is_relative_param(name, distribution):
            value = trial.relative_params[name]
        else:
            latest = trial._get_latest_trial()
            study = optuna.pruners._filter_study(self._study, latest)
            value = self._study.sampler.sample_independent(study, latest, name, distribution)
        trial._cached_frozen_trial.params[name] = value
        trial._cached_frozen_trial.distributions[name] = distribution
        return value
