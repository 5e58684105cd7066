"""The synthetic flow keeps the relations that it claims."""

from pathlib import Path

import numpy as np
import pytest

from trialsmith.data.flow_physics import LARGEST_GAS, LARGEST_SOLID, LIQUID, Flow
from trialsmith.data.flow_synthetic import OVERFLOWING, SENTINEL, SyntheticFlow, record
from trialsmith.errors import DataError


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("flow")


def test_fractions_follow_from_the_drift_flux_of_each_phase(cache: Path) -> None:
    y = SyntheticFlow(200, 1, 0, pulses=4, depths=2).read(cache).y.astype(float)
    js, jg, jl, solid, gas, liquid = y.T
    total = js + jg + jl
    np.testing.assert_allclose(solid + gas + liquid, 1, atol=1e-6)
    with_gas, with_solid = jg > 0, js > 0
    np.testing.assert_allclose(
        jg[with_gas] / gas[with_gas], 1.096 * total[with_gas] + 0.995, rtol=1e-5
    )
    slurry, three = with_solid & ~with_gas, with_solid & with_gas
    np.testing.assert_allclose(js[slurry] / solid[slurry], 1.026 * total[slurry] + 0.204, rtol=1e-5)
    np.testing.assert_allclose(js[three] / solid[three], 0.540 * total[three] + 9.2, rtol=1e-5)
    assert slurry.sum() > 10
    assert three.sum() > 50
    assert liquid.min() > 0
    assert js.max() <= LARGEST_SOLID
    assert jg.max() <= LARGEST_GAS
    assert jl.min() >= LIQUID[0]
    assert jl.max() <= LIQUID[1]


def mean_echoes(flow: Flow) -> np.ndarray:
    """Mean over many pulses, of each transducer and depth."""
    return record(flow, 1000, 32, np.random.default_rng(0)).mean(1)


def test_gas_keeps_sound_from_the_far_wall_and_scatters_it() -> None:
    clear, little, much = (mean_echoes(Flow(0.0, jg, 3.0)) for jg in (0.0, 5.0, 50.0))
    far_wall, through, aside = (slice(0, 1), -1), (2, slice(None)), (3, slice(None))
    for place in (far_wall, through):
        values = [echo[place].mean() for echo in (clear, little, much)]
        assert values == sorted(values, reverse=True)
        assert values[2] < 0.7 * values[0]
    assert little[aside].mean() > 1.5 * clear[aside].mean()
    assert much[aside].mean() > little[aside].mean()


def test_beads_are_seen_too_and_faster_liquid_speckles_more() -> None:
    clear, beads, fast = (
        mean_echoes(flow)
        for flow in (Flow(0.0, 0.0, 2.0), Flow(2.0, 0.0, 2.0), Flow(0.0, 0.0, 6.0))
    )
    assert beads[3].mean() > 1.5 * clear[3].mean()
    middle = slice(10, 20)  # between the walls
    assert fast[0, middle].mean() > 2 * clear[0, middle].mean()


def test_only_channels_1_and_3_overflow(cache: Path) -> None:
    x = SyntheticFlow(20, 2, 0, pulses=16, depths=8).read(cache).x
    over = np.abs(x) >= SENTINEL
    assert {*np.unique(np.nonzero(over)[1])} == set(OVERFLOWING)
    assert 0 < over.any((1, 2, 3)).sum() < 20


@pytest.mark.parametrize("dimensions", [1, 2])
def test_more_records_begin_with_the_same_ones(cache: Path, dimensions: int) -> None:
    few, many = (SyntheticFlow(n, dimensions, 3, 16, 8).read(cache) for n in (3, 5))
    np.testing.assert_array_equal(few.x, many.x[:3])
    np.testing.assert_array_equal(few.y, many.y[:3])
    other = SyntheticFlow(3, dimensions, 4, 16, 8).read(cache)
    assert not np.array_equal(few.y, other.y)
    assert few.x.ndim == 2 + dimensions


@pytest.mark.parametrize(
    ("arguments", "words"),
    [((0, 1, 0), "data.n=0"), ((5, 3, 0), "data.dimensions=3"), ((5, 1, -1), "signal_seed=-1")],
)
def test_what_cannot_be_is_refused(arguments: tuple[int, int, int], words: str) -> None:
    with pytest.raises(DataError, match=words):
        SyntheticFlow(*arguments)
