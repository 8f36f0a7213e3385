"""The checks that the shipped model misses, each with its reason; the only place they are listed.

A check that is listed and met fails the tests as well: the list says what is true of the default
model in ``weights/``, and is gone over whenever that changes.

``REPORT`` is about the full sets (``report.json``, the model card), ``PICTURES`` about the few
free pictures in this repository. Names are those of ``ood_face.evaluation.conformance``.
"""

REPORT: dict[str, str] = {}
PICTURES: dict[str, str] = {
    "steps.noise": "from clean to the first severity the mean score rises by 0.007: on these "
    "three people's sharp portraits, noise that is hardly visible does not move the variance",
    "steps.jpeg": "from clean to the first severity the mean score rises by 0.007: on these "
    "three people's sharp portraits, mild compression does not move the variance",
}
