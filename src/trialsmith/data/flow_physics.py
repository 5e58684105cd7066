"""What a three-phase flow in a riser is made of: velocities and fractions of its phases.

Superficial velocities j (a phase's volume flow over the pipe's cross-section, m/s) of solid beads,
gas and liquid, with J = js + jg + jl. A phase's volume fraction α follows from its drift flux,
j/α = C J + U: the phase moves with C times the mixture and slips by U. The constants are those of
the laboratory's fits.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from trialsmith.data.target import Target

TARGETS = (
    Target("Solid Velocity", "m/s"),
    Target("Gas Velocity", "m/s"),
    Target("Liquid Velocity", "m/s"),
    Target("Solid Volume Fraction"),
    Target("Gas Volume Fraction"),
    Target("Liquid Volume Fraction"),
)

LARGEST_SOLID = 2.8  # m/s
LARGEST_GAS = 66.0
LIQUID = (1.9, 6.4)
_WITH_SOLID, _WITH_GAS = 0.8, 0.75  # so often a phase flows at all


@dataclass(frozen=True)
class DriftFlux:
    """j/α = C J + U.

    Attributes:
        distribution: C, without a unit.
        slip: U, m/s.
    """

    distribution: float
    slip: float

    def velocity(self, total: float) -> float:
        """The phase's own velocity, m/s, at a total superficial velocity of J m/s."""
        return self.distribution * total + self.slip


GAS = DriftFlux(1.096, 0.995)
SOLID_IN_LIQUID = DriftFlux(1.026, 0.204)
SOLID_IN_THREE_PHASES = DriftFlux(0.540, 9.2)


@dataclass(frozen=True)
class Flow:
    """One state of the flow.

    Attributes:
        js, jg, jl: superficial velocities of solid, gas and liquid, m/s.
    """

    js: float
    jg: float
    jl: float

    @property
    def total(self) -> float:
        """J, m/s."""
        return self.js + self.jg + self.jl

    @property
    def solid_velocity(self) -> float:
        """Of the beads themselves, m/s; among bubbles they move with another drift flux."""
        return (SOLID_IN_THREE_PHASES if self.jg > 0 else SOLID_IN_LIQUID).velocity(self.total)

    @property
    def gas_velocity(self) -> float:
        """Of the bubbles themselves, m/s."""
        return GAS.velocity(self.total)

    @property
    def solid_fraction(self) -> float:
        """αs = js / (the beads' velocity)."""
        return self.js / self.solid_velocity

    @property
    def gas_fraction(self) -> float:
        """αg = jg / (the bubbles' velocity)."""
        return self.jg / self.gas_velocity

    @property
    def liquid_fraction(self) -> float:
        """αl, what is left."""
        return 1 - self.solid_fraction - self.gas_fraction

    @property
    def targets(self) -> Float[np.ndarray, "6"]:
        """In the order of `TARGETS`."""
        fractions = (self.solid_fraction, self.gas_fraction, self.liquid_fraction)
        return np.array([self.js, self.jg, self.jl, *fractions])


def drawn(draw: np.random.Generator) -> Flow:
    """A state anywhere in the range of the laboratory; without solid or gas now and then."""
    return Flow(
        js=LARGEST_SOLID * draw.random() if draw.random() < _WITH_SOLID else 0.0,
        jg=LARGEST_GAS * draw.random() if draw.random() < _WITH_GAS else 0.0,
        jl=draw.uniform(*LIQUID),
    )
