"""The search itself: fill the free slots, wait for one trial to end, settle it, again.

There is no barrier: a slot that comes free gets the next trial at once. All that must survive is
in the study's storage, so that a sweep may be killed at any line of this file and the next one
goes on where it was.
"""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from trialsmith.errors import SearchError
from trialsmith.search import budget, ownership, waiting
from trialsmith.search.outage import outage
from trialsmith.search.outcome import Outcome, outcome_of_deaths
from trialsmith.search.patience import Patience
from trialsmith.search.proposal import MakeSampler, Tried, is_exhausted, propose, seed_of
from trialsmith.search.recovery import elsewhere, give_up, outcome_kept, recover
from trialsmith.search.rules import Hooks, Rules
from trialsmith.search.signals import Interrupted, StopSignals
from trialsmith.search.slots import Ended, Slots
from trialsmith.search.space import Point, Space
from trialsmith.search.stalls import Stalls
from trialsmith.search.worker import Job

log = logging.getLogger(__name__)

TICK = 0.5  # seconds between looks at signals and at what other sweepers do


class Sweep:
    """One sweeper's share in a search.

    Args:
        study: opened, its pruner ready; its sampler is made anew for every trial.
        turns: entered while a trial is begun, by one sweeper at a time.
        make_sampler: builds the sampler with the seed of one trial.
        make_job: from a trial's number and point, what its slot is to run.
        attributes: user attributes that every trial gets.
    """

    def __init__(
        self,
        study: optuna.Study,
        space: Space,
        rules: Rules,
        slots: Slots,
        *,
        turns: AbstractContextManager[Any],
        make_sampler: MakeSampler,
        make_job: Callable[[int, Point], Job],
        attributes: Mapping[str, Any] | None = None,
        hooks: Hooks | None = None,
    ) -> None:
        self.study = study
        self.space = space
        self.rules = rules
        self.slots = slots
        self._turns = turns
        self._make_sampler = make_sampler
        self._make_job = make_job
        # the owner first: what dies after its first write can be told from the living
        self._attributes = {"owner": ownership.me(), **(attributes or {})}
        self._hooks = hooks or Hooks()
        self._patience = Patience(rules.max_failures)
        self._stalls = Stalls(rules.stall_timeout)
        self._begun = time.monotonic()
        self._mine: set[int] = set()
        self._tried = Tried(study)
        self._exhausted = False
        # asked once: two sweepers that take over do not take from each other for ever
        self._gone = elsewhere(study) if rules.take_over else frozenset()
        self._said: set[str] = set()
        self._signals = StopSignals()

    def run(self) -> None:
        """Search until n_trials are done, the time is over, or nothing is left to try.

        Raises:
            SearchError: the trials fail in a way that would go on, or none was completed.
            Interrupted: after Ctrl-C or SIGTERM, with the running trials queued again.
        """
        try:
            with self._signals:
                while self._step():
                    pass
        except BaseException as error:
            self._abandon(f"the sweep ended: {error}".splitlines()[0])
            # who stops a search does not wait for its files, and a full disk takes none
            if not isinstance(error, Interrupted | OSError):
                self._hooks.on_change(self.study)
            if self._signals.received is not None and outage(error) is not None:
                raise Interrupted(self._signals.received) from error  # it did not wait for a server
            raise
        finally:
            self.slots.stop()
        self._hooks.on_change(self.study)
        self._conclude()

    def _step(self) -> bool:
        """One round; whether there is another."""
        self._fill()
        if self._is_over():
            return False
        ended = self.slots.wait(TICK)
        self._end_stalled()
        verdicts = [verdict for end in ended if (verdict := self._settle(end)) is not None]
        if verdicts:
            raise SearchError(verdicts[0])
        if self._signals.received is not None:
            raise Interrupted(self._signals.received)
        if ended:
            self._fill()  # before the files are written, which takes longer than a slot should idle
            self._hooks.on_change(self.study)
        self._hooks.on_tick(self.study, None)
        return True

    # Beginning -----------------------------------------------------------------------------

    def _fill(self) -> None:
        while self.slots.free > 0 and not self._time_is_over():
            job = self._begin()
            if job is None:
                self.slots.rest()
                return
            self.slots.start(job)

    def _begin(self) -> Job | None:
        """The next trial, None when there is none to begin now."""
        with self._turns:
            recover(self.study, self._mine, self._gone)
            if budget.room(self.study, self.rules.n_trials) <= 0:
                return None
            begun = self._take_queued() or self._create()
            if begun is None:
                return None
            trial, queued = begun
            self._mine.add(trial.number)
            if budget.came_too_late(self.study, trial, self.rules.n_trials, queued):
                self._withdraw(trial, queued)
                return None
            point = self._settle_point(trial)
        return self._make_job(trial.number, point)

    def _take_queued(self) -> tuple[FrozenTrial, bool] | None:
        storage = self.study._storage
        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            try:
                # before it is its owner's: a trial must not run for a moment without anybody's name
                waiting.claim(self.study, trial, str(self._attributes["owner"]))
                if storage.set_trial_state_values(trial._trial_id, state=TrialState.RUNNING):
                    self._sign(trial)
                    return storage.get_trial(trial._trial_id), True
            except optuna.exceptions.UpdateFinishedTrialError:
                continue
        return None

    def _sign(self, trial: FrozenTrial) -> None:
        for name, value in self._attributes.items():
            self.study._storage.set_trial_user_attr(trial._trial_id, name, value)

    def _create(self) -> tuple[FrozenTrial, bool] | None:
        if not self.rules.allow_repeats and is_exhausted(self.space, self._tried):
            self._exhausted = True
            return None
        storage = self.study._storage
        template = optuna.trial.create_trial(
            state=TrialState.RUNNING, user_attrs=dict(self._attributes)
        )
        trial_id = storage.create_new_trial(self.study._study_id, template_trial=template)
        return storage.get_trial(trial_id), False

    def _settle_point(self, trial: FrozenTrial) -> Point:
        """Choose the trial's point and store it."""
        seed = self.rules.seed
        self.study.sampler = self._make_sampler(seed_of(seed, trial.number))
        given = trial.user_attrs.get("params") or trial.user_attrs.get("enqueued") or {}
        known = set() if self.rules.allow_repeats else self._tried(apart_from=trial.number)
        point = propose(self.study, trial, self.space, seed, given, known)
        storage = self.study._storage
        storage.set_trial_user_attr(trial._trial_id, "params", point)
        for name, (value, distribution) in self.space.stored(point).items():
            internal = distribution.to_internal_repr(value)
            storage.set_trial_param(trial._trial_id, name, internal, distribution)
        return point

    def _withdraw(self, trial: FrozenTrial, queued: bool) -> None:
        outcome = Outcome.interrupted("withdrawn: another sweeper took the study's last place")
        if queued:
            waiting.requeue(self.study, trial, outcome, trial.user_attrs.get("retries", 0))
        else:
            waiting.finish(self.study, trial, outcome)
        self._mine.discard(trial.number)

    # Ending --------------------------------------------------------------------------------

    def _end_stalled(self) -> None:
        """End the processes of trials that hang; they come back as jobs whose process died."""
        if self.rules.stall_timeout is None:
            return
        running = self.slots.running
        reports = {number: len(self._trial(number).intermediate_values) for number in running}
        for number in self._stalls(reports):
            self.slots.end(number, f"no report for {self.rules.stall_timeout:g} s (stall_timeout)")

    def _settle(self, ended: Ended) -> str | None:
        """Store how a trial ended; why the search must end with it, or None."""
        trial = self._trial(ended.number)
        outcome = ended.outcome or outcome_kept(trial, ended.cause)
        outcome = self._checked(outcome)
        if ended.outcome is None and outcome.failure == "interrupted":
            outcome = self._tried_again(trial, outcome)
        else:
            waiting.finish(self.study, trial, outcome)
        self._mine.discard(trial.number)
        self._hooks.on_tick(self.study, trial.number)
        return self._patience.verdict(outcome)

    def _tried_again(self, trial: FrozenTrial, outcome: Outcome) -> Outcome:
        """Queue a trial whose process died once more, or else blame its point."""
        retries = trial.user_attrs.get("retries", 0)
        if retries < self.rules.max_retries:
            waiting.requeue(self.study, trial, outcome, retries + 1)
            log.warning("trial %d: %s; queued again", trial.number, outcome.message)
            return outcome
        outcome = outcome_of_deaths(outcome.message, retries + 1)
        waiting.finish(self.study, trial, outcome)
        log.warning("trial %d: %s; given up", trial.number, outcome.message)
        return outcome

    def _checked(self, outcome: Outcome) -> Outcome:
        expected = len(self.study.directions)
        if outcome.state != "complete" or len(outcome.values) == expected:
            return outcome
        message = (
            f"the task returned {len(outcome.values)} values, and hydra.sweeper.direction names "
            f"{expected} objectives"
        )
        return Outcome("failed", failure="error", message=message, signature=message, fatal=True)

    def _abandon(self, message: str) -> None:
        """Stop what runs and queue it again, so that nothing is lost and nothing left running.

        A trial may have ended meanwhile: then it keeps its result.
        """
        self.slots.stop()
        for number in sorted(self._mine):
            try:
                done = give_up(self.study, self._trial(number), message)
                log.info("trial %d: stopped%s", number, f"; {done}" if done else "")
            except Exception as error:  # the storage may be what ended the search
                log.info("trial %d: stopped; the next run queues it again (%s)", number, error)
        self._mine.clear()

    def _trial(self, number: int) -> FrozenTrial:
        storage = self.study._storage
        trial_id = storage.get_trial_id_from_study_id_trial_number(self.study._study_id, number)
        return storage.get_trial(trial_id)

    # Over ----------------------------------------------------------------------------------

    def _time_is_over(self) -> bool:
        timeout = self.rules.timeout
        return timeout is not None and time.monotonic() - self._begun >= timeout

    def _is_over(self) -> bool:
        if self.slots.running:
            return False
        if self._exhausted or self._time_is_over():
            return True
        if budget.counted(self.study) >= self.rules.n_trials:
            return True
        self._say_who_is_waited_for()
        return False

    def _say_who_is_waited_for(self) -> None:
        running = self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        for trial in running:
            owner = str(trial.user_attrs.get("owner"))
            self._say(
                f"waiting for trial {trial.number} of {owner}; if that host is gone for good, "
                "run again with hydra.sweeper.take_over=true"
            )

    def _say(self, text: str) -> None:
        if text not in self._said:
            log.info("%s", text)
            self._said.add(text)

    def _conclude(self) -> None:
        """Say why it is over, and that there is no result if there is none."""
        done = budget.counted(self.study)
        if done < self.rules.n_trials:
            why = "every point of the space was tried" if self._exhausted else "the time is over"
            log.info("%s: %d of %d trials are done", why, done, self.rules.n_trials)
        trials = self.study.get_trials(deepcopy=False)
        if trials and not any(t.state in budget.COUNTED for t in trials) and self._exhausted:
            failed = [t for t in trials if t.state == TrialState.FAIL]
            last = failed[-1].user_attrs if failed else {}
            raise SearchError(
                f"none of the study's {len(trials)} trials was completed; the last one: "
                f"{last.get('failure')}: {last.get('message')}"
            )
