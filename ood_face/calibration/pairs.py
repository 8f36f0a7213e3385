"""Pairs of pictures as data to calibrate on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ood_face.calibration.labelled import LabelledData, fingerprint
from ood_face.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ood_face.calibration.values import LogitInput
    from ood_face.evaluation.datasets import TestData
    from ood_face.evaluation.faces import FaceSet, Pairs

__all__ = ["Usable", "labelled_pairs", "quantiles", "usable_pairs", "with_usable_pairs"]

QUANTILES = np.linspace(0, 1, 21)


@dataclass(frozen=True, slots=True, eq=False)
class Usable:
    """The pairs of a data set that say something, and how many others were left out.

    Attributes
    ----------
    pairs : both pictures have a face, and are two pictures
    digests : (P,) text that tells each picture from others
    without_face, of_one_picture : pairs left out
    """

    pairs: Pairs
    digests: NDArray[np.str_]
    without_face: int
    of_one_picture: int


def usable_pairs(data: TestData) -> Usable:
    """Leave out pairs without a face, and pairs of a picture with itself.

    Raises
    ------
    InputError
        The data contradicts itself: one picture is under two names, or a pair of "two people" is
        of one by other pairs.
    """
    pairs, faces = data.pairs["pairs"], data.faces
    digests = np.array(
        [hashlib.sha256(np.asarray(crop).tobytes()).hexdigest() for crop in faces.crops]
    )
    _refuse_shared(faces, digests)
    there = np.flatnonzero((pairs.first >= 0) & (pairs.second >= 0))
    first, second, same = pairs.first[there], pairs.second[there], pairs.same[there]
    owners = faces.labels[first], faces.labels[second]
    _refuse_contradiction(faces, first, second, ~same & (owners[0] == owners[1]))
    kept = there[digests[first] != digests[second]]
    return Usable(
        type(pairs)(pairs.first[kept], pairs.second[kept], pairs.same[kept], pairs.fold[kept]),
        digests,
        len(pairs.same) - len(there),
        len(there) - len(kept),
    )


def with_usable_pairs(data: TestData) -> TestData:
    """Return the data with only the pairs that :func:`usable_pairs` leaves."""
    return replace(data, pairs={"pairs": usable_pairs(data).pairs})


def labelled_pairs(
    data: TestData,
    features: NDArray[np.float32],
    scores: NDArray[np.float32] | None,
    how: LogitInput,
    prior: float,
) -> LabelledData:
    """Compare the pairs of a data set.

    Pairs with a picture without a face are left out, and pairs of a picture with itself: their
    similarity of 1 says nothing about people.

    Parameters
    ----------
    features : float32 (N, 512), unit norm, of the faces
    scores : (N,) their ood_score; None: the model gives none
    how : how similarities become logits
    prior : share of pairs of one person that probabilities are to assume

    Raises
    ------
    InputError
        The data contradicts itself: one picture is under two names, or a pair of "two people" is
        of one by other pairs.
    """
    usable, faces = usable_pairs(data), data.faces
    first, second, same = usable.pairs.first, usable.pairs.second, usable.pairs.same
    digests = usable.digests
    similarity = np.einsum("nd,nd->n", features[first], features[second], dtype=np.float64)
    rows = zip(digests[first], digests[second], same, strict=True)
    about = {
        "people": len(np.unique(faces.labels)),
        "pictures": data.pictures,
        "pictures_with_a_face": len(faces.names),
        "pairs": len(same),
        "pairs_of_one_person": int(same.sum()),
        "pairs_without_a_face_left_out": usable.without_face,
        "pairs_of_one_picture_left_out": usable.of_one_picture,
        "rule": data.rule,
        "fingerprint": fingerprint(
            "".join(map(str, (*sorted((a, b)), s))).encode() for a, b, s in rows
        ),
    }
    reference: dict[str, Any] = {
        "similarity_of_one_person": quantiles(similarity[same]),
        "similarity_of_two_people": quantiles(similarity[~same]),
    }
    if scores is not None:
        reference["ood_score"] = quantiles(scores)
    return LabelledData(
        input=how,
        values=similarity,
        labels=same.astype(np.int64),
        first=faces.labels[first],
        second=faces.labels[second],
        prior=prior,
        about=about,
        reference=reference,
    )


def quantiles(values: NDArray[np.floating]) -> list[float]:
    """Return the values at 0, 5, ... 100 %; empty where there are none."""
    if not len(values):
        return []
    return [round(float(value), 6) for value in np.quantile(values, QUANTILES)]


def _refuse_shared(faces: FaceSet, digests: NDArray[np.str_]) -> None:
    owner: dict[str, int] = {}
    for index, digest in enumerate(digests.tolist()):
        other = owner.setdefault(digest, index)
        if faces.labels[other] != faces.labels[index]:
            raise InputError(
                "calibrate.shared_picture",
                "{one} and {other} are the same picture, but of two people; one of them is in the "
                "wrong place, and would be fitted to and tested on",
                one=faces.names[other],
                other=faces.names[index],
            )


def _refuse_contradiction(
    faces: FaceSet,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    wrong: NDArray[np.bool_],
) -> None:
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InputError(
            "calibrate.contradiction",
            "{one} and {other} are paired as two people, but other pairs say that they are one",
            one=faces.names[first[row]],
            other=faces.names[second[row]],
        )
