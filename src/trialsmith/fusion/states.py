"""What fusion reads of a crystal's text, and how its atoms stand side by side for attention."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass
class TextStates:
    """A text as token states and one pooled state; every crystal has at least one token."""

    tokens: Float[Tensor, "crystals tokens features"]
    mask: Bool[Tensor, "crystals tokens"]  # True: a real token
    pooled: Float[Tensor, "crystals features"]

    @classmethod
    def of(
        cls,
        tokens: Float[Tensor, "crystals tokens features"],
        mask: Bool[Tensor, "crystals tokens"],
    ) -> "TextStates":
        """Pools by the mean over real tokens."""
        real = mask.unsqueeze(2).to(tokens.dtype)
        return cls(tokens, mask, (tokens * real).sum(1) / real.sum(1))

    @property
    def bias(self) -> Float[Tensor, "crystals tokens"]:
        """What attention adds to the scores of tokens as keys: nothing, or -∞ for padding."""
        return torch.zeros_like(self.mask, dtype=self.tokens.dtype).masked_fill(
            ~self.mask, -torch.inf
        )


@dataclass
class AtomSlots:
    """The place of each atom in a table with one row a crystal, which attention needs.

    ``bias`` is what attention adds to the scores of atoms as keys: the logarithm of the
    multiplicity, because exp(s + log n) = n exp(s) counts a class of n equal atoms n times; and
    -∞ for an empty slot.
    """

    crystal: Int[Tensor, "atoms"]
    slot: Int[Tensor, "atoms"]
    bias: Float[Tensor, "crystals slots"]

    @classmethod
    def of(
        cls, crystal: Int[Tensor, "atoms"], multiplicity: Float[Tensor, "atoms"], crystals: int
    ) -> "AtomSlots":
        atoms = torch.bincount(crystal, minlength=crystals)
        first = atoms.cumsum(0) - atoms
        slot = torch.arange(len(crystal), device=crystal.device) - first[crystal]
        bias = multiplicity.new_full((crystals, int(atoms.max())), -torch.inf)
        bias[crystal, slot] = multiplicity.log()
        return cls(crystal, slot, bias)

    def table(
        self, atoms: Float[Tensor, "atoms features"]
    ) -> Float[Tensor, "crystals slots features"]:
        """Atoms side by side, zeros in empty slots."""
        table = atoms.new_zeros(*self.bias.shape, atoms.shape[1])
        return table.index_put((self.crystal, self.slot), atoms)

    def atoms(
        self, table: Float[Tensor, "crystals slots features"]
    ) -> Float[Tensor, "atoms features"]:
        """The inverse of `table`."""
        return table[self.crystal, self.slot]
