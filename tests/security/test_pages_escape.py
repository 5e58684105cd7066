"""Every page of a study has the same elements whatever the texts in it are."""

from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import optuna
import pytest
from optuna.storages.journal import JournalFileBackend, JournalStorage
from optuna.trial import TrialState

from trialsmith.study.folder import StudyFolder

NASTY = '"><img src=x onerror=alert(1)></script></title><script>alert(1)</script>{{7*7}}${x}'


class Elements(HTMLParser):
    """Counts a page's elements, and keeps the programs that a browser would run."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()
        self.handlers: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found[tag] += 1
        self.handlers += [name for name, _ in attrs if name.startswith("onerror")]


def pages(folder: Path, text: str) -> dict[str, Elements]:
    folder.mkdir()
    backend = JournalFileBackend(str(folder / "study.journal"))
    storage, same = JournalStorage(backend), optuna.samplers.RandomSampler(seed=0)
    study = optuna.create_study(storage=storage, sampler=same, study_name=f"study {text}")
    study.set_user_attr("metric", f"val/mae {text}")
    study.set_user_attr("unit", f"eV {text}")
    for k in range(12):
        trial = study.ask()
        value = trial.suggest_float(f"x {text}", 0, 1)
        choice = trial.suggest_categorical("choice", [f"one {text}", f"two {text}"])
        trial.set_user_attr("params", {f"x {text}": value, "choice": choice})
        trial.set_user_attr("folder", f"{k} {text}")
        trial.set_user_attr("host", text)
        trial.set_user_attr("owner", f"{text}:1:1")
        for epoch in range(3):
            trial.report(value + 1 / (1 + epoch), epoch)
        if k % 4 == 3:
            trial.set_user_attr("failure", "error")
            trial.set_user_attr("message", f"KeyError: {text}")
            study.tell(trial, state=TrialState.FAIL)
        else:
            study.tell(trial, value)
    StudyFolder(folder).update(study)
    return {path.name: Elements(path.read_text()) for path in folder.glob("*.html")}


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_no_text_of_a_study_becomes_an_element_of_a_page(tmp_path: Path) -> None:
    plain, nasty = pages(tmp_path / "plain", "word"), pages(tmp_path / "nasty", NASTY)
    assert set(plain) == set(nasty) >= {"param_importances.html", "optimization_history.html"}
    for name, page in nasty.items():
        assert page.found == plain[name].found, name
        assert page.handlers == []
