"""YAML 1.2: numbers are numbers, and what other readers take otherwise is refused or quoted."""

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from trialsmith import yaml12

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
scalars = st.none() | st.booleans() | st.integers() | texts | st.floats(allow_nan=False)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
)
numberlike = st.from_regex(r"[-+]?[0-9_:]*\.?[0-9]*([eE][-+]?[0-9]+)?|0[box][0-9]+", fullmatch=True)


@given(values)
def test_what_is_written_reads_back(value: object) -> None:
    assert yaml12.load(yaml12.dump(value)) == value
    assert yaml12.load(yaml12.dump([value], flow=True)) == [value]


@given(numberlike | st.sampled_from(["yes", "on", "No", "~", "null", "1e5", ".5", ".inf", "="]))
def test_a_text_is_a_text_to_every_reader(text: str) -> None:
    written = yaml12.dump({"value": text})
    assert yaml12.load(written)["value"] == text
    assert OmegaConf.create(written).value == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_a_number_to_hydra(number: float) -> None:
    assert OmegaConf.create(yaml12.dump({"value": number})).value == number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-5", 1e-5),
        ("1E5", 1e5),
        ("-1.5e3", -1500.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("+3", 3),
        ("0x1F", 31),
        ("0o17", 15),
        ("-.inf", -math.inf),
        ("True", True),
        ("~", None),
        ("'1e-5'", "1e-5"),
        ("2026-11-21", "2026-11-21"),
        ("1e", "1e"),
        ("1.2.3", "1.2.3"),
    ],
)
def test_the_core_schema(text: str, value: object) -> None:
    found = yaml12.load(f"a: {text}")["a"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", ["yes", "No", "on", "OFF", "012", "1_000", "1:30", "0b1"])
def test_what_two_versions_read_differently_is_refused(text: str) -> None:
    with pytest.raises(yaml.YAMLError, match=f"{text} is .*YAML 1.2.*\n.*line 2"):
        yaml12.load(f"a: 1\nb: [{text}]")
    assert yaml12.load(f"b: ['{text}']") == {"b": [text]}


def test_a_tag_leaves_nothing_open() -> None:
    assert yaml12.load("a: [!!str 5, !!float 3]") == {"a": ["5", 3.0]}


def test_a_key_that_stands_twice_is_refused_with_both_lines() -> None:
    with pytest.raises(yaml.YAMLError, match=r"the key a stands on line 1 already(.|\n)*line 3"):
        yaml12.load("a: 1\nb: 2\na: 3")


def test_merges_and_aliases_are_no_repetitions() -> None:
    text = "a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}\nc: *a\nd: {<<: [*a, {z: 4}]}"
    read = yaml12.load(text)
    assert read["b"] == {"x": 3, "y": 2}
    assert read["c"] == read["a"]
    assert read["d"] == {"x": 1, "y": 2, "z": 4}


def test_what_holds_itself_is_refused() -> None:
    with pytest.raises(yaml.YAMLError, match="holds itself"):
        yaml12.load("a: &a [*a]")
