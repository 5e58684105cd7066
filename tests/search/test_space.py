"""Laws of a search space: what is drawn fits, what is idle is absent, what is wrong is named."""

import json
import math

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from trialsmith.search import checking
from trialsmith.search.domains import Choices, Floats, Integers, identity
from trialsmith.search.reading import Fixed, read
from trialsmith.search.space import Branch, Parameter, Space, differences

ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=5,
)


def no_grammar(key: str, text: str) -> Fixed:
    return Fixed(text)


def space_of(**entries) -> Space:
    parameters = tuple(read(key, entry, no_grammar) for key, entry in entries.items())
    assert not checking.problems(parameters, {})
    return Space(parameters)


MIDDLE = {
    "use": {"choices": [True, False]},
    "alignn_layers": {"low": 2, "high": 6},
    "layers": [
        {"choices": ["1"], "when": {"use": True, "alignn_layers": 2}},
        {"choices": ["1", "2", "1,2"], "when": {"use": True, "alignn_layers": 3}},
        {"choices": ["2", "1,3"], "when": {"use": True, "alignn_layers": [4, 5, 6]}},
    ],
    "dropout": {"low": 0.0, "high": 0.3, "when": {"use": True}},
}


@given(st.lists(ODD, min_size=1, max_size=6, unique_by=identity))
def test_every_choice_survives_optunas_storage(options):
    domain = Choices(tuple(options))
    distribution = domain.distribution()
    for option in options:
        internal = distribution.to_internal_repr(domain.store(option))
        again = domain.load(distribution.to_external_repr(internal))
        assert identity(again) == identity(option)
        assert type(again) is type(option)


def test_choices_of_one_kind_are_stored_as_they_are():
    assert Choices((64, 128)).distribution().choices == (64, 128)
    assert Choices((1, 64, True)).distribution().choices == ("1", "64", "true")
    assert Choices((1, 1.0, "1")).distribution().choices == ("1", "1.0", '"1"')


@given(st.integers(-50, 50), st.integers(0, 60), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_samples_of_whole_numbers_are_accepted(low, width, step, seed):
    domain = Integers(low, low + width, step)
    value = domain.sample(np.random.default_rng(seed))
    assert domain.accept(value) == value
    assert value in list(domain.values())
    assert len(list(domain.values())) == domain.size
    assert domain.distribution()._contains(value)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.1, 0.05, 0.25, 0.3]))
def test_samples_of_stepped_numbers_are_accepted(seed, step):
    domain = Floats(0.2, 0.9, step)
    value = domain.sample(np.random.default_rng(seed))
    assert value in list(domain.values())
    assert domain.accept(value) == value
    assert max(domain.values()) <= 0.9


def test_logarithmic_samples_are_uniform_in_the_logarithm():
    random = np.random.default_rng(0)
    domain = Floats(1e-4, 1e-2, log=True)
    drawn = np.log10([domain.sample(random) for _ in range(4000)])
    assert abs(np.mean(drawn) + 3) < 0.05
    assert np.std(drawn) == pytest.approx(2 / math.sqrt(12), rel=0.05)


def test_idle_parameters_are_absent_and_branches_follow_their_conditions():
    space = space_of(**MIDDLE)
    random = np.random.default_rng(0)
    seen = set()
    for _ in range(300):
        point = space.sample(random)
        assert ("dropout" in point) == ("layers" in point) == point["use"]
        if point["use"]:
            wanted = {2: ["1"], 3: ["1", "2", "1,2"]}.get(point["alignn_layers"], ["2", "1,3"])
            assert point["layers"] in wanted
            seen |= set(space.stored(point))
    assert "layers@use=True&alignn_layers=4|5|6" in seen


def test_optuna_accepts_every_point_of_a_branching_space():
    space = space_of(**MIDDLE)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(50):
        trial = study.ask()
        for name, (value, distribution) in space.stored(space.draw(trial._suggest)).items():
            assert trial.params[name] == value
            assert trial.distributions[name] == distribution
        study.tell(trial, 0.0)


def test_a_finite_space_lists_each_of_its_points_once():
    space = space_of(**{key: MIDDLE[key] for key in ("use", "alignn_layers", "layers")})
    points = [identity(point) for point in space.points()]
    assert len(points) == len(set(points)) == space.size == 5 + 1 + 3 + 3 * 2
    random = np.random.default_rng(1)
    assert {identity(space.sample(random)) for _ in range(500)} == set(points)


def test_a_continuum_has_no_size():
    assert space_of(**MIDDLE).size is None
    assert space_of(**MIDDLE).continuous == ["dropout"]


def test_the_order_in_which_parameters_are_written_is_free():
    backwards = dict(reversed(MIDDLE.items()))
    space = space_of(**backwards)
    assert space.fingerprint == space_of(**MIDDLE).fingerprint
    assert space.keys.index("layers") > space.keys.index("alignn_layers")


def test_differences_name_the_parameters():
    old = space_of(a={"choices": [1, 2]}, b={"low": 0, "high": 3}).describe()
    new = space_of(a={"choices": [1, 3]}, c={"low": 0, "high": 3}).describe()
    text = "\n".join(differences(json.loads(json.dumps(old)), new))
    assert "a: was" in text
    assert "b: was searched" in text
    assert "c: is new" in text


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"a": {"low": 3, "high": 1}}, "a is empty: low=3 is above high=1"),
        ({"a": {"low": 0, "high": 1, "log": True}}, "low must be above zero"),
        ({"a": {"low": 0.0, "high": 1.0, "step": 0}}, "it must be above zero"),
        ({"a": {"choices": []}}, "a has no choices"),
        ({"a": {"choices": [1, 1]}}, "a repeats the choice 1"),
        ({"width": {"choices": [1]}, "b": {"choices": [1], "when": {"widht": 1}}}, "mean width?"),
        ({"a": {"choices": [1]}, "b": {"choices": [1], "when": {"a": 2}}}, "can never be"),
        (
            {"a": {"choices": [1], "when": {"b": 1}}, "b": {"choices": [1], "when": {"a": 1}}},
            "circle: a → b → a",
        ),
        ({"a": [{"choices": [1]}, {"choices": [2], "when": {"a": 1}}]}, "never taken"),
    ],
)
def test_mistakes_are_named(entries, words):
    parameters = tuple(read(key, entry, no_grammar) for key, entry in entries.items())
    assert words in "\n".join(checking.problems(parameters, {}))


def test_all_mistakes_are_named_at_once():
    entries = {"a": {"low": 2, "high": 1}, "b": {"choices": []}, "c": {"choices": [1, 1]}}
    parameters = tuple(read(key, entry, no_grammar) for key, entry in entries.items())
    assert len(checking.problems(parameters, {})) == 3


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"choice": [1]}, "did you mean choices?"),
        ({"low": 1}, "lacks high"),
        ({"choices": [1], "low": 1}, "use one or the other"),
        ({"choices": "abc"}, "write a list"),
        ({"low": "one", "high": 2}, "not a number"),
        ({"low": 1, "high": 2, "log": "yes"}, "write true or false"),
        ({"choices": [1], "when": "a"}, "write {key: value}"),
    ],
)
def test_entries_that_cannot_be_read_say_why(entry, words):
    with pytest.raises(ValueError, match=words.replace("?", r"\?").replace("{", r"\{")):
        read("a", entry, no_grammar)


def test_the_ends_of_a_range_are_numbers_also_in_quotes():
    parameter = read("lr", {"low": "1e-5", "high": "1e-2", "log": True}, no_grammar)
    assert parameter.branches[0].domain == Floats(1e-5, 1e-2, log=True)


def test_a_quoted_choice_is_a_text_and_an_unquoted_number_is_one():
    """As Hydra's own loading reads a search file."""
    written = OmegaConf.create("{choices: ['1e-5', 1e-5, 12e4, '12e4']}")
    parameter = read("lr", OmegaConf.to_container(written), no_grammar)
    assert parameter.branches[0].domain == Choices(("1e-5", 1e-5, 12e4, "12e4"))


def test_conditions_on_configured_values_are_settled():
    parameters = (
        Parameter("a", (Branch(Choices((1, 2)), {"fusion": ("all", "middle")}),)),
        Parameter("b", (Branch(Choices((1, 2)), {"a": (1,)}),)),
    )
    assert checking.settled(parameters, {"fusion": "middle"}).keys == ["a", "b"]
    assert checking.settled(parameters, {"fusion": "none"}).keys == []


def test_one_and_true_are_not_the_same_condition():
    branch = Branch(Choices((1,)), {"a": (1,)})
    assert branch.holds({"a": 1})
    assert branch.holds({"a": 1.0})
    assert not branch.holds({"a": True})
    assert not branch.holds({"a": "1"})
