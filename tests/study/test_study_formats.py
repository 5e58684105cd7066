"""What is written comes back: any text through CSV and YAML, any number through JSON."""

import io
import json
import math

import pandas as pd
import yaml
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from trialsmith.spreadsheet import guard, unguard
from trialsmith.study.formats import to_csv, to_json, to_yaml

# pandas' fast reader ends a cell at a NUL, which no configuration can hold
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
formulas = texts.map(lambda text: f"=HYPERLINK({text})")


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


@given(st.lists(st.tuples(texts | formulas, texts), min_size=1))
def test_any_text_survives_csv(rows: list[tuple[str, str]]) -> None:
    text = to_csv(["a", "b,\n"], [{"a": a, "b,\n": b} for a, b in rows])
    read = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    assert list(read.columns) == ["a", "b,\n"]
    assert [(unguard(a), unguard(b)) for a, b in read.itertuples(index=False)] == rows


@given(texts | formulas)
def test_no_cell_is_a_formula(text: str) -> None:
    cell = guard(text)
    if cell[:1] in tuple("=+-@\t\r\n"):
        float(cell)  # a number, such as -1e-3, is no formula
    assert unguard(cell) == text
    assert cell == text or text[0] in "=+-@\t\r\n'"


def test_csv_tells_null_from_absent_and_keeps_numbers() -> None:
    rows = [{"a": None, "b": -1.5, "c": [1, "2,3"]}, {"b": 1e-5, "c": True}]
    read = pd.read_csv(io.StringIO(to_csv("abc", rows)), keep_default_na=False)
    assert read["a"].tolist() == ["null", ""]
    assert read["b"].tolist() == [-1.5, 1e-5]
    assert read["c"].tolist() == ['[1, "2,3"]', "true"]


@given(st.floats())
def test_any_number_survives_valid_json(number: float) -> None:
    read = float(json.loads(to_json([number]), parse_constant=refuse)[0])
    assert read == number or (math.isnan(read) and math.isnan(number))


scalars = st.none() | st.booleans() | st.integers() | texts | st.floats(allow_nan=False)


@given(st.dictionaries(texts, scalars | st.lists(scalars)))
def test_any_value_survives_yaml(values: dict[str, object]) -> None:
    assert yaml.safe_load(to_yaml(values)) == values


@given(st.from_regex(r"[-+]?[0-9_]*\.?[0-9]*([eE][-+]?[0-9]+)?", fullmatch=True) | texts)
def test_hydra_reads_a_text_as_a_text(text: str) -> None:
    assert OmegaConf.create(to_yaml({"value": text.replace("$", "")})).value == text.replace(
        "$", ""
    )
