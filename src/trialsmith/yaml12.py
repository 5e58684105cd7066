"""YAML as its version 1.2 reads it (https://yaml.org/spec/1.2.2, core schema), and writes it back.

PyYAML reads version 1.1: `1e-5` is a text there, `012` is ten, and `on`, `off`, `yes` and `no` are
truth values, as they still are to OmegaConf. What the two versions take for different values is
refused, but for numbers such as `1e-5`, of which everybody means the number. So are repeated keys,
of which PyYAML silently takes the last.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import yaml

_TAG = "tag:yaml.org,2002:"
_CORE = {
    "merge": "<<",
    "null": "~|null|Null|NULL|",
    "bool": "true|True|TRUE|false|False|FALSE",
    "int": "[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+",
    "float": r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
    r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
}
_BASES = {"0o": 8, "0x": 16}

ENDLESS = "holds itself by an alias"


class Loader(yaml.SafeLoader):
    """Reads one document; `yaml.compose(text, Loader)` gives its nodes."""

    # under None: patterns of whole scalars, whatever their first character
    yaml_implicit_resolvers: Any = {  # noqa: RUF012  (PyYAML's own name)
        None: [(_TAG + kind, re.compile(rf"(?:{p})\Z")) for kind, p in _CORE.items()]
    }

    def construct_document(self, node: Any) -> Any:
        for place, problem in faults(node):
            raise yaml.constructor.ConstructorError(None, None, problem, place.start_mark)
        return super().construct_document(node)


def _integer(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    return int(node.value, _BASES.get(node.value[:2], 10))


def _float(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> float:
    return float(re.sub(r"\.(?=[inIN])", "", node.value))  # .inf and .nan


Loader.add_constructor(f"{_TAG}int", _integer)
Loader.add_constructor(f"{_TAG}float", _float)


def load(text: str) -> Any:
    """The value of a document.

    Raises:
        yaml.YAMLError: it is not YAML, or has one of the `faults`.
    """
    return yaml.load(text, Loader=Loader)


def faults(node: yaml.Node) -> Iterator[tuple[yaml.Node, str]]:
    """The nodes of a document that YAML allows and nobody can mean, each with what is wrong."""
    yield from _faults(node, [], set())


def _faults(
    node: yaml.Node, around: list[yaml.Node], seen: set[int]
) -> Iterator[tuple[yaml.Node, str]]:
    if any(node is outer for outer in around):
        yield node, ENDLESS
        return
    if id(node) in seen:
        return
    seen.add(id(node))
    inner = [*around, node]
    if isinstance(node, yaml.ScalarNode) and (problem := _ambiguity(node)):
        yield node, problem
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _faults(item, inner, seen)
    elif isinstance(node, yaml.MappingNode):
        yield from _repeated(node)
        for key, value in node.value:
            yield from _faults(key, inner, seen)
            yield from _faults(value, inner, seen)


def _ambiguity(node: yaml.ScalarNode) -> str:
    """Why an unquoted scalar is read in two ways; "" where it is not."""
    if node.style is not None or node.tag not in (f"{_TAG}str", f"{_TAG}int"):
        return ""
    if node.tag != Loader("").resolve(yaml.ScalarNode, node.value, (True, False)):
        return ""  # !!str 5 leaves nothing open
    old = yaml.resolver.Resolver().resolve(yaml.ScalarNode, node.value, (True, False))
    if old == f"{_TAG}bool":
        return (
            f"{node.value} is a truth value to YAML 1.1 and a text to YAML 1.2: write true or "
            f'false, or "{node.value}"'
        )
    decimal = re.match(r"[-+]?0[0-9]", node.value) is None
    if old not in (f"{_TAG}int", f"{_TAG}float") or (node.tag == old and decimal):
        return ""
    return (
        f"{node.value} is a number to YAML 1.1 and another, or a text, to YAML 1.2: write the "
        f'number in plain digits, or "{node.value}"'
    )


def _repeated(node: yaml.MappingNode) -> Iterator[tuple[yaml.Node, str]]:
    lines: dict[str, int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag == f"{_TAG}merge":
            continue
        if key.value in lines:
            yield key, f"the key {key.value} stands on line {lines[key.value]} already"
        lines.setdefault(key.value, key.start_mark.line + 1)


class _Dumper(yaml.SafeDumper):
    """Quotes what PyYAML leaves open and others read otherwise, or it reads back changed."""

    def ignore_aliases(self, data: Any) -> bool:
        return True  # equal parts are written out: a reader edits one without the other


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if text.isprintable() else '"'  # U+0085 and its like would become line breaks
    return dumper.represent_scalar(f"{_TAG}str", text, style=style)


_Dumper.add_representer(str, _text)
# numbers to YAML 1.2 or to OmegaConf, though not to PyYAML
_NUMBERS = rf"{_CORE['int']}|{_CORE['float']}|[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+"
_Dumper.add_implicit_resolver(f"{_TAG}float", re.compile(rf"(?:{_NUMBERS})\Z"), None)


def dump(value: Any, flow: bool = False) -> str:
    """YAML in the given order of keys, which versions 1.1 and 1.2 and OmegaConf read alike.

    Args:
        flow: on one line, `{a: [1, 2]}`.
    """
    return yaml.dump(
        plain(value),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=flow,
        width=float("inf") if flow else 100,
    )


def plain(value: Any) -> Any:
    """`value` with nothing in it that YAML lacks; moments are texts."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="milliseconds")
    return str(value)
