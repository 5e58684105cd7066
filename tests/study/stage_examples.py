"""Runs of a stage made by hand."""

import math
from typing import Any

from trialsmith.study.stages.run import Run, Weights

HEALTHY_WEIGHTS = (0.7, 0.3)  # ratio 5.67


def run(
    number: int,
    layers: str,
    val: float,
    test: float = math.nan,
    seed: int = 0,
    texts: str = "given",
    weights: tuple[float, float] = HEALTHY_WEIGHTS,
    **params: Any,
) -> Run:
    """A run fused after `layers`, "none" for graph only, that `weights` graph and text."""
    fused = layers != "none"
    numbers = tuple(int(layer) for layer in layers.split(",")) if fused else ()
    fusion: dict[str, Any] = {"fusion.dynamic.use": fused}
    if fused:
        fusion |= {"fusion.dynamic.layers": layers, "data.texts": texts}
    return Run(
        number=number,
        seed=seed,
        params=fusion | params,
        layers=numbers,
        sites=("dynamic",) if fused else (),
        texts=texts,
        val_mae=val,
        test_mae=test,
        train_loss=(1.0, 0.5, 0.25),
        val_loss=(1.0, 0.6, 0.7),
        weights=tuple(Weights(epoch, layer, *weights) for epoch in (1, 2) for layer in numbers),
    )
