"""The one-file form: tags say what is searched, untagged lists are values."""

from typing import Any

import pytest
from space_files import Files, params, resolved

from trialsmith.errors import SearchError


def test_each_tag(files: Files) -> None:
    config = files.convert(
        """
        name: run
        model:
          depth: !sweep
            values: [1, 2]
          type: !pyobject torch_geometric.nn.SAGEConv
          batch: !coupled-sweep
            target: model.depth
            values: [16, 32]
          word: !coupled-sweep {target: model.batch, values: [few, many]}
          layers:
            - {x: 3}
            - {x: !sweep [1, 2]}
          also:
            - x: !coupled-sweep {target: 'model.layers[-1].x', values: [-1, -2]}
          lists: !sweep {values: [[1, 2], [3]]}
          with_lists: !coupled-sweep {target: model.lists, values: [[10], [30]]}
          flat: [1, 2]
        training:
          epochs: !range {start: 1, stop: 6, step: 1}
          dropout: !range {start: 0.1, stop: 0.5, step: 0.2}
          lr: !random_uniform {start: 1e-5, stop: 1e-2, log: true, size: 4}
          momentum: !random_uniform [0, 1]
          follows: !reference {target: 'model.layers[1].x'}
          too: !reference model.layers.1.x
        """,
        base=False,
    )
    assert params(config) == {
        "model.depth": {"choices": [1, 2]},
        "model.batch": [
            {"choices": [16], "when": {"model.depth": [1]}},
            {"choices": [32], "when": {"model.depth": [2]}},
        ],
        "model.word": [
            {"choices": ["few"], "when": {"model.depth": [1]}},
            {"choices": ["many"], "when": {"model.depth": [2]}},
        ],
        "model.layers.1.x": {"choices": [1, 2]},
        "model.also.0.x": [
            {"choices": [-1], "when": {"model.layers.1.x": [1]}},
            {"choices": [-2], "when": {"model.layers.1.x": [2]}},
        ],
        "model.lists": {"choices": [[1, 2], [3]]},
        "model.with_lists": [
            {"choices": [[10]], "when": {"model.lists": [[1, 2]]}},
            {"choices": [[30]], "when": {"model.lists": [[3]]}},
        ],
        "training.epochs": {"low": 1, "high": 6, "step": 1},
        "training.dropout": {"low": 0.1, "high": 0.5, "step": 0.2},
        "training.lr": {"low": 1e-5, "high": 1e-2, "log": True},
        "training.momentum": {"low": 0.0, "high": 1.0},
    }
    config.model.layers[1].x = 2
    values = resolved(config)
    assert values["model"]["flat"] == [1, 2]
    assert values["model"]["type"] == "torch_geometric.nn.SAGEConv"
    assert values["training"]["follows"] == values["training"]["too"] == 2


def test_an_untuned_part_is_of_the_base_settings(files: Files) -> None:
    files.write("base", "model: {a: 3}\ntraining: {lr: 1.0}")
    space = "model: {a: !sweep [1, 2]}\ntraining: {lr: !random_uniform [0.1, 1.0]}"
    config = files.convert(space, tune=["training"])
    assert list(params(config)) == ["training.lr"]
    assert config.model.a == 3
    with pytest.raises(SearchError, match=r"model\.a is searched, and model is not tuned"):
        files.convert(space, tune=["training"], base=False)


def test_values_couple_through_references_and_to_untuned_parts_stay(files: Files) -> None:
    space = """
    model:
      depth: !sweep [1, 2]
      same: !reference model.depth
    training:
      batch: !coupled-sweep {target: model.same, values: [16, 32]}
      lr: !sweep [0.1, 0.2]
    """
    assert params(files.convert(space, base=False))["training.batch"] == [
        {"choices": [16], "when": {"model.depth": [1]}},
        {"choices": [32], "when": {"model.depth": [2]}},
    ]
    files.write("base", "model: {depth: 2, same: 2}\ntraining: {batch: 32, lr: 0.1}")
    config = files.convert(space, tune=["training"])
    assert list(params(config)) == ["training.lr"]
    assert config.training.batch == 32


def test_misspelled_tags_are_named_also_where_no_other_stands(files: Files) -> None:
    with pytest.raises(SearchError) as error:
        files.convert("m:\n  a: !swep [1, 2]\n  b: !rnage {start: 1, stop: 3}", base=False)
    assert "space.yaml:2: m.a has the tag !swep, unknown: did you mean !sweep" in str(error.value)
    assert "space.yaml:3: m.b has the tag !rnage, unknown: did you mean !range" in str(error.value)
    assert "--base" not in str(error.value)


def test_a_tag_at_a_key_that_the_base_settings_lack_is_refused(files: Files) -> None:
    files.write("base", "model: cnn\ntraining: {lr: 1.0}")
    space = "modle: !sweep [cnn, gnn]\ntraining: {lr: !sweep [0.1, 1.0]}"
    with pytest.raises(SearchError, match=r"modle is not in .*base\.yaml: did you mean model"):
        files.convert(space, tune=["model", "training"])


def test_a_range_of_the_three_file_form_is_refused_and_not_taken_literally(files: Files) -> None:
    space = "m: {a: !sweep [1, 2], b: {type: tuple, value: [1e-5, 1e-1, true]}}"
    with pytest.raises(SearchError, match=r"m\.b is no range in a file with tags: write !range"):
        files.convert(space, base=False)


@pytest.mark.parametrize(
    ("tagged", "why"),
    [
        ("!swep [1, 2]", "the tag !swep, unknown: did you mean !sweep"),
        ("!sweep {value: [1, 2]}", "value, which is none of values"),
        ("!sweep 3", "has 3: write {values}"),
        ("!sweep []", "no choices"),
        ("!sweep {values: [!range [1, 3], 5]}", "a range among its choices"),
        ("!coupled-sweep {target: m.other, values: [1]}", "has 1 values, and m.other has 2 at"),
        ("!coupled-sweep {target: m.fixed, values: [1]}", "m.fixed, which has no !sweep"),
        ("!coupled-sweep {target: m.ohter, values: [1, 2]}", "did you mean m.other"),
        ("!coupled-sweep {target: m.it, values: [1, 2]}", "m.it → m.it is a circle"),
        ("!coupled-sweep {values: [1, 2]}", "lacks target"),
        ("!range {start: 5, stop: 1}", "low=5 is above high=1"),
        ("!range {start: 0.1, stop: 1.0}", "of floats and has no step"),
        ("!range {start: a, stop: 1}", "'a', which is not a number"),
        ("!range [1, 2, 3, 4]", "has 4 members"),
        ("!random_uniform {start: 0, stop: 1, log: true}", "low must be above zero"),
        ("!random_uniform {start: 0, stop: 1, log: 3}", "log: 3: write true or false"),
        ("!reference {target: m.ohter}", "follows m.ohter, which does not exist: did you mean m.o"),
        ("!reference ", "names null: name a value"),
    ],
)
def test_what_a_tag_cannot_mean_is_named_with_its_line(files: Files, tagged: str, why: str) -> None:
    text: Any = f"m:\n  other: !sweep [1, 2]\n  fixed: 3\n  it: {tagged}\n"
    with pytest.raises(SearchError) as error:
        files.convert(text, base=False)
    assert "space.yaml:4: m.it" in str(error.value)
    assert why in str(error.value)
