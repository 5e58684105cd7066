"""What passes from one stage to the next, and the commands that run them."""

import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialsmith.errors import SearchError
from trialsmith.search.domains import Domain, identity
from trialsmith.search.reading import Fixed, read
from trialsmith.search.space import Parameter, Space
from trialsmith.study.stages.chain import read_plan, stage_commands
from trialsmith.study.stages.commands import next_command
from trialsmith.study.stages.inheritance import inherited

PLAN = ["one", "two", "three"]


def points(entries: dict[str, Any]) -> list[dict[str, Any]]:
    """Every point of a space with these entries."""

    def grammar(key: str, text: str) -> Domain | Fixed:
        raise AssertionError(f"{key}: {text}")

    parameters = [read(key, entry, grammar) for key, entry in entries.items()]
    return list(Space(tuple(p for p in parameters if isinstance(p, Parameter))).points())


values = st.sampled_from(["1", "2,3", "", "a b"]) | st.floats(0, 1) | st.just(True)
winner = st.one_of(
    st.fixed_dictionaries(
        {
            "fusion": st.just(site),
            f"fusion.{site}.use": st.just(True),
            f"fusion.{site}.layers": values,
            "optimizer.lr": values,
            "a": values,
        }
    )
    for site in ("dynamic", "middle")
)
winners = st.lists(winner, min_size=1, max_size=4, unique_by=identity)


@given(winners)
def test_the_points_are_just_the_winners(passing: list[dict[str, Any]]) -> None:
    found = points(inherited(passing, own=()))
    assert sorted(map(identity, found)) == sorted(map(identity, passing))


@given(winners)
def test_a_stage_searches_its_own_keys_for_each_winner(passing: list[dict[str, Any]]) -> None:
    entries = inherited(passing, own=["a"]) | {"a": {"choices": [0, 5]}}
    expected = {identity({**winner, "a": a}) for winner in passing for a in (0, 5)}
    assert {identity(point) for point in points(entries)} == expected


@pytest.mark.parametrize(
    ("switch", "off", "on"), [("fusion", "none", "dynamic"), ("fusion.dynamic.use", False, True)]
)
def test_graph_only_beside_a_winner_has_all_else_in_common(switch: str, off: Any, on: Any) -> None:
    best = {switch: on, "fusion.dynamic.layers": "2,3", "optimizer.lr": 0.003}
    entries = inherited([best], own=[switch, "seed"])
    entries |= {switch: {"choices": [off, on]}, "seed": {"choices": [0, 1]}}
    found = points(entries)
    assert len(found) == 4
    for point in found:
        assert point["optimizer.lr"] == 0.003
        assert point.get("fusion.dynamic.layers") == {on: "2,3"}.get(point[switch])


def test_the_next_command_keeps_what_holds_for_every_stage() -> None:
    words = [
        *("train.py", "-m", "hparams_search=one", "data.path=a b/$x.csv", "data.columns={id: n}"),
        *("model.norm='layer'", "+restart=true", "optimizer.lr=1e-3,1e-2", "~x"),
        *("hydra.sweeper.n_trials=4", "hydra/sweeper/sampler=tpe", "hydra.sweeper.n_jobs=2"),
    ]
    command = next_command(words, "two", ["optimizer.lr"])
    assert shlex.split(command) == [
        *("python", "train.py", "-m", "hparams_search=two", "data.path=a b/$x.csv"),
        *("data.columns={id: n}", "model.norm='layer'", "~x", "hydra.sweeper.n_jobs=2"),
    ]


def test_a_study_of_a_name_of_its_own_is_named_to_the_next_stage() -> None:
    words = ["train.py", "-m", "hparams_search=one", "hydra.sweeper.study_name=mine-one"]
    command = next_command(words, "two", [], named="mine-one")
    assert command.endswith(
        "hydra.sweeper.study_name=mine-two hydra.sweeper.stage.follows=mine-one"
    )


of_all = st.sampled_from(["x=1", "y='a b'", "~z", "data.path=C:/x"])
of_one = st.tuples(st.sampled_from(PLAN), st.sampled_from(["x=1", "x=2", "~w", "n=4", "+v=[1,2]"]))


@given(st.lists(of_all | of_one.map(":".join), max_size=6), st.none() | st.just("mine"), st.data())
def test_the_next_command_is_the_plans(
    overrides: list[str], name: str | None, data: st.DataObject
) -> None:
    """With the next stage's own overrides and without this one's, stage by stage."""
    if name is not None:
        overrides = [*overrides, f"hydra.sweeper.study_name={name}"]
    commands, own = stage_commands(PLAN, overrides)
    k = data.draw(st.sampled_from([0, 1]))
    named = None if name is None else f"{name}-{PLAN[k]}"
    following = next_command(commands[k], PLAN[k + 1], [], named, own)
    assert shlex.split(following) == ["python", *commands[k + 1]]


def test_each_stage_gets_its_own_overrides_after_those_of_all() -> None:
    overrides = ["data.path=C:/x", "two:lr='choice(1,2)'", "+restart=true"]
    commands, own = stage_commands(PLAN, overrides)
    assert commands == [
        ["train.py", "-m", "hparams_search=one", "data.path=C:/x", "+restart=true"],
        [
            *("train.py", "-m", "hparams_search=two", "data.path=C:/x", "+restart=true"),
            "lr='choice(1,2)'",
        ],
        ["train.py", "-m", "hparams_search=three", "data.path=C:/x", "+restart=true"],
    ]
    assert own == {"one": [], "two": ["lr='choice(1,2)'"], "three": []}


def test_a_study_name_is_the_begin_of_every_stages_name() -> None:
    (first, second, third), _ = stage_commands(PLAN, ["hydra.sweeper.study_name=x"])
    assert first[3:] == ["hydra.sweeper.study_name=x-one"]
    assert second[3:] == ["hydra.sweeper.study_name=x-two", "hydra.sweeper.stage.follows=x-one"]
    assert third[3:] == ["hydra.sweeper.study_name=x-three", "hydra.sweeper.stage.follows=x-two"]


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("tow:x=1", "the plan has no stage tow: did you mean two"),
        ("hparams_search=one", "leave it out"),
        ("quick", "no override"),
        ("two:hydra.sweeper.study_name=x", "every stage's study begins"),
    ],
)
def test_a_mistake_in_an_override_is_answered(word: str, answer: str) -> None:
    with pytest.raises(SearchError, match=answer):
        stage_commands(PLAN, [word])


def test_a_plan_that_is_not_there_is_answered(tmp_path: Path) -> None:
    with pytest.raises(SearchError, match="run it where train"):
        read_plan("fusion", tmp_path / "none")
    (tmp_path / "dynamic_fusion.yaml").write_text("- one\n")
    with pytest.raises(SearchError, match="did you mean dynamic_fusion"):
        read_plan("dynamic_fuson", tmp_path)
    (tmp_path / "wrong.yaml").write_text("one: two\n")
    with pytest.raises(SearchError, match="must be a list of files"):
        read_plan("wrong", tmp_path)
