"""Logits and labels whose calibration is known, and scikit-learn's answer to them."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator


class _GivenLogits(ClassifierMixin, BaseEstimator):
    """A classifier whose decision values are its input."""

    def __init__(self, classes=2):
        self.classes = classes
        self.classes_ = np.arange(classes)

    def fit(self, *_):
        return self

    def decision_function(self, logits):
        return logits

    def predict(self, logits):
        return logits.argmax(axis=1)


def by_scikit_learn(method: str, logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return scikit-learn's probabilities (N, C); two classes are given as log-odds (N,)."""
    classes = 2 if logits.ndim == 1 else logits.shape[1]
    frozen = FrozenEstimator(_GivenLogits(classes))
    fitted = CalibratedClassifierCV(frozen, method=method).fit(logits, labels)
    return fitted.predict_proba(logits)


def drawn(classes: int, temperature: float, rows: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Return logits and labels for which this temperature is right."""
    rng = np.random.default_rng(classes)
    logits = rng.normal(0, 4, (rows, classes))
    cumulated = softmax(logits / temperature, axis=1).cumsum(axis=1)
    return logits, (rng.random((rows, 1)) > cumulated[:, :-1]).sum(axis=1)
