"""The checks that the shipped model misses, each with its reason; the only place they are listed.

A check that is listed and met fails the tests as well: the list says what is true.

``REPORT`` is about the full sets (``report.json``, the model card), ``PICTURES`` about the few
free pictures in this repository. Names are those of ``ood_face.evaluation.conformance``.
"""

REPORT: dict[str, str] = {}
PICTURES: dict[str, str] = {}
