"""Fusion finds what is written in the text only, and leaves the text where it tells nothing."""

import math
from dataclasses import dataclass
from functools import cache
from statistics import median

import numpy as np
import pytest
import torch
from ase.build import bulk
from fusions import SITES, site
from model_inputs import TEXT_WIDTH, WIDTH, structure

from trialsmith.callbacks.running_moments import RunningMoments
from trialsmith.data.batch import CrystalBatch, collate
from trialsmith.fusion import Fusion, Place
from trialsmith.graph import CrystalGraph, GraphBuilder
from trialsmith.models import ALIGNN, HashedEncoder

WORDS, LEVELS = 6, 10  # tokens of a text, and how many of them mean something
FIRST_LEVEL = 30  # ids below are words without meaning
METALS = ("Al", "Ni", "Cu", "Rh", "Pd", "Ag", "Ir", "Pt", "Au", "Pb")


@dataclass
class Crystals:
    """Cubic metals; the text of each names one of ten levels among words without meaning."""

    batch: CrystalBatch
    metal: torch.Tensor  # the structure tells it, the text does not
    level: torch.Tensor  # the text tells it, the structure does not


@cache
def graph(metal: str, size: float) -> CrystalGraph:
    return GraphBuilder(neighbours=6)(structure(bulk(metal, "fcc", size)))


@cache
def crystals(number: int, seed: int, shuffled: bool) -> Crystals:
    rng = np.random.default_rng(seed)
    metal, level = rng.integers(len(METALS), size=number), rng.integers(LEVELS, size=number)
    texts = rng.integers(1, FIRST_LEVEL, size=(number, WORDS))
    texts[np.arange(number), rng.integers(WORDS, size=number)] = FIRST_LEVEL + level
    if shuffled:
        texts = rng.permutation(texts)
    graphs = [graph(METALS[k], rng.choice([3.6, 4.1, 4.8])) for k in metal]
    standardised = (torch.tensor((x - 4.5) / 2.87, dtype=torch.float32) for x in (metal, level))
    return Crystals(collate(graphs, list(texts)), *standardised)


@dataclass
class Outcome:
    r2: float  # on crystals that were not trained on
    begin: float  # the ratio of graph to text in dynamic fusion's first step
    end: float  # and in its last


def learn(target: str, fusion: str = "dynamic", shuffled: bool = False, seed: int = 0) -> Outcome:
    """Train on either target, with the true texts or with those of other crystals."""
    train = [crystals(64, seed, shuffled) for seed in range(1, 33)]
    test = crystals(128, 0, shuffled)
    torch.manual_seed(seed)
    layers = {"layers": 1} if fusion in ("middle", "dynamic") else {}
    sites = {fusion: site(fusion, hidden_dim=WIDTH, **layers)}
    text = HashedEncoder(FIRST_LEVEL + LEVELS, TEXT_WIDTH, layers=1, dropout=0.0)
    model = ALIGNN(text, Fusion(**sites), 1, 1, 1, WIDTH, 8)
    w_text = RunningMoments(0.9)
    if fusion == "dynamic":
        model.fusion.gauges()[Place("dynamic", 1)]["w_text"].listener = w_text.add

    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.01)
    ratios = []
    for part in train * 6:
        optimizer.zero_grad()
        (model(part.batch).squeeze(1) - getattr(part, target)).square().mean().backward()
        optimizer.step()
        mean, _ = w_text.read() or (math.nan, 0.0)
        ratios.append((2 - mean) / mean)
    true = getattr(test, target)
    with torch.no_grad():
        left = (model.eval()(test.batch).squeeze(1) - true).square().mean() / true.var()
    return Outcome(1 - float(left), ratios[0], ratios[-1])


@pytest.mark.slow
@pytest.mark.parametrize("fusion", SITES)
def test_what_only_the_text_says_is_learned(fusion: str) -> None:
    outcome = learn("level", fusion)
    assert outcome.r2 > 0.9
    if fusion == "dynamic":
        assert outcome.end < 0.75 * outcome.begin


@pytest.mark.slow
def test_the_text_of_another_crystal_tells_nothing() -> None:
    assert learn("level", shuffled=True).r2 < 0.2


@pytest.mark.slow
def test_where_the_text_tells_nothing_the_graph_gains_weight() -> None:
    outcomes = [learn("metal", seed=seed) for seed in range(3)]
    assert min(outcome.r2 for outcome in outcomes) > 0.9
    assert median(outcome.end / outcome.begin for outcome in outcomes) > 1.25
