"""Which model reads which data."""

from dataclasses import dataclass

from trialsmith.errors import InfeasibleConfig


@dataclass(frozen=True)
class Kind:
    """Samples of one kind: the configs that give them, and those of the models that read them."""

    samples: str
    data: tuple[str, ...]
    models: tuple[str, ...]


KINDS = (
    Kind("crystals", ("alloys", "crystals", "jarvis"), ("alignn",)),
    Kind("signals and images", ("flow_synthetic", "flow", "fashion_mnist"), ("cnn",)),
    Kind("graphs", ("causal_sets", "graphs"), ("gnn", "gcn_net")),
)
_OTHERWISE = {"gnn_of_settings": "gcn_net"}  # where a config is not called as what it builds


def check_pair(data: str, model: str) -> None:
    """Refuse a model that does not read the data; of others than those here nothing is known.

    Args:
        data, model: what each config builds, its `_target_`.

    Raises:
        InfeasibleConfig: with what fits either.
    """
    data, model = _config(data), _config(model)
    given = next((kind for kind in KINDS if data in kind.data), None)
    read = next((kind for kind in KINDS if model in kind.models), None)
    if given is None or read is None or given is read:
        return
    raise InfeasibleConfig(
        f"model={model} reads {read.samples}, and data={data} gives {given.samples}: take "
        f"model={_one_of(given.models)} for these data, or data={_one_of(read.data)} for this model"
    )


def _one_of(names: tuple[str, ...]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def _config(target: str) -> str:
    """The name of the config that builds `target`."""
    name = target.rpartition(".")[2]
    return _OTHERWISE.get(name, name.lower())
