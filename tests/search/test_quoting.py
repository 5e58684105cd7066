"""Any value survives the way into a trial's configuration: Hydra's parser, and a composition."""

import math
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from hydra_plugins.trialsmith_sweeper._quoting import override, quote
from trialsmith.errors import SearchError
from trialsmith.search.domains import identity

# YAML and Hydra hold no lone surrogates; an interpolation is meant as one.
TEXT = st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: "${" not in text)
TRICKY = st.text(st.sampled_from("ab01,='\"\\{}[]() :.$~+@#\n\téß"), max_size=12).filter(
    lambda text: "${" not in text
)
WORDS = st.sampled_from(["", "null", "true", "1", "1e-5", "a,b", "choice(1,2)", "???", "nan", "~"])
KEYS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_\-]{0,6}", fullmatch=True).filter(
    lambda key: key.lower() not in ("true", "false", "null", "inf", "nan")
)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT | TRICKY | WORDS
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
@example("it's")
@example("\\")
@example("\\'")
@example("a\\\\'b\\")
@example(["1,3", "", None, {"a": [1.5, -math.inf]}])
def test_what_is_quoted_is_parsed_as_itself(value):
    parsed = OverridesParser.create().parse_override(override("key", value))
    assert not parsed.is_sweep_override()
    assert identity(parsed.value()) == identity(value)


def missing(value: Any) -> bool:
    """Whether OmegaConf's mark of a missing value is in it."""
    if isinstance(value, dict):
        return any(missing(item) for item in value.values())
    return any(map(missing, value)) if isinstance(value, list) else value == "???"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(VALUES.filter(lambda value: not missing(value)))
def test_what_is_quoted_is_composed_as_itself(plain_config, value):
    with initialize_config_dir(plain_config):
        config = compose("config", overrides=[override("key", value)])
    composed = OmegaConf.to_container(config, resolve=True)["key"]
    assert identity(composed) == identity(value)


@pytest.fixture(scope="module")
def plain_config(tmp_path_factory):
    folder = tmp_path_factory.mktemp("conf")
    (folder / "config.yaml").write_text("key: null\n")
    return str(folder)


def test_config_names_go_bare():
    assert override("fusion", "middle", bare=True) == "fusion=middle"
    assert override("fusion", None, bare=True) == "fusion=null"


def test_keys_that_the_grammar_lacks_are_refused():
    with pytest.raises(SearchError, match="keys of letters"):
        quote({"a b": 1})
