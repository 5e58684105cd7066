"""Which model reads which data: every config is known, and what goes together goes."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from trialsmith.errors import InfeasibleConfig
from trialsmith.pairing import KINDS, check_pair

CONF = Path(__file__).resolve().parent.parent / "conf"


def target(group: str, name: str) -> str:
    with initialize_config_dir(str(CONF)):
        return compose("train", [f"{group}={name}"])[group]._target_


@pytest.mark.parametrize("group", ["data", "model"])
def test_every_config_is_of_one_kind(group: str) -> None:
    known = [name for kind in KINDS for name in (kind.data if group == "data" else kind.models)]
    assert sorted(known) == sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def test_what_data_choose_fits_and_another_kind_is_answered_with_what_does() -> None:
    targets = {
        kind.samples: (
            [target("data", name) for name in kind.data],
            [target("model", name) for name in kind.models],
        )
        for kind in KINDS
    }
    for samples, (sources, _) in targets.items():
        for reading, (_, models) in targets.items():
            for data in sources:
                for model in models:
                    if samples == reading:
                        check_pair(data, model)
                        continue
                    with pytest.raises(InfeasibleConfig, match=f"gives {samples}: take model="):
                        check_pair(data, model)


def test_the_answer_names_both_and_what_fits_either() -> None:
    with pytest.raises(InfeasibleConfig) as raised:
        check_pair("trialsmith.data.flow", "trialsmith.models.ALIGNN")
    assert str(raised.value) == (
        "model=alignn reads crystals, and data=flow gives signals and images: take model=cnn for "
        "these data, or data=alloys, crystals or jarvis for this model"
    )


def test_of_what_is_not_known_nothing_is_said() -> None:
    check_pair("trialsmith.data.flow", "torch.nn.Linear")
