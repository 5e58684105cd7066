"""Texts become states; padding is nothing; absence is something that is learned."""

import pytest
import torch

from trialsmith.errors import InfeasibleConfig
from trialsmith.models import Absent, FrozenStates, HashedEncoder


def example(kind):
    """An encoder and three texts: of five tokens, of none, of two."""
    torch.manual_seed(0)
    mask = torch.arange(5) < torch.tensor([5, 0, 2])[:, None]
    if kind is HashedEncoder:
        return HashedEncoder(20, 4, dropout=0.0), torch.randint(1, 20, (3, 5)) * mask, mask
    return FrozenStates(4), torch.randn(3, 5, 4) * mask[:, :, None], mask


def at(mask, tokens):
    """The mask in as many dimensions as the tokens."""
    return mask if tokens.ndim == 2 else mask[:, :, None]


KINDS = pytest.mark.parametrize("kind", [HashedEncoder, FrozenStates])


@KINDS
def test_a_crystal_without_text_has_the_absence_token(kind):
    encoder, tokens, mask = example(kind)
    states = encoder(tokens, mask)
    assert states.mask.sum(1).tolist() == [5, 1, 2]
    torch.testing.assert_close(states.tokens[1, 0], encoder.absence)
    torch.testing.assert_close(states.pooled[1], encoder.absence)
    states.pooled.square().sum().backward()
    assert encoder.absence.grad.any()


@KINDS
def test_a_batch_without_any_text(kind):
    encoder, tokens, mask = example(kind)
    for width in (0, 5):
        states = encoder(tokens[:, :width], torch.zeros_like(mask[:, :width]))
        assert states.mask.sum(1).tolist() == [1, 1, 1]
        torch.testing.assert_close(states.pooled, encoder.absence.expand(3, 4))


@KINDS
def test_padding_has_no_effect(kind):
    encoder, tokens, mask = example(kind)
    states = encoder(tokens, mask)
    garbage = tokens.flip(0)
    longer = torch.cat([tokens.where(at(mask, tokens), garbage), garbage], dim=1)
    padded = encoder(longer, torch.cat([mask, torch.zeros_like(mask)], dim=1))
    assert not torch.equal(longer[:, :5], tokens)
    torch.testing.assert_close(padded.pooled, states.pooled)
    torch.testing.assert_close(
        padded.tokens[states.mask.nonzero(as_tuple=True)], states.tokens[states.mask]
    )
    alone = encoder(tokens[2:, :2], mask[2:, :2])
    torch.testing.assert_close(alone.pooled[0], states.pooled[2])


def test_a_hashed_token_knows_its_neighbours_and_their_order():
    encoder, tokens, mask = example(HashedEncoder)
    turned = tokens.clone()
    turned[0, 3:] = tokens[0, 3:].flip(0)
    before, after = encoder(tokens, mask).tokens[0], encoder(turned, mask).tokens[0]
    assert not torch.allclose(before[1], after[1])  # two layers see two tokens far
    torch.testing.assert_close(before[0], after[0])
    assert not torch.allclose(before.mean(0), after.mean(0))


def test_every_parameter_of_the_hashed_encoder_receives_a_gradient():
    encoder, tokens, mask = example(HashedEncoder)
    encoder(tokens, mask).pooled.pow(3).sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in encoder.parameters())


def test_frozen_states_pass_unchanged():
    encoder, tokens, mask = example(FrozenStates)
    torch.testing.assert_close(encoder(tokens, mask).tokens[mask], tokens[mask])


def test_states_of_another_width_are_refused():
    with pytest.raises(InfeasibleConfig, match=r"text.features=768 .* set text.features=4"):
        FrozenStates()(*example(FrozenStates)[1:])


def test_text_none_ignores_the_tokens():
    encoder = Absent(4)
    _, tokens, mask = example(HashedEncoder)
    states = encoder(tokens, mask)
    torch.testing.assert_close(states.tokens, encoder.absence.expand(3, 1, 4))
    assert states.mask.all()
