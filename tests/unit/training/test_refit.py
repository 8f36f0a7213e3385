"""The refitted feature layer follows the teacher more closely than the trained one."""

import numpy as np
import torch

from ood_face.training.network import StudentNetwork
from ood_face.training.refit import flat_maps, refit_feature_layer


def test_refit_approaches_the_teacher(small_network: StudentNetwork) -> None:
    rng = np.random.default_rng(0)
    flat = rng.normal(1.0, 1.0, (600, 196)).astype(np.float32)
    teacher = (flat @ rng.normal(size=(196, 512))).astype(np.float32)

    def distance() -> float:
        with torch.no_grad():
            feature = small_network.head.feature(torch.from_numpy(flat)).numpy()
        centred = teacher - teacher.mean(0)
        cosine = np.sum(feature * centred, 1)
        cosine /= np.linalg.norm(feature, axis=1) * np.linalg.norm(centred, axis=1)
        return float(1 - cosine.mean())

    before = distance()
    refit_feature_layer(small_network, flat, teacher)
    assert distance() < 0.5 * before
    with torch.no_grad():
        mean = small_network.head.feature(torch.from_numpy(flat)).mean(0)
    assert np.abs(mean.numpy()).max() < 1e-3  # centred on the training faces


def test_flat_maps_are_what_the_feature_layer_sees(small_network: StudentNetwork) -> None:
    crops = np.random.default_rng(0).integers(0, 256, (3, 112, 112, 3), np.uint8)
    assert flat_maps(small_network, crops).shape == (3, 4 * 49)
