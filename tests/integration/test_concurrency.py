"""Many short-lived threads over one service, as a server's thread pool makes them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import ood_face
from ood_face.config import Settings
from ood_face.imaging import decode

PICTURES = Path(__file__).parents[1] / "pictures"


def test_threads_that_come_and_go_get_the_same_answers() -> None:
    # one thread after another on a predictor, then two at once, once made Paddle fail
    service = ood_face.open_service(Settings(workers=2))
    names = ("obama_1", "astronaut", "two_people", "biden_1")
    images = [decode((PICTURES / f"{name}.jpg").read_bytes()) for name in names]
    expected = [service.extract(image)[0].feature for image in images]
    for _ in range(3):
        for threads in (1, 2, 4):
            with ThreadPoolExecutor(threads) as pool:
                answers = list(pool.map(service.extract, images * 2))
            for templates, feature in zip(answers, expected * 2, strict=True):
                assert float(np.dot(templates[0].feature, feature)) > 0.9999
