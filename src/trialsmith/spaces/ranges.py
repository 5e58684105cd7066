"""What may be searched, as files say it: `{type: tuple, …}`, `!sweep`, `!range` and so on."""

from collections.abc import Sequence
from typing import Any

from trialsmith.search.domains import Choices, Domain, Floats, Integers
from trialsmith.search.nearest import suggestion
from trialsmith.spaces.document import Node
from trialsmith.spaces.mistakes import Mistake

TUPLE = "write {type: tuple, value: [min, max, step]}, or [min, max, true] for a logarithmic range"


def is_tuple(node: Node) -> bool:
    """Whether a mapping means a range, rightly written or not."""
    return node.is_mapping and {"type", "value"} & node.content.keys() == {"type", "value"}


def is_bare_range(node: Node) -> bool:
    """Whether a list is `[min, max, true]`, a range whose `type: tuple` was forgotten."""
    kinds = [type(item.content) for item in node.content]
    return len(kinds) == 3 and kinds[2] is bool and {*kinds[:2]} <= {int, float}


def read_tuple(node: Node) -> Domain:
    """`{type: tuple, value: [min, max, step or log]}`.

    Three whole numbers are whole numbers. One float among them makes floats, with a step, in the
    logarithm (true), or any between the ends (false).

    Raises:
        Mistake: it is none; the message follows the key.
    """
    kind, value = node.content["type"].value, node.content["value"]
    if kind != "tuple":
        raise Mistake(f"has type: {kind}, which is not tuple{suggestion(str(kind), ['tuple'])}")
    beside = [name for name in node.content if name not in ("type", "value")]
    if beside:
        raise Mistake(f"has {', '.join(beside)} beside type and value: {TUPLE}")
    if not value.is_list or len(value.content) != 3:
        count = f"{len(value.content)} members" if value.is_list else "no list"
        raise Mistake(f"has {count} in its value: {TUPLE}")
    low, high, third = value.value
    _check_numbers(low, high, *(() if isinstance(third, bool) else (third,)))
    if isinstance(third, bool):
        if isinstance(low, int) and isinstance(high, int):
            raise Mistake(
                f"has [{low}, {high}, {_word(third)}], whole numbers without a step: write "
                f"[{low}, {high}, 1], or [{float(low)}, {float(high)}, {_word(third)}] for floats"
            )
        return checked(Floats(float(low), float(high), log=third))
    return checked(_stepped(low, high, third))


def read_sweep(node: Node) -> Choices:
    """`!sweep {values: […]}`, or `!sweep […]`.

    Raises:
        Mistake: it has no values, or one twice.
    """
    (values,) = _fields(node, "values")
    return choices(_listed(values))


def read_range(node: Node) -> Domain:
    """`!range {start:, stop:, step:}`; the stop is among the values where a step leads to it.

    Raises:
        Mistake: it is empty or not of numbers.
    """
    start, stop, step = _fields(node, "start", "stop", step=None)
    _check_numbers(start, stop, *(() if step is None else (step,)))
    if step is None and not (isinstance(start, int) and isinstance(stop, int)):
        raise Mistake(
            "is of floats and has no step: give one, or write !random_uniform for any between"
        )
    return checked(_stepped(start, stop, 1 if step is None else step))


def read_uniform(node: Node) -> Floats:
    """`!random_uniform {start:, stop:, log: false}`; a `size` means nothing to a search.

    Raises:
        Mistake: it is empty or not of numbers.
    """
    start, stop, log, _ = _fields(node, "start", "stop", log=False, size=None)
    _check_numbers(start, stop)
    if not isinstance(log, bool):
        raise Mistake(f"has log: {log}: write true or false")
    domain = Floats(float(start), float(stop), log=log)
    checked(domain)
    return domain


def read_coupled(node: Node) -> tuple[str, tuple[Any, ...]]:
    """`!coupled-sweep {target:, values:}` as what it names and its values.

    Raises:
        Mistake: it lacks one of them.
    """
    target, values = _fields(node, "target", "values")
    if not isinstance(target, str):
        raise Mistake(f"has target: {_word(target)}: name a value such as model.layers[0].out_dim")
    if not _listed(values):
        raise Mistake("has no values")
    return target, tuple(values)


def read_reference(node: Node) -> str:
    """What `!reference {target:}` or `!reference key` names.

    Raises:
        Mistake: it names nothing.
    """
    target = node.content if node.is_scalar else _fields(node, "target")[0]
    if not isinstance(target, str):
        raise Mistake(f"names {_word(target)}: name a value such as model.layers[0].out_dim")
    return target


def choices(values: Sequence[Any]) -> Choices:
    """One of `values`.

    Raises:
        Mistake: there is none, or one stands there twice.
    """
    domain = Choices(tuple(values))
    checked(domain)
    return domain


def checked(domain: Domain) -> Domain:
    """`domain`, if it can be searched.

    Raises:
        Mistake: it cannot.
    """
    found = domain.problems()
    if found:
        raise Mistake(found[0])
    if isinstance(domain, Integers | Floats) and domain.size == 1 and domain.low < domain.high:
        raise Mistake(f"has step={domain.step}, wider than from {domain.low} to {domain.high}")
    return domain


def unreached(domain: Domain) -> str:
    """A word on an end that no step leads to; "" where all is as it looks."""
    if not isinstance(domain, Integers | Floats):
        return ""
    last = domain.distribution().high
    if last == domain.high:
        return ""
    return f"the last value is {last}: no step leads to {domain.high}"


def _stepped(low: Any, high: Any, step: Any) -> Integers | Floats:
    if all(isinstance(number, int) for number in (low, high, step)):
        return Integers(low, high, step)
    return Floats(float(low), float(high), float(step))


def _check_numbers(*values: Any) -> None:
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Mistake(f"has {_word(value)}, which is not a number")


def _word(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return repr(value)


def _listed(values: Any) -> list[Any]:
    if not isinstance(values, list):
        raise Mistake(f"has values: {_word(values)}: write a list")
    return values


def _fields(node: Node, *needed: str, **others: Any) -> list[Any]:
    """The plain values of a tag's fields, `others` with what they are without being given.

    A list gives them in this order; of a single field that is a list it is the value itself.
    """
    names = [*needed, *others]
    if node.is_list:
        values = [node.value] if names == ["values"] else node.value
        given = dict(zip(names, values, strict=False))
        if len(values) > len(names):
            raise Mistake(f"has {len(values)} members: write {{{', '.join(names)}}}")
    elif node.is_mapping:
        given = node.value
    else:
        raise Mistake(f"has {_word(node.content)}: write {{{', '.join(names)}}}")
    for name in given:
        if name not in names:
            hint = suggestion(name, names)
            raise Mistake(f"has {name}, which is none of {', '.join(names)}{hint}")
    for name in needed:
        if name not in given:
            raise Mistake(f"lacks {name}: write {{{', '.join(names)}}}")
    return [given.get(name, others.get(name)) for name in names]
