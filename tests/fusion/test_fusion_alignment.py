"""Contrastive alignment: its value, whom it counts, and how it reaches the training."""

import math
from functools import partial

import pytest
import torch
from fusions import NAMES, TEXTS, example, network
from model_inputs import TEXT_WIDTH, WIDTH, single

from trialsmith import schedules
from trialsmith.errors import InfeasibleConfig
from trialsmith.fusion import Alignment, TextStates
from trialsmith.learner import Learner


def alignment(**options):
    torch.manual_seed(0)
    return Alignment(WIDTH, TEXT_WIDTH, projection_features=8, dropout=0.0, **options)


def text(pooled, present=None):
    here = torch.ones(len(pooled), dtype=torch.bool) if present is None else present
    return TextStates(pooled[:, None], torch.ones(len(pooled), 1, dtype=torch.bool), here, pooled)


def test_it_is_the_cross_entropy_of_finding_the_own_partner():
    align = alignment(weight=0.3, temperature=0.2)
    readout, pooled = torch.randn(5, WIDTH), torch.randn(5, TEXT_WIDTH)
    g, t = align.graph(readout).detach(), align.text(pooled).detach()
    scores = [[float(torch.cosine_similarity(a, b, 0)) / 0.2 for b in t] for a in g]

    def surprise(row, k):
        return math.log(sum(math.exp(s) for s in row)) - row[k]

    both = [surprise(scores[k], k) + surprise([row[k] for row in scores], k) for k in range(5)]
    assert align(readout, text(pooled)).item() == pytest.approx(0.3 * sum(both) / 10, rel=1e-5)


def test_vectors_that_all_agree_leave_chance():
    """With one text for all no partner can be found: log of the number of crystals."""
    align = alignment(weight=1.0)
    loss = align(
        torch.randn(1, WIDTH).expand(7, -1), text(torch.randn(1, TEXT_WIDTH).expand(7, -1))
    )
    assert loss.item() == pytest.approx(math.log(7), rel=1e-5)


def test_the_order_of_crystals_and_those_without_text_do_not_count():
    align = alignment()
    readout, pooled = torch.randn(6, WIDTH), torch.randn(6, TEXT_WIDTH)
    present = torch.tensor([True, False, True, True, False, True])
    loss = align(readout, text(pooled, present))
    order = torch.randperm(6)
    torch.testing.assert_close(align(readout[order], text(pooled[order], present[order])), loss)
    torch.testing.assert_close(align(readout[present], text(pooled[present])), loss)
    assert align(readout, text(pooled, present & False)).item() == 0


@pytest.mark.parametrize("name", [*NAMES, None])
def test_it_goes_with_every_fusion_and_changes_no_prediction(name):
    torch.manual_seed(0)
    plain, both = network(name), network(name, Alignment(WIDTH, TEXT_WIDTH, dropout=0.0))
    both.load_state_dict(plain.state_dict(), strict=False)
    torch.testing.assert_close(both(example()), plain(example()))
    loss = both.with_auxiliary_loss(example())[1]
    assert plain.with_auxiliary_loss(example())[1] is None
    loss.backward()
    for part in ("text.embedding", "fusion.alignment", "atom_embedding"):
        received = [p.grad for n, p in both.named_parameters() if n.startswith(part)]
        assert all(g is not None and g.any() for g in received)
    assert both.eval().with_auxiliary_loss(example())[1] is None


def test_a_temperature_that_is_not_positive_is_refused():
    with pytest.raises(InfeasibleConfig, match=r"fusion\.alignment\.temperature=0\.0 must be"):
        alignment(temperature=0.0)


class Scaler:
    mean, std = torch.zeros(1), torch.ones(1)


def test_the_learner_adds_it_in_training_alone():
    """The loss that is logged, and the one validated, stay those of the predictions."""
    batch = single(example())
    batch.target, batch.ids = torch.randn(len(TEXTS), 1), list("abcdef")
    model = network("middle", Alignment(WIDTH, TEXT_WIDTH, dropout=0.0)).float()
    optimizer = partial(torch.optim.SGD, lr=0.0)
    learner = Learner(model, torch.nn.MSELoss(), optimizer, schedules.constant, Scaler())
    logged = {}
    learner.log = lambda name, value, **_: logged.update({name: value.item()})
    total = learner.training_step(batch, 0)
    assert logged.keys() == {"train/loss", "train/auxiliary_loss"}
    assert total.item() == pytest.approx(sum(logged.values()), rel=1e-5)
    assert logged["train/loss"] == pytest.approx(
        torch.nn.functional.mse_loss(model(batch), batch.target).item(), rel=1e-5
    )
