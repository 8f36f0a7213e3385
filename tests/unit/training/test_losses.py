"""The RTS loss against values worked out by hand."""

import math

import pytest
import torch

from ood_face.training.losses import normalised_mse, random_temperature, rts_loss


def test_temperature_is_the_scaled_sum_of_squares() -> None:
    logvar = torch.log(torch.tensor([[1.0, 2.0, 4.0, 1.0]]))
    noise = torch.tensor([[1.0, -1.0, 0.5, 2.0]])
    # numerator 1 + 2 + 1 + 4 = 8, denominator 4 - 2
    assert random_temperature(logvar, noise).item() == pytest.approx(4.0)


def test_mean_temperature_grows_with_the_variance() -> None:
    torch.manual_seed(0)
    low = random_temperature(torch.zeros(4000, 16)).mean().item()
    high = random_temperature(torch.full((4000, 16), math.log(3.0))).mean().item()
    assert low == pytest.approx(16 / 14, rel=0.03)
    assert high == pytest.approx(3 * 16 / 14, rel=0.03)


def test_loss_of_a_hand_made_example() -> None:
    logits = torch.tensor([[2.0, 0.0]])
    terms = rts_loss(
        logits, torch.tensor([0]), torch.zeros(1, 3), torch.tensor([2.0]), kl_scale=1.0
    )
    assert terms.cross_entropy.item() == pytest.approx(math.log(1 + math.exp(-1)))
    assert terms.kl.item() == pytest.approx(0.0)
    logvar = torch.full((1, 3), math.log(2.0))
    terms = rts_loss(logits, torch.tensor([0]), logvar, torch.tensor([2.0]), kl_scale=2.0)
    kl = 0.5 * (2 - math.log(2) - 1)
    assert terms.total.item() == pytest.approx(math.log(1 + math.exp(-1)) + 2 * kl)


def test_a_wrong_answer_pushes_the_variance_up_and_a_right_one_down() -> None:
    torch.manual_seed(0)
    labels = torch.zeros(512, dtype=torch.long)
    gradients = {}
    for name, gap in (("right", 1.0), ("wrong", -8.0)):
        logvar = torch.zeros(512, 16, requires_grad=True)
        logits = torch.tensor([[gap, 0.0]]).expand(512, 2)
        rts_loss(logits, labels, logvar, random_temperature(logvar), 1.0).total.backward()
        gradients[name] = logvar.grad.mean().item()
    assert gradients["wrong"] < 0 < gradients["right"]


def test_normalised_mse_of_nothing_is_one() -> None:
    target = torch.randn(4, 8)
    assert normalised_mse(torch.zeros(4, 8), target).item() == pytest.approx(1.0)
    assert normalised_mse(target, target).item() == 0.0
