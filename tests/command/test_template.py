"""Values in a command: each arrives as one argument, whatever it holds."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialsmith.command.template import Template
from trialsmith.errors import InfeasibleConfig, SearchError

VALUES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def received(template: Template, values: dict) -> list[str]:
    """The arguments as a program finds them that prints each with a NUL behind it."""
    done = subprocess.run(template.arguments(values), capture_output=True, check=True)
    return done.stdout.decode().split("\0")[:-1]


@given(VALUES, VALUES)
def test_a_value_is_one_argument_or_part_of_one(a, b):
    template = Template("""prog --a {a} --b={x.b}-{a} 'c d' "{a} {{}}" """)
    words = ["prog", "--a", a, f"--b={b}-{a}", "c d", f"{a} {{}}"]
    assert template.arguments({"a": a, "x": {"b": b}}) == words


@settings(max_examples=60, deadline=None)
@given(VALUES)
def test_a_value_arrives_as_one_argument_at_the_program(a):
    assert received(Template(r"printf '%s\0' {a} --b={a} end"), {"a": a}) == [a, f"--b={a}", "end"]


@settings(max_examples=60, deadline=None)
@given(VALUES)
def test_a_shell_never_reads_a_value_as_code(a):
    script = r"X='a b' && printf '%s\0' {a} --b={a} $X 2>&1 | cat; true {a}"
    assert received(Template(script, shell=True), {"a": a}) == [a, f"--b={a}", "a", "b"]


def test_values_stand_as_in_a_yaml_file():
    values = {"a": True, "b": None, "c": 1e-5, "d": 1.0, "e": [1, "é"], "f": {"g": 2}, "h": 3}
    words = Template("{a} {b} {c} {d} {e} {f} {f.g} {h}").arguments(values)
    assert words == ["true", "null", "1e-05", "1.0", '[1, "é"]', '{"g": 2}', "2", "3"]


def test_items_of_lists_have_places_too():
    values = {"net": {"layers": [{"width": 4}, {"width": 8}]}, "rates": [0.1, 0.2]}
    words = Template("{net.layers.1.width} {net.layers[0].width} {rates.1}").arguments(values)
    assert words == ["8", "4", "0.2"]
    with pytest.raises(SearchError, match=r"did you mean net\.layers\.1\.width"):
        Template("{net.layers.1.widht}").arguments(values)


@pytest.mark.parametrize(
    ("text", "shell", "answer"),
    [
        ("", False, "command is empty"),
        ("prog {", False, r"lone \{ at column 6"),
        ("awk '{print $1}'", True, "lone {"),
        ("prog 'x", False, "no closing quotation"),
        ("prog '{x}'", True, r"has \{x\} within quotes"),
        ('prog "$HOME/{x}"', True, r"has \{x\} within quotes"),
    ],
)
def test_an_impossible_command_is_refused(text, shell, answer):
    with pytest.raises(SearchError, match=answer):
        Template(text, shell=shell)


def test_a_place_without_a_value_is_refused_with_the_nearest_name():
    with pytest.raises(SearchError, match=r"\{lr\} .* did you mean optimizer.lr\?"):
        Template("prog {lr}").arguments({"optimizer": {"lr": 1}})


@pytest.mark.parametrize("value", ["a\0b", "\ud800"])
def test_what_no_argument_can_hold_is_refused(value):
    with pytest.raises(InfeasibleConfig, match="x="):
        Template("prog {x}").arguments({"x": value})
