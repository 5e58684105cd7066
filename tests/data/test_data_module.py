"""Laws of the data module: one seed one order, warm caches compute nothing, nothing is printed."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import torch
from crystal_csv import good_rows

from trialsmith.data import CrystalBatch, CrystalData, Standardiser, alloys, collate
from trialsmith.data import crystal_data as module
from trialsmith.errors import DataError
from trialsmith.graph import GraphBuilder
from trialsmith.text import HashedTokens, NoTokens

Open = Callable[..., CrystalData]
Write = Callable[..., Path]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def opened(cache: Path, **options: object) -> CrystalData:
    options = {"tokens": HashedTokens(), "batch_size": 8} | options
    data = alloys(n=40, graph=GraphBuilder(), cache_dir=cache, **options)
    data.prepare_data()
    data.setup("fit")
    return data


def same(first: CrystalBatch, second: CrystalBatch) -> bool:
    return first.ids == second.ids and all(
        torch.equal(a, b) for a, b in zip(tensors(first), tensors(second), strict=True)
    )


def ids_of(batches: Iterable[CrystalBatch]) -> list[str]:
    return [id for batch in batches for id in batch.ids]


def tensors(batch: CrystalBatch) -> list[torch.Tensor]:
    values = [*vars(batch).values(), *vars(batch.bonds).values(), *vars(batch.angles).values()]
    return [value for value in values if isinstance(value, torch.Tensor)]


def test_the_order_of_training_follows_the_global_seed(cache: Path) -> None:
    def epoch(seed: int) -> list[CrystalBatch]:
        torch.manual_seed(seed)
        return list(opened(cache).train_dataloader())

    first, again, other = epoch(1), epoch(1), epoch(2)
    assert all(same(a, b) for a, b in zip(first, again, strict=True))
    assert [b.ids for b in first] != [b.ids for b in other]
    assert sorted(ids_of(first)) == sorted(ids_of(other))


def test_validation_keeps_the_order_of_the_source(cache: Path) -> None:
    data = opened(cache, fractions=[0.5, 0.25, 0.25])
    for loader in (data.val_dataloader(), data.test_dataloader()):
        ids = ids_of(loader)
        assert ids == sorted(ids)
        assert len(ids) == 10


def test_a_gathered_batch_is_the_collated_one(cache: Path) -> None:
    data = opened(cache)
    crystals = data._crystals
    rank = {row.id: i for i, row in enumerate(crystals.rows)}
    for batch in data.train_dataloader():
        chosen = [rank[id] for id in batch.ids]
        graphs = [data.graph(crystals.structures[i]) for i in chosen]
        tokens = [data._token_arrays[i] for i in chosen]
        assert same(batch, collate(graphs, tokens, crystals.targets[chosen], batch.ids))


def test_workers_give_the_same_batches(cache: Path) -> None:
    here, there = (list(opened(cache, num_workers=n).val_dataloader()) for n in (0, 1))
    assert all(same(a, b) for a, b in zip(here, there, strict=True))


def test_targets_are_standardised_on_the_training_part_only(cache: Path) -> None:
    data = opened(cache)
    train = torch.cat([b.target for b in data.train_dataloader()])
    standard = data.scaler(train)
    torch.testing.assert_close(standard.mean(0), torch.zeros(1), atol=1e-6, rtol=0)
    torch.testing.assert_close(standard.std(0, correction=0), torch.ones(1))
    torch.testing.assert_close(data.scaler.inverse(standard), train)


def test_a_target_that_does_not_vary_keeps_its_unit() -> None:
    scaler = Standardiser.fit(torch.tensor([[5.0, 1.0], [5.0, 3.0]]))
    assert scaler.mean.tolist() == [5.0, 2.0]
    assert scaler.std.tolist() == [1.0, 1.0]
    assert Standardiser.fit(torch.zeros(1, 1)).std.tolist() == [1.0]


def test_the_fingerprint_is_that_of_data_and_split(cache: Path) -> None:
    data = opened(cache)
    assert opened(cache, batch_size=3, tokens=NoTokens()).fingerprint == data.fingerprint
    others = [{"seed": 1}, {"limit": 30}, {"n_train": 5}]
    assert data.fingerprint not in {opened(cache, **other).fingerprint for other in others}


def test_a_warm_cache_computes_nothing(
    cache: Path, monkeypatch: pytest.MonkeyPatch, open_data: Open, write: Write
) -> None:
    path = write([[*row[:2], "", *row[3:]] for row in good_rows()])
    cold = [opened(cache), open_data(path)]

    def computes(*_: object) -> None:
        raise AssertionError("computed again")

    for name in ("alloy_crystals.energy", "parse.parse", "descriptions.describe"):
        monkeypatch.setattr(f"trialsmith.data.{name}", computes)
    monkeypatch.setattr(GraphBuilder, "graphs", computes)
    warm = [opened(cache), open_data(path)]
    assert [data.fingerprint for data in cold] == [data.fingerprint for data in warm]


def test_texts_that_nobody_reads_are_not_described(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def describes(*_: object) -> None:
        raise AssertionError("described for nobody")

    monkeypatch.setattr(module, "described", describes)
    (batch, *_) = opened(tmp_path, tokens=NoTokens()).val_dataloader()
    assert batch.tokens.shape[1] == 0


def test_nothing_goes_to_stdout(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    opened(tmp_path)
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "computing energies of alloys" in captured.err


def test_a_leftover_of_one_crystal_is_left_out_of_an_epoch(cache: Path) -> None:
    data = opened(cache, n_train=17)
    assert [len(batch) for batch in data.train_dataloader()] == [8, 8]
    assert [len(b) for b in opened(cache, n_train=18).train_dataloader()] == [8, 8, 2]
    assert [len(b) for b in opened(cache, n_train=1).train_dataloader()] == [1]


def test_the_only_target_of_the_alloys(cache: Path) -> None:
    with pytest.raises(DataError, match=r"data\.target=gap"):
        opened(cache, target="gap")


def test_damaged_caches_are_built_anew_with_a_notice(
    tmp_path: Path, open_data: Open, write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    path = write([[*row[:2], "", *row[3:]] for row in good_rows()])
    before = list(open_data(path).val_dataloader())
    records = [file for file in (tmp_path / "cache").glob("*/*/*.npy") if file.stat().st_size > 128]
    assert {file.parts[-3] for file in records} == {"structures", "graphs", "descriptions"}
    for file in records:
        os.truncate(file, file.stat().st_size - 1)
    after = list(open_data(path).val_dataloader())
    assert caplog.text.count("is damaged: it is built anew") == 3
    assert all(same(a, b) for a, b in zip(before, after, strict=True))
