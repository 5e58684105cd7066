"""Synthetic ultrasonic records of a three-phase flow: made here, not measured anywhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from trialsmith.data.flow_physics import TARGETS, Flow, drawn
from trialsmith.data.signals import Signals, SignalSource
from trialsmith.data.whole import check_whole
from trialsmith.errors import DataError
from trialsmith.graph import cached_arrays, digest
from trialsmith.parallel import mapped

# Raise it whenever the same seed gives other records: old caches are left alone.
VERSION = 1
SENTINEL = 1e6  # what the recorder puts where its range was exceeded
OVERFLOWING = (1, 3)  # channels that have such marks
_SECONDS = 0.005  # for one record

_PULSES_PER_SECOND = 2000.0
_BEAM = 0.006  # width of the sound beam, m
_PIPE = 0.026  # of the pipe
_SHAPES = {1: (512, 24), 2: (128, 64)}  # pulses, depths


@dataclass(frozen=True)
class Reflector:
    """What bubbles and beads are to a sound beam.

    Attributes:
        size: median diameter, m.
        echo: amplitude of one of that size, relative to the far wall's in clear liquid.
        shadow: share of the sound that one of that size keeps from what lies behind it.
        loss: absorption of a full pipe of it, nepers on the way there and back.
    """

    size: float
    echo: float
    shadow: float
    loss: float


BUBBLES = Reflector(size=0.006, echo=0.8, shadow=0.85, loss=3.0)
BEADS = Reflector(size=0.003, echo=0.35, shadow=0.15, loss=6.0)


class SyntheticFlow(SignalSource):
    """Echo envelopes of four transducers on a riser, with the state of the flow. Synthetic.

    A record is (4, pulses, depths): pulses follow each other every half millisecond, depths go
    from the near wall (0) to the far wall (1). Bubbles and beads cross the beam as Poisson events:
    of a phase with fraction α, velocity v and size d there come α v/d · (beam/d₀) a second, each
    at a random depth (d₀ is the pipe, 26 mm wide), for a time of (beam + d)/v, with an echo that
    grows with its size. Gas and, less, beads cast shadows and absorb; walls echo always; the
    liquid's turbulence adds a speckle that grows with its velocity; all have noise. The transducers
    are:

    0. pulse and echo, 1. a second one across the pipe, amplified tenfold and clipped,
    2. transmission to the far side, 3. scattering to the side, amplified tenfold.

    Channels 1 and 3 exceed the recorder's range in every second record, which then holds ±1e6.
    In one dimension a record is (4, pulses): the mean over depths.

    Record i depends on the seed and on i alone: more records begin with the same ones.

    Args:
        n: how many records.
        dimensions: 1 or 2, of a record.
        seed: of the draw.
        pulses, depths: None: 512 and 24 in one dimension, 128 and 64 in two.
    """

    def __init__(
        self,
        n: int,
        dimensions: int,
        seed: int,
        pulses: int | None = None,
        depths: int | None = None,
    ) -> None:
        if dimensions not in _SHAPES:
            raise DataError(f"data.dimensions={dimensions} must be 1 or 2.")
        self.n, self.dimensions, self.seed = n, dimensions, seed
        usual = _SHAPES[dimensions]
        self.pulses = usual[0] if pulses is None else pulses
        self.depths = usual[1] if depths is None else depths
        for key, value in (("n", n), ("pulses", self.pulses), ("depths", self.depths)):
            check_whole(key, value, 1)
        check_whole("signal_seed", seed, 0)

    def read(self, cache_dir: Path) -> Signals:
        """The records, computed at first and cached; see `SignalSource.read`."""
        key = digest(
            f"flow {VERSION} {self.n} {self.dimensions} {self.seed} {self.pulses} {self.depths}"
        )
        arrays = cached_arrays(cache_dir / "flow", key, self._computed)
        return Signals(
            x=arrays["x"],
            y=np.array(arrays["y"]),
            targets=TARGETS,
            where="synthetic flow",
            key=key,
            split=[""] * self.n,
        )

    def _computed(self) -> Mapping[str, np.ndarray]:
        made = mapped(self._record, range(self.n), "making synthetic flow signals", _SECONDS)
        records, targets = zip(*made, strict=True)
        return {"x": np.stack(records), "y": np.stack(targets).astype(np.float32)}

    def _record(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        draw = np.random.default_rng([self.seed, index])
        flow = drawn(draw)
        signal = record(flow, self.pulses, self.depths, draw)
        if self.dimensions == 1:
            signal = signal.mean(-1)
        if draw.random() < 0.5:
            for channel in OVERFLOWING:
                where = draw.integers(signal[channel].size, size=5)
                signal[channel].flat[where] = SENTINEL * draw.choice([-1, 1], size=5)
        return signal.astype(np.float32), flow.targets


def record(
    flow: Flow, pulses: int, depths: int, draw: np.random.Generator
) -> Float[np.ndarray, "4 pulses depths"]:
    """The envelopes of the four transducers, relative to the far wall's echo in clear liquid."""
    depth = (np.arange(depths) + 0.5) / depths
    solid, gas = flow.solid_fraction, flow.gas_fraction
    echoes, shade = np.zeros((pulses, depths)), np.zeros(pulses)
    for kind, fraction, velocity in (
        (BUBBLES, gas, flow.gas_velocity),
        (BEADS, solid, flow.solid_velocity),
    ):
        seen, hidden = _crossings(kind, fraction, velocity, pulses, depth, draw)
        echoes += seen
        shade += hidden
    through = np.exp(-shade)[:, None]  # shadows of several multiply
    loss = np.exp(-(BEADS.loss * solid + BUBBLES.loss * gas) * depth)
    speckle = 0.02 * flow.jl * np.abs(draw.normal(size=(pulses, depths))) * flow.liquid_fraction
    near, far = 1.5 * _wall(depth, 0.0), _wall(depth, 1.0)

    echo = near + (echoes + speckle) * loss + far * loss * through
    across = near + (echoes[:, ::-1] + speckle) * loss + far * loss * through
    transmission = np.sqrt(loss) * through * np.ones_like(echoes)
    side = 0.3 * echoes + 0.1 * speckle
    signal = np.stack([echo, np.clip(10 * across, 0, 5), transmission, 10 * side])
    return np.abs(signal + draw.normal(0, 0.01, signal.shape))


def _crossings(
    kind: Reflector,
    fraction: float,
    velocity: float,
    pulses: int,
    depth: Float[np.ndarray, "depths"],
    draw: np.random.Generator,
) -> tuple[Float[np.ndarray, "pulses depths"], Float[np.ndarray, "pulses"]]:
    """Echoes of all that cross the beam, and how much of the sound they stop, in nepers.

    What crosses faster than the pulses follow each other is seen for a part of one only.
    """
    duration = pulses / _PULSES_PER_SECOND
    events = draw.poisson(fraction * velocity / kind.size * (_BEAM / _PIPE) * duration)
    size = kind.size * draw.lognormal(0, 0.25, events)
    start, place = draw.uniform(0, duration, events), draw.uniform(0.05, 0.95, events)
    dwell = (_BEAM + size) / velocity
    time = np.arange(pulses)[:, None] / _PULSES_PER_SECOND
    resolution = 0.5 / _PULSES_PER_SECOND
    width = np.hypot(dwell / 2, resolution)
    present = (dwell / 2 / width) * np.exp(-0.5 * ((time - start) / width) ** 2)
    relative = size / kind.size
    pulse = np.exp(-0.5 * ((depth - place[:, None]) / 0.03) ** 2)
    echoes = present @ (kind.echo * relative[:, None] * pulse)
    return echoes, present @ (-np.log1p(-kind.shadow) * relative**2 * 0.5)


def _wall(depth: Float[np.ndarray, "depths"], place: float) -> Float[np.ndarray, "depths"]:
    return np.exp(-0.5 * ((depth - place) / 0.03) ** 2)
