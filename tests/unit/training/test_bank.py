"""The classes of the RTS stage: centres, negatives, new faces."""

import torch
import torch.nn.functional as F  # noqa: N812  (the name PyTorch's documentation uses)

from ood_face.training.bank import IdentityBank
from ood_face.training.rts import Batch, similarities


def unit(rows: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(rows, 512, generator=generator), dim=1)


def test_a_centre_leaves_the_picture_itself_out() -> None:
    features = unit(4, 0)
    bank = IdentityBank(features, torch.tensor([0, 0, 0, 1]))
    centre = bank.centres(torch.tensor([1]))[0]
    assert torch.allclose(centre, F.normalize(features[0] + features[2], dim=0), atol=1e-6)


def test_own_identity_first_and_never_among_the_negatives() -> None:
    features = unit(6, 1)
    bank = IdentityBank(features, torch.tensor([0, 0, 1, 1, 2, 2]))
    target = unit(2, 2)
    batch = Batch(
        clean=torch.empty(0),
        seen=torch.empty(0),
        picture=torch.tensor([0, 2]),
        weight=torch.ones(2),
        nonface=torch.tensor([False, False]),
        new=torch.tensor([False, True]),
    )
    feature = unit(2, 3)
    cosines = similarities(3 * feature, target, batch, bank, torch.arange(6))
    assert cosines.shape == (2, 7)
    assert torch.allclose(cosines[0, 0], feature[0] @ features[1], atol=1e-6)
    assert torch.allclose(cosines[1, 0], feature[1] @ target[1], atol=1e-6)
    assert torch.equal(cosines[0, 1:3], torch.full((2,), -1.0))
    assert torch.allclose(cosines[0, 3:], features[2:] @ feature[0], atol=1e-6)


def test_a_person_under_two_labels_is_no_negative_of_himself() -> None:
    features = unit(4, 4)
    features[3] = F.normalize(features[1] + 0.3 * features[3], dim=0)  # label 1 shows person 0
    bank = IdentityBank(features, torch.tensor([0, 0, 1, 1]))
    batch = Batch(
        clean=torch.empty(0),
        seen=torch.empty(0),
        picture=torch.tensor([0]),
        weight=torch.ones(1),
        nonface=torch.tensor([False]),
        new=torch.tensor([False]),
    )
    cosines = similarities(unit(1, 5), unit(1, 6), batch, bank, torch.tensor([2, 3]))
    assert cosines[0, 1] > -1
    assert cosines[0, 2] == -1
