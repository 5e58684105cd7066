"""Every fusion by the name of its config, small, for the tests that each must pass."""

from copy import deepcopy
from functools import cache

import torch
from model_inputs import TEXT_WIDTH, WIDTH, batch_of, hand_made, model
from model_inputs import settled as settle

from trialsmith.data.batch import CrystalBatch
from trialsmith.fusion import Alignment, CrossModal, Dynamic, FineGrained, Fusion, GatedMiddle
from trialsmith.models import ALIGNN

SITES = {
    "middle": GatedMiddle,
    "dynamic": Dynamic,
    "fine_grained": FineGrained,
    "cross_modal": CrossModal,
}
SMALL = {"hidden_dim": 8, "num_heads": 2, "dropout": 0.0}
EXTRA = {  # where the default is too wide, or two sites would stand after one layer
    "middle": {"layers": (2,)},
    "dynamic": {"layers": (1,)},
    "fine_grained": {},
    "cross_modal": {"projection_features": 8},
}
NAMES = (*SITES, "all")
TEXTS = [4, 0, 9, 2, 5, 1]  # tokens of each crystal of `example`; one has no text


def site(name: str, **options: object):
    return SITES[name](WIDTH, TEXT_WIDTH, **(SMALL | EXTRA[name] | options))


def network(name: str | None, alignment: Alignment | None = None, **options: object) -> ALIGNN:
    """A small model with one site, all or none; ``options`` go to each site."""
    torch.manual_seed(0)
    names = {"all": tuple(SITES), None: ()}.get(name, (name,))
    return model(fusion=Fusion(**{n: site(n, **options) for n in names}, alignment=alignment))


@cache
def _settled(name: str) -> ALIGNN:
    return settle(network(name), example())


def settled(name: str) -> ALIGNN:
    """The model of `network`, in evaluation, with running statistics of `example`."""
    return deepcopy(_settled(name))


@cache
def _batch(symmetry: bool, texts: tuple[int, ...]) -> CrystalBatch:
    return batch_of(hand_made(), symmetry, list(texts))


def example(symmetry: bool = True, texts: list[int] = TEXTS) -> CrystalBatch:
    """Six crystals with much symmetry, some, and none."""
    return deepcopy(_batch(symmetry, tuple(texts)))


def other_text(batch: CrystalBatch) -> CrystalBatch:
    """The same crystals with other words."""
    batch.tokens = (batch.tokens * 3 + 1) % 49 + 1
    return batch
