"""Settings, a space and dependencies become a search file; every fault of spec/5's reader."""

import re
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf
from space_files import Files, params, resolved

from trialsmith.errors import SearchError

LR = "training: {lr: {type: tuple, value: [1e-5, 1e-1, true]}}"


def mistakes(files: Files, *arguments: Any, **options: Any) -> str:
    with pytest.raises(SearchError) as error:
        files.convert(*arguments, **options)
    return str(error.value).replace(f"{files.folder}/", "")


def entry(files: Files, written: str) -> Any:
    """What `training.lr: written` becomes."""
    return params(files.convert(f"training: {{lr: {written}}}"))["training.lr"]


# What is searched ------------------------------------------------------------------------------


def test_exponents_are_numbers_and_true_means_logarithmic(files: Files) -> None:
    assert entry(files, "{type: tuple, value: [1e-5, 1e-1, true]}") == {
        "low": 1e-5,
        "high": 0.1,
        "log": True,
    }


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("[128, 256]", {"choices": [128, 256]}),
        ("[relu, 'tanh']", {"choices": ["relu", "tanh"]}),
        ("[true, false]", {"choices": [True, False]}),
        ("[0.1, null]", {"choices": [0.1, None]}),
        ("['128', 128]", {"choices": ["128", 128]}),
        ("[false, 0.1, 0.2]", {"choices": [False, 0.1, 0.2]}),
        ("{type: tuple, value: [16, 64, 16]}", {"low": 16, "high": 64, "step": 16}),
        ("{type: tuple, value: [0.2, 0.5, 0.1]}", {"low": 0.2, "high": 0.5, "step": 0.1}),
        ("{type: tuple, value: [0, 1, 0.25]}", {"low": 0.0, "high": 1.0, "step": 0.25}),
        ("{type: tuple, value: [0.0, 1.0, false]}", {"low": 0.0, "high": 1.0}),
    ],
)
def test_choices_and_ranges(files: Files, written: str, read: dict[str, Any]) -> None:
    found = entry(files, written)
    assert found == read
    assert {k: type(v) for k, v in found.items()} == {k: type(v) for k, v in read.items()}


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (
            "{type: tuple, value: [1, 64, true]}",
            r"without a step: write \[1, 64, 1\]",
        ),
        ("{type: tuple, value: [5, 1, 1]}", "low=5 is above high=1"),
        ("{type: tuple, value: [0.0, 1.0, true]}", "low must be above zero"),
        ("{type: tuple, value: [0.1, 0.5, 2.0]}", "step=2.0, wider than"),
        ("{type: tuple, value: [1, 5, 0]}", "step=0: it must be above zero"),
        ("{type: tuple, value: [1, 5]}", "2 members"),
        ("{type: tuple, value: [0.1, 0.5, 0.1, true]}", "4 members"),
        ("{type: tuple, value: 3}", "no list"),
        ("{type: tuple, value: ['1e-5', 1e-1, true]}", "'1e-5', which is not a number"),
        ("{type: tuple, value: [.inf, 1.0, true]}", "ends must be finite"),
        ("{type: tupel, value: [1, 5, 1]}", "did you mean tuple"),
        ("{type: tuple, vaule: [1, 5, 1]}", "is a mapping, and base.yaml:.* has one value"),
        ("{type: tuple, value: [1, 5, 1], log: true}", "log beside type and value"),
        ("[]", "no choices"),
        ("[1, 2, 1]", "repeats the choice 1"),
        ("[[1, 2], [3]]", "offers a list where base.yaml:.* has one value"),
        ("[{a: 1}]", "offers a mapping where"),
        ("[{type: tuple, value: [1, 5, 1]}, 3]", "a range among its choices"),
        ("[1, 64, true]", r"\[1, 64, true\], which is a range without its words: write {type"),
        ("[1e-5, 1e-1, false]", "let the truth value come first"),
        ("[yes, no]", "yes is a truth value to YAML 1.1 and a text to YAML 1.2"),
        ("[012, 64]", "012 is a number to YAML 1.1"),
    ],
)
def test_what_cannot_be_searched_is_named_with_its_line(
    files: Files, written: str, why: str
) -> None:
    text = mistakes(files, f"training: {{lr: {written}}}")
    assert re.search(rf"space.yaml:1: (.|\n)*{why}", text), text


def test_an_end_that_no_step_leads_to_is_told(files: Files) -> None:
    files.convert("training: {lr: {type: tuple, value: [0.2, 0.5, 0.2]}}")
    assert "the last value is 0.4" in (files.folder / "mine.yaml").read_text()


# Lists that are values ---------------------------------------------------------------------------


def test_a_list_over_a_list_is_a_value(files: Files) -> None:
    config = files.convert("model: {head: {hidden_dims: [64, 32], activation: [relu, tanh]}}")
    assert config.model.head.hidden_dims == [64, 32]
    assert list(params(config)) == ["model.head.activation"]


def test_a_list_of_another_length_is_a_value_too(files: Files) -> None:
    config = files.convert("model: {head: {hidden_dims: [64], activation: [relu, tanh]}}")
    assert config.model.head.hidden_dims == [64]


def test_lists_over_a_list_are_choices_among_lists(files: Files) -> None:
    config = files.convert("model: {head: {hidden_dims: [[48, 18], [64]]}}")
    assert config.model.head.hidden_dims == [48, 18]
    assert params(config) == {"model.head.hidden_dims": {"choices": [[48, 18], [64]]}}


@pytest.mark.parametrize(
    ("offered", "searched"),
    [
        # the base list [48, 18] is among them: whole lists, whatever else could be read
        ("[[48, 18], [32, 16]]", {"": [[48, 18], [32, 16]]}),
        ("[[48, 18], [18, 48]]", {"": [[48, 18], [18, 48]]}),
        ("[[48, 18], [32], [8]]", {"": [[48, 18], [32], [8]]}),
        ("[[32], [8], [16]]", {"": [[32], [8], [16]]}),
        # each of its items is in its own list
        ("[[48, 96], [18, 36]]", {".0": [48, 96], ".1": [18, 36]}),
        ("[[48, 96], 18]", {".0": [48, 96]}),
    ],
)
def test_the_base_list_tells_whole_lists_from_choices_of_each_item(
    files: Files, offered: str, searched: dict[str, Any]
) -> None:
    config = files.convert(f"model: {{head: {{hidden_dims: {offered}}}}}")
    expected = {f"model.head.hidden_dims{end}": {"choices": c} for end, c in searched.items()}
    assert params(config) == expected
    assert config.model.head.hidden_dims == [48, 18]


@pytest.mark.parametrize("offered", ["[[64, 32], [16, 8]]", "[[48, 96], [36, 72]]", "[[1], [2]]"])
def test_lists_that_fit_neither_reading_are_refused(files: Files, offered: str) -> None:
    text = mistakes(files, f"model: {{head: {{hidden_dims: {offered}}}}}")
    assert "space.yaml:1: model.head.hidden_dims has 2 lists, and base.yaml:5 has [48, 18]" in text
    assert "among whole lists" in text
    assert "of each item" in text


@pytest.mark.parametrize(
    "space",
    [
        "{aggr: [mean, max]}",
        "{lr: {type: tuple, value: [1e-5, 1e-1, true]}}",
        "{deep: {er: [1, 2]}}",
        "[{a: [1, 2]}, {a: [3, 4]}]",
        "[{lr: {type: tuple, value: [1e-5, 1e-1, true]}}, {lr: 1}]",
    ],
)
def test_what_null_cannot_tell_from_a_value_is_refused(files: Files, space: str) -> None:
    text = mistakes(files, f"model: {{extra: {space}}}")
    assert "1 mistake" in text
    assert "space.yaml:1: model.extra has lists or ranges, and base.yaml:6 has null" in text


def test_plain_values_over_null_stay_and_null_among_choices_says_that_they_are(
    files: Files,
) -> None:
    config = files.convert("model: {extra: {a: 3}}\ntraining: {epochs: [1, 2]}")
    assert config.model.extra == {"a": 3}
    config = files.convert("model: {extra: [null, {a: [1]}]}")
    assert params(config) == {"model.extra": {"choices": [None, {"a": [1]}]}}


@pytest.mark.parametrize("tune", [None, ["validation"]])
def test_a_range_in_the_base_settings_is_refused(files: Files, tune: list[str] | None) -> None:
    files.write("base", "m:\n  lr: {type: tuple, value: [1e-5, 1e-1, true]}\nvalidation: {n: 1}")
    space = "m: {lr: {type: tuple, value: [1e-5, 1e-1, true]}}\nvalidation: {n: [1, 2]}"
    text = mistakes(files, space, tune=tune)
    assert "1 mistake" in text
    assert "base.yaml:2: m.lr is a range, and base settings are values: write one number" in text


def test_a_range_deep_inside_of_choices_is_not_taken_literally(files: Files) -> None:
    space = "model: {head: {hidden_dims: [[{type: tuple, value: [16, 64, 16]}, 18], [64, 8]]}}"
    assert "model.head.hidden_dims has a range among its choices" in mistakes(files, space)


def test_an_item_of_a_list_can_be_searched(files: Files) -> None:
    config = files.convert("model: {head: {hidden_dims: [{type: tuple, value: [16, 64, 16]}, 18]}}")
    assert list(params(config)) == ["model.head.hidden_dims.0"]


def test_a_list_over_null_offers_choices_of_any_kind(files: Files) -> None:
    config = files.convert("model: {extra: [null, [1], {a: 1}]}")
    assert params(config) == {"model.extra": {"choices": [None, [1], {"a": 1}]}}


def test_a_list_over_a_mapping_offers_mappings(files: Files) -> None:
    config = files.convert("model: {head: [{in_dim: 1}, {in_dim: 2}]}")
    assert params(config) == {"model.head": {"choices": [{"in_dim": 1}, {"in_dim": 2}]}}


@pytest.mark.parametrize(
    "space",
    [
        "layers: 3",
        "head: 3",
        "head: {in_dim: {a: [1]}}",
        "head: {hidden_dims: {type: tuple, value: [16, 64, 16]}}",
    ],
)
def test_another_shape_than_the_base_settings_is_refused(files: Files, space: str) -> None:
    assert "and base.yaml:" in mistakes(files, f"model: {{{space}}}")


def test_layers_that_the_base_settings_lack_are_refused(files: Files) -> None:
    text = mistakes(files, "model: {layers: [{out_dim: [1, 2]}, {}, {out_dim: [1, 2]}]}")
    assert "space.yaml:1: model.layers has 3 items, and base.yaml:2 has 2" in text


# Parts -------------------------------------------------------------------------------------------

BOTH = "model: {head: {activation: [relu, tanh]}}\ntraining: {epochs: [10, 20]}"


@pytest.mark.parametrize(
    ("tune", "searched"),
    [
        (["model"], ["model.head.activation"]),
        (["training"], ["training.epochs"]),
        (["training", "model"], ["model.head.activation", "training.epochs"]),
        (None, ["model.head.activation", "training.epochs"]),
    ],
)
def test_a_part_that_is_not_tuned_comes_from_the_base_settings_as_it_is(
    files: Files, tune: list[str] | None, searched: list[str]
) -> None:
    deps = "model: {head: {in_dim: 'model.layers[0].in_dim'}}"
    config = files.convert(BOTH, deps, tune)
    assert list(params(config)) == searched
    tuned = tune is None or "model" in tune
    assert resolved(config)["model"]["head"]["in_dim"] == (12 if tuned else 32)


def test_what_follows_a_searched_value_follows_it_from_any_part(files: Files) -> None:
    deps = "validation: {epochs: training.epochs}\nmodel: {extra: validation.epochs}"
    config = files.convert(BOTH, deps, ["training"])
    config.training.epochs = 20
    assert resolved(config)["validation"]["epochs"] == 20
    assert resolved(config)["model"]["extra"] == 20


def test_an_unknown_part_is_refused_with_the_nearest(files: Files) -> None:
    assert "modle: did you mean model" in mistakes(files, BOTH, tune=["modle", "training"])


@pytest.mark.parametrize("tune", [None, ["model", "training"], ["training"]])
def test_a_misspelled_part_of_the_space_is_refused(files: Files, tune: list[str] | None) -> None:
    text = mistakes(files, BOTH.replace("model:", "modle:"), tune=tune)
    assert "1 mistake" in text
    assert "space.yaml:1: modle is not in base.yaml: did you mean model?" in text


# Dependencies ------------------------------------------------------------------------------------

LAYERS = """
model:
  layers:
    - {out_dim: [64, 128]}
    - {out_dim: [32, 256]}
"""


def test_dimensions_follow_what_is_sampled(files: Files) -> None:
    deps = """
    model:
      layers:
        - norm_args: ["model.layers[0].out_dim"]
        - in_dim: "model.layers[0].out_dim"
          norm_args: ["model.layers.1.out_dim"]
      head: {in_dim: "model.layers[-1].out_dim"}
    """
    config = files.convert(LAYERS, deps)
    config.model.layers[0].out_dim, config.model.layers[1].out_dim = 128, 256
    model = resolved(config)["model"]
    assert model["layers"][0]["norm_args"] == [128]
    assert model["layers"][1] == {"in_dim": 128, "out_dim": 256, "norm_args": [256]}
    assert model["head"]["in_dim"] == 256


def test_an_empty_mapping_skips_an_item(files: Files) -> None:
    config = files.convert(LR, "model: {layers: [{}, {in_dim: 'model.layers[0].out_dim'}]}")
    assert [layer["in_dim"] for layer in resolved(config)["model"]["layers"]] == [12, 64]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_chains_may_stand_in_any_order(files: Files, order: tuple[int, ...]) -> None:
    names = ["model.head.in_dim", "model.extra", "validation.epochs", "training.epochs"]
    lines = [(names[k], names[k + 1]) for k in range(3)]
    tree: Any = OmegaConf.create()
    for k in order:
        OmegaConf.update(tree, *lines[k])
    config = files.convert("training: {epochs: [10, 20]}", OmegaConf.to_yaml(tree))
    config.training.epochs = 20
    assert resolved(config)["model"]["head"]["in_dim"] == 20


@pytest.mark.parametrize(
    ("deps", "why"),
    [
        ("model: {extra: model.head.in_dimm}", "did you mean model.head.in_dim"),
        ("model: {extra: 'model.layers[-1].out'}", r"did you mean model.layers\[1\].out_dim"),
        ("model: {extra: 'model.layers[2].out_dim'}", r"model.layers has 2 items, \[0\] to \[1\]"),
        ("model: {extra: 'model.layers[-3].out_dim'}", "has 2 items"),
        ("model: {extras: model.head.in_dim}", "model.extras is in neither.*mean model.extra"),
        ("model: {layers: [{}, {}, {in_dim: model.extra}]}", r"model.layers\[2\].in_dim is in"),
        ("model: {extra: model.extra}", "model.extra → model.extra is a circle"),
        ("model: {head: {in_dim: model.head}}", "is a circle"),
        (
            "{model: {extra: validation.epochs}, validation: {epochs: model.extra}}",
            "model.extra → validation.epochs → model.extra is a circle",
        ),
        ("model: {extra: 3}", "model.extra follows 3: name a value"),
        ("model: {extra: }", "model.extra follows nothing: name a value"),
        ("model: {extra: 'a..b'}", "no name of a value"),
        ("training: {lr: training.epochs}", "training.lr is searched at space.yaml:1"),
    ],
)
def test_what_cannot_follow_is_named_with_its_line(files: Files, deps: str, why: str) -> None:
    text = mistakes(files, LR, deps)
    assert re.search(f"deps.yaml:1: .*{why}", text), text


WHOLE = "model: {head: {hidden_dims: [[48, 18], [32, 16]]}}"


@pytest.mark.parametrize(("named", "item"), [("[0]", 0), ("[1]", 1), ("[-1]", 1), (".0", 0)])
def test_an_item_of_a_list_that_is_searched_as_a_whole_can_be_followed(
    files: Files, named: str, item: int
) -> None:
    config = files.convert(WHOLE, f"model: {{extra: 'model.head.hidden_dims{named}'}}")
    assert resolved(config)["model"]["extra"] == [48, 18][item]
    config.model.head.hidden_dims = [32, 16]
    assert resolved(config)["model"]["extra"] == [32, 16][item]


@pytest.mark.parametrize(
    ("space", "named", "why"),
    [
        (WHOLE, "hidden_dims[2]", "which does not exist: did you mean"),
        (WHOLE.replace(", 16", ""), "hidden_dims[-1]", "have different lengths"),
        (WHOLE.replace(", 16", ""), "hidden_dims[1]", "have different lengths"),
        ("model: {head: [{in_dim: 1, a: 2}, {in_dim: 2}]}", "a", "not all its choices have it"),
        ("model: {head: [{a: [1]}, {a: [1, 2]}]}", "a[-1]", "have different lengths"),
        ("model: {head: {activation: [relu, tanh]}}", "activation.x", "which does not exist"),
    ],
)
def test_what_not_all_choices_have_cannot_be_followed(
    files: Files, space: str, named: str, why: str
) -> None:
    text = mistakes(files, space, f"model: {{extra: 'model.head.{named}'}}")
    assert f"deps.yaml:1: model.extra follows model.head.{named}" in text
    assert why in text
    assert ("searched as a whole at space.yaml:1" in text) == ("not exist" not in why)


@pytest.mark.parametrize(
    ("deps", "why"),
    [
        (
            "model: {layers: [{norm_args: 'model.layers[0].out_dim'}]}",
            r"model.layers\[0\].norm_args is a list \(base.yaml:3\) and "
            r'model.layers\[0\].out_dim is one value: write - "model.layers\[0\].out_dim" below it',
        ),
        ("model: {head: {in_dim: model.layers}}", "in_dim is one value .* model.layers is a list"),
        ("model: {head: model.layers}", "head is a mapping .* and model.layers is a list"),
        ("model: {head: {hidden_dims: training.lr}}", "is a list .* and training.lr is one value"),
    ],
)
def test_a_value_follows_one_of_its_own_kind(files: Files, deps: str, why: str) -> None:
    text = mistakes(files, LR, deps)
    assert "1 mistake" in text
    assert re.search(f"deps.yaml:1: .*{why}", text), text


def test_what_is_null_may_follow_any_kind(files: Files) -> None:
    for target in ("model.layers", "model.head", "training.lr"):
        assert resolved(files.convert(LR, f"model: {{extra: {target}}}"))["model"]["extra"]


# Mistakes ----------------------------------------------------------------------------------------


def test_all_mistakes_are_in_one_error_with_the_nearest_names(files: Files) -> None:
    text = mistakes(
        files,
        """\
        model:
          head:
            activaton: [relu, tanh]
        training:
          lr: {type: tuple, value: [1e-1, 1e-5, true]}
        """,
        "model:\n  head:\n    in_dim: model.layers[-1].out_dmi\n",
    )
    assert text.splitlines()[0] == "the space cannot be converted, 3 mistakes:"
    assert "deps.yaml:3: model.head.in_dim follows model.layers[-1].out_dmi" in text
    assert "did you mean model.layers[1].out_dim" in text
    assert "space.yaml:3: model.head.activaton is not in base.yaml: did you mean model.h" in text
    assert "space.yaml:5: training.lr is empty: low=0.1 is above high=1e-05" in text


@pytest.mark.parametrize(
    ("space", "why"),
    [
        ("training: {lr: [1, 2]}\ntraining: {}", "space.yaml:2: the key training stands on line 1"),
        ("training: [1, 2", "space.yaml:1: is not YAML"),
        ("- 1\n- 2", "space.yaml:1: must be a mapping"),
        ("a: &a {b: *a}", "space.yaml:1: holds itself"),
        ("training: {1: [1, 2]}", "training has the key 1: keys are texts"),
        ("training: {lr: 3}", "nothing is searched"),
        ("", "nothing is searched"),
        ("hydra: {sweeper: {}}", "space.yaml:1: hydra has a meaning of its own"),
    ],
)
def test_a_file_that_is_none_is_refused(files: Files, space: str, why: str) -> None:
    assert why in mistakes(files, space)


@pytest.mark.parametrize(
    ("space", "why"),
    [
        ("training: {<<: 3, lr: [1, 2]}", "training has a << that cannot be merged"),
        ("training: {lr: !!python/name:os.system }", "training.lr has the tag !!python/name:os"),
        ("training: {lr: !!set {a, b}}", "training.lr has the tag !!set"),
        ("model: {head: [{in_dim: [1, 2]}]}", "offers a list where base.yaml:5 has one value"),
        ("model: {head: {activation: ['${model}', relu]}}", "Hydra does not take for a text"),
        ("training.lr: [1, 2]", "training.lr is not in base.yaml: a key has no dots"),
        ("training: {epochs: {type: tuple, value: [1, 100000000000000000000, 1]}}", "goes beyond"),
    ],
)
def test_what_would_be_taken_for_something_else_is_refused(
    files: Files, space: str, why: str
) -> None:
    text = mistakes(files, space)
    assert "space.yaml:1: " in text
    assert why in text


def test_an_interpolation_of_the_base_settings_is_a_dependency(files: Files) -> None:
    files.write("base", "a: {x: 1, y: '${a.x}', z: ['${a.y}']}")
    config = files.convert("a: {x: [1, 2]}")
    config.a.x = 2
    assert resolved(config)["a"] == {"x": 2, "y": 2, "z": [2]}
    files.write("base", "a: {x: 1, y: '${a.xx}', z: '${oc.env:HOME}'}")
    text = mistakes(files, "a: {x: [1, 2]}")
    assert "base.yaml:1: a.y follows a.xx, which does not exist: did you mean a.x" in text
    assert "base.yaml:1: a.z has '${oc.env:HOME}'" in text


def test_a_missing_file_is_named(files: Files) -> None:
    (files.folder / "base.yaml").unlink()
    assert "base.yaml:1: cannot be read: No such file" in mistakes(files, LR)


def test_without_base_settings_lists_cannot_be_told_from_choices(files: Files) -> None:
    assert "add --base FILE" in mistakes(files, LR, base=False)


def test_names_that_hydra_cannot_write_are_refused_where_they_are_searched(files: Files) -> None:
    files.write("base", "a: {'b c': 1, 'd.e': 2, f: 3}")
    assert resolved(files.convert("a: {f: [3, 4]}"))["a"] == {"b c": 1, "d.e": 2, "f": 3}
    assert "a.b c cannot be searched" in mistakes(files, "a: {'b c': [1, 2]}")


# The file ----------------------------------------------------------------------------------------


def test_each_line_says_where_it_comes_from(files: Files) -> None:
    files.convert(LAYERS + LR, "model: {head: {in_dim: 'model.layers[-1].out_dim'}}")
    lines = (files.folder / "mine.yaml").read_text().splitlines()
    comment = {line.split("#")[0].strip(): line.partition("#")[2].strip() for line in lines}
    assert comment["activation: relu"] == "base.yaml:5"
    assert comment["- in_dim: 12"] == "base.yaml:3"
    assert comment["lr: 0.001"] == "searched below, space.yaml:5"
    assert comment["model.layers.1.out_dim: {choices: [32, 256]}"] == "space.yaml:4"
    assert comment["in_dim: ${model.layers.1.out_dim}"] == "deps.yaml:1: model.layers[-1].out_dim"


def test_any_value_comes_through_as_it_is(files: Files) -> None:
    base = {
        "p": {
            "yes": "yes",
            "e": "1e-5",
            "n": "null",
            "empty": "",
            "lines": "a\n b",
            "c": "a: b # c",
        },
        "q": [[], {}, [[1]], {"a": {"b": []}}, None, True, 1.0, 1e300, "é", "]", ", "],
        "r": 1,
    }
    files.write("base", OmegaConf.to_yaml(OmegaConf.create(base)))
    found = resolved(files.convert("r: [1, 2]"))
    assert {name: found[name] for name in base} == base


def test_a_file_that_exists_is_kept_and_no_input_is_ever_replaced(tmp_path: Path) -> None:
    from trialsmith.spaces.converting import Inputs, write_search_file

    files = Files(tmp_path)
    inputs = Inputs(files.write("space", LR), tmp_path / "base.yaml")
    write_search_file(inputs, tmp_path / "new" / "mine.yaml")
    (tmp_path / "new" / "mine.yaml").write_text("mine")
    with pytest.raises(SearchError, match="exists: name another --out, or replace it with --force"):
        write_search_file(inputs, tmp_path / "new" / "mine.yaml")
    assert (tmp_path / "new" / "mine.yaml").read_text() == "mine"
    with pytest.raises(SearchError, match="one of the files to convert"):
        write_search_file(inputs, tmp_path / "space.yaml", force=True)
    with pytest.raises(SearchError, match=r"end with \.yaml"):
        write_search_file(inputs, tmp_path / "mine.yml")
