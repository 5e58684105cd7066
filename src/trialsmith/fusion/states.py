"""What fusion reads of a crystal's text, and how its atoms stand side by side for attention."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass
class Rows:
    """Each crystal's atoms or tokens side by side, as attention takes them.

    ``log_count`` says how often a row counts, and is what attention adds to the scores of rows as
    keys: exp(s + log n) = n exp(s) counts a class of n equal atoms n times. It is -∞ where a
    crystal has no such row.
    """

    values: Float[Tensor, "crystals rows features"]
    log_count: Float[Tensor, "crystals rows"]

    @classmethod
    def single(cls, vectors: Float[Tensor, "crystals features"]) -> "Rows":
        """One row a crystal."""
        return cls(vectors.unsqueeze(1), vectors.new_zeros(len(vectors), 1))


@dataclass
class TextStates:
    """A text as token states and one pooled state; every crystal has at least one token."""

    tokens: Float[Tensor, "crystals tokens features"]
    mask: Bool[Tensor, "crystals tokens"]  # True: a real token
    present: Bool[Tensor, "crystals"]  # False: the only token stands for the absence of a text
    pooled: Float[Tensor, "crystals features"]

    @classmethod
    def of(
        cls,
        tokens: Float[Tensor, "crystals tokens features"],
        mask: Bool[Tensor, "crystals tokens"],
        present: Bool[Tensor, "crystals"],
    ) -> "TextStates":
        """Pools by the mean over real tokens."""
        real = mask.unsqueeze(2).to(tokens.dtype)
        return cls(tokens, mask, present, (tokens * real).sum(1) / real.sum(1))

    def rows(self) -> Rows:
        """The tokens; each counts once, padding not at all."""
        nothing = torch.zeros_like(self.mask, dtype=self.tokens.dtype)
        return Rows(self.tokens, nothing.masked_fill(~self.mask, -torch.inf))


@dataclass
class AtomSlots:
    """The place of each atom in a table with one row a crystal, which attention needs."""

    crystal: Int[Tensor, "atoms"]
    slot: Int[Tensor, "atoms"]
    multiplicity: Float[Tensor, "atoms"]
    log_count: Float[Tensor, "crystals slots"]

    @classmethod
    def of(
        cls, crystal: Int[Tensor, "atoms"], multiplicity: Float[Tensor, "atoms"], crystals: int
    ) -> "AtomSlots":
        atoms = torch.bincount(crystal, minlength=crystals)
        first = atoms.cumsum(0) - atoms
        slot = torch.arange(len(crystal), device=crystal.device) - first[crystal]
        log_count = multiplicity.new_full((crystals, int(atoms.max())), -torch.inf)
        log_count[crystal, slot] = multiplicity.log()
        return cls(crystal, slot, multiplicity, log_count)

    def rows(self, atoms: Float[Tensor, "atoms features"]) -> Rows:
        """The atoms, zeros in empty slots; each counts as often as the full graph has it."""
        table = atoms.new_zeros(*self.log_count.shape, atoms.shape[1])
        return Rows(table.index_put((self.crystal, self.slot), atoms), self.log_count)

    def atoms(
        self, table: Float[Tensor, "crystals slots features"]
    ) -> Float[Tensor, "atoms features"]:
        """From a value a slot to one an atom."""
        return table[self.crystal, self.slot]
