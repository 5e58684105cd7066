"""When failed trials mean that the search itself is wrong."""

from trialsmith.search.outcome import Outcome

SAME_ERRORS = 3


class Patience:
    """Watches the ends of trials, in the order in which they come.

    Args:
        max_failures: so many failed trials in a row end the search. Failed trials do not count
            towards n_trials, so a space in which every trial fails would go on for ever.
    """

    def __init__(self, max_failures: int) -> None:
        self.max_failures = max_failures
        self._failures = 0
        self._errors: list[str] = []

    def verdict(self, outcome: Outcome) -> str | None:
        """Why the search must end now, None while it may go on."""
        if outcome.state != "failed":
            self._failures = 0
            self._errors = []
            return None
        if outcome.failure == "interrupted":
            return None
        if outcome.fatal:
            return outcome.message
        self._failures += 1
        self._errors = [*self._errors, outcome.signature] if outcome.failure == "error" else []
        same = self._errors[-SAME_ERRORS:]
        if len(same) == SAME_ERRORS and len(set(same)) == 1:
            return f"{SAME_ERRORS} trials in a row met the same error:\n\n{_text(outcome)}"
        if self._failures >= self.max_failures:
            return (
                f"{self._failures} trials in a row failed (hydra.sweeper.max_failures="
                f"{self.max_failures}); the last one: {outcome.failure}: {outcome.message}"
            )
        return None


def _text(outcome: Outcome) -> str:
    return outcome.traceback.rstrip() or outcome.message
