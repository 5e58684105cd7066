"""A retraining from its plan to its results."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from trialsmith.errors import SearchError
from trialsmith.study.formats import to_json
from trialsmith.study.retraining import RESULTS, results
from trialsmith.study.retraining.ensemble import ensemble_errors
from trialsmith.study.retraining.plan import Place, Plan, Run
from trialsmith.study.retraining.training import train_all
from trialsmith.study.writing import replace_link, replace_text


def retrain(plan: Plan, place: Place, tell: Callable[[str], None]) -> dict[str, Any]:
    """Train the candidates of `plan` with all seeds, choose on validation, score the test split.

    The test split is scored once: by the runs themselves where there is nothing to choose, else
    for the chosen candidate alone, after the choice. Leaves in the place's folder `config.json`,
    `training_history.json`, `final_results.json`, and `checkpoints/` that lead into the folders of
    the runs.

    Returns: what `final_results.json` holds.

    Raises:
        SearchError: a training could not begin, or all failed.
        Stopped: by a signal; the same plan goes on.
    """
    choice = len(plan.candidates) > 1
    done, failed = train_all(plan, place, tell, test_too=not choice)
    if not done:
        raise SearchError(f"all trainings failed; their logs are in {place.folder}")
    found = results.trained(done, place.folder)
    direction = str(results.configuration(found[0], place.folder)["direction"])
    best = results.chosen(found, direction)
    if choice:
        tell(f"{best.name} has the best mean score on validation; its test split is scored now")
        best = _scored(best, place.folder)
    final = results.final_results(plan, best, found, failed, place.folder)
    folders = [place.folder / run.name for run in best.runs]
    final["ensemble"] = ensemble_errors(folders, final["units"]) if final["test"] else None
    _leave_checkpoints(best.runs, place.folder)
    history = results.training_history(done, place.folder)
    config = results.configuration(best, place.folder)
    replace_text(place.folder / "training_history.json", to_json(history))
    replace_text(place.folder / "config.json", to_json(config))
    replace_text(place.folder / RESULTS, to_json(final))  # last: with it the retraining is finished
    return final


def _scored(best: results.Trained, folder: Path) -> results.Trained:
    # imported here: PyTorch takes seconds
    from trialsmith.study.retraining.scoring import score_test

    return results.Trained(best.runs, [score_test(folder / run.name) for run in best.runs])


def _leave_checkpoints(runs: Sequence[Run], folder: Path) -> None:
    """`checkpoints/<run>.ckpt`, links to the best weights of the chosen runs, or of their folds."""
    checkpoints = folder / "checkpoints"
    checkpoints.mkdir(exist_ok=True)
    for run in runs:
        for own in results.trainings(folder / run.name):
            name, weights = own.relative_to(folder), Path("checkpoints", "best.ckpt")
            if (own / weights).exists():
                link = checkpoints / f"{name.as_posix().replace('/', '-')}.ckpt"
                replace_link(link, str(Path("..", name, weights)))
