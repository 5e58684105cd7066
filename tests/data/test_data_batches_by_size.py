"""Laws of batches by size: every crystal once, none too large, equal, a new mixture each epoch."""

from pathlib import Path

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trialsmith.data import CrystalData, alloys
from trialsmith.data.batches_by_size import BatchesBySize
from trialsmith.errors import DataError
from trialsmith.graph import GraphBuilder
from trialsmith.text import NoTokens

SIZES = st.lists(st.integers(0, 1000), max_size=80)


def epoch(batches: BatchesBySize, seed: int) -> list[list[int]]:
    torch.manual_seed(seed)
    return list(batches)


@given(SIZES, st.integers(1, 2000), st.booleans())
def test_every_member_is_in_one_batch_and_no_batch_is_too_large(sizes, limit, shuffle):
    sizes = np.array(sizes, np.float64)
    batches = BatchesBySize(sizes, float(limit), shuffle)
    for seed in (0, 1):
        dealt = epoch(batches, seed)
        assert all(dealt)
        assert len(dealt) == len(batches)  # as Lightning is told before the first epoch
        assert sorted(i for batch in dealt for i in batch) == list(range(len(sizes)))
        assert all(sizes[batch].sum() <= limit or len(batch) == 1 for batch in dealt)
    if not shuffle:
        assert [i for batch in dealt for i in batch] == list(range(len(sizes)))


@pytest.mark.parametrize(
    "sizes", [[5.0], [5.0] * 20, [5.0] * 20 + [0.0] * 5, [0.0] * 3, [7.0, 2.0], [7.0]]
)
def test_no_batch_is_empty(sizes):
    """Five is the limit: a member that fills its batch is one batch and not more."""
    dealt = epoch(BatchesBySize(np.array(sizes), 5.0, True), 0)
    assert all(dealt)
    assert sorted(i for batch in dealt for i in batch) == list(range(len(sizes)))


def lognormal(count: int) -> np.ndarray:
    """Sizes that spread as those of graphs up to symmetry do: some are ten times the mean."""
    return np.random.default_rng(0).lognormal(sigma=1.1, size=count)


def test_batches_are_equal_and_nearly_full():
    sizes = lognormal(2000)
    limit = 64 * sizes.mean()
    for seed in range(5):
        filled = np.array(
            [sizes[batch].sum() for batch in epoch(BatchesBySize(sizes, limit, True), seed)]
        )
        assert filled.min() > 0.9 * limit
        assert filled.max() / filled.min() < 1.05


def test_the_mixture_follows_the_global_seed():
    sizes = lognormal(500)
    batches = BatchesBySize(sizes, 32 * sizes.mean(), True)
    assert epoch(batches, 1) == epoch(batches, 1)
    first, second = ({frozenset(batch) for batch in epoch(batches, seed)} for seed in (1, 2))
    assert not first & second
    torch.manual_seed(1)
    one, next_one = list(batches), list(batches)
    assert one != next_one


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def opened(cache: Path, **options: object) -> CrystalData:
    data = alloys(n=60, graph=GraphBuilder(), tokens=NoTokens(), cache_dir=cache, **options)
    data.setup("fit")
    return data


class Reader(pl.LightningModule):
    """Learns nothing and notes which crystals it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.seen: list[list[str]] = []
        self.steps = 0

    def configure_optimizers(self):
        self.steps = int(self.trainer.estimated_stepping_batches)
        return torch.optim.SGD(self.parameters(), lr=0.0)

    def training_step(self, batch, index):
        self.seen.append(batch.ids)
        return self.weight * batch.target.mean()

    def predict_step(self, batch, index):
        return batch.ids


def test_lightning_shows_every_crystal_once_an_epoch(cache, tmp_path):
    data = opened(cache, batch_atoms=40)
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = pl.Trainer(max_epochs=2, accelerator="cpu", default_root_dir=tmp_path, **quiet)
    reader = Reader()
    trainer.fit(reader, data.train_dataloader())
    assert reader.steps == len(reader.seen) == 2 * len(data.train_dataloader())
    ids = [id for batch in reader.seen for id in batch]
    assert sorted(ids) == sorted(2 * [id for b in data.train_dataloader() for id in b.ids])
    assert len(set(ids)) == data.sizes["train"]
    shown = trainer.predict(reader, data.val_dataloader())
    assert [id for batch in shown for id in batch] == sorted(id for b in shown for id in b)


def test_the_work_of_a_batch_is_that_of_so_many_atoms(cache):
    data = opened(cache, batch_atoms=40)
    work = [len(b.species) + len(b.bonds) + len(b.angles) for b in data.train_dataloader()]
    atoms = [int(b.atom_multiplicity.sum()) for b in data.train_dataloader()]
    limit = 40 * sum(work) / sum(atoms)
    assert max(work) <= limit
    assert np.mean(work) > 0.6 * limit
    assert sum(len(b) for b in data.val_dataloader()) == data.sizes["val"]


def test_batches_by_size_come_from_workers_too(cache):
    here, there = (
        [b.ids for b in opened(cache, batch_atoms=40, num_workers=n).val_dataloader()]
        for n in (0, 1)
    )
    assert here == there


@pytest.mark.parametrize("wrong", [0, -600])
def test_impossible_sizes_are_refused(cache, wrong):
    with pytest.raises(DataError, match=rf"data\.batch_atoms={wrong} must be at least 1"):
        opened(cache, batch_atoms=wrong)
