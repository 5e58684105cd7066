"""New graphs: the numbers of the run itself, with features standardised as in its training."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import trialsmith

pytestmark = pytest.mark.slow


def graph(number: int, random: np.random.Generator) -> dict[str, object]:
    """A ring (even numbers) or a path, with nodes of two kinds."""
    nodes = int(random.integers(4, 9))
    edges = [[i, i + 1] for i in range(nodes - 1)] + ([[nodes - 1, 0]] if number % 2 == 0 else [])
    kinds = random.integers(0, 2, nodes).tolist()
    label = "path" if number % 2 else "ring"
    return {"id": f"g{number}", "node_tag": kinds, "edges": edges, "label": label}


def test_graphs_give_the_numbers_of_the_run(trained: Callable[..., Path], tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    graphs = [graph(i, random) for i in range(40)]
    path = tmp_path / "graphs.jsonl"
    path.write_text("\n".join(map(json.dumps, graphs)))
    run = trained("data=graphs", f"data.path={path}", "monitor=val/accuracy", "direction=maximize")
    model = trialsmith.load(run, device="cpu")
    own = pd.read_csv(run / "predictions.csv").set_index("id")
    # a new graph has no class
    new = [{key: value for key, value in one.items() if key != "label"} for one in graphs]
    path.write_text("\n".join(map(json.dumps, new)))
    for found in (model.predict(path, batch_size=7), model.predict(new)):
        table = found.frame().set_index("id").loc[own.index]
        assert table["class_predicted"].tolist() == own["class_predicted"].tolist()
        np.testing.assert_allclose(table["probability"], own["probability"], rtol=1e-4)

    broken = [new[0], {**new[1], "node_tag": [7] * len(graphs[1]["node_tag"])}]  # type: ignore[arg-type]
    path.write_text("\n".join(map(json.dumps, broken)) + "\nno graph\n")
    found = model.predict(path, on_error="skip")
    assert found.ids == ["g0"]
    assert {problem.id for problem in found.skipped} == {"g1", "000003"}
