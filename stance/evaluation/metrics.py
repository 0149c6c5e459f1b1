"""The figures of the field, from true labels and probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import confusion_matrix, f1_score, log_loss

from stance.labels import LABELS

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


def confusion(truth: Sequence[str], predicted: Sequence[str]) -> Counts:
    """Return counts, shape (3, 3): rows are true labels, columns predicted ones, both in `LABELS` order."""
    counts: Counts = confusion_matrix(truth, predicted, labels=list(LABELS))
    return counts


def f1_from_confusion(counts: npt.NDArray[Any]) -> Floats:
    """Return each label's F1, shape (..., 3), from confusion counts of shape (..., 3, 3).

    A label that neither occurs nor is predicted has F1 0, as with scikit-learn's `zero_division=0`.
    """
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    both = counts.sum(axis=-1) + counts.sum(axis=-2)
    f1: Floats = np.divide(2.0 * hits, both, out=np.zeros(both.shape), where=both > 0)
    return f1


def summarise(counts: npt.NDArray[Any]) -> dict[str, Floats]:
    """Return macro_f1, f_avg and accuracy, each of shape (...), from confusion counts of shape (..., 3, 3).

    `macro_f1` is the mean F1 of the three labels; `f_avg` that of agree and disagree alone, the official metric
    of SemEval-2016 Task 6 (Mohammad et al., 2016).
    """
    f1 = f1_from_confusion(counts)
    total = counts.sum(axis=(-2, -1))
    hits = np.trace(counts, axis1=-2, axis2=-1)
    return {
        "macro_f1": f1.mean(axis=-1),
        "f_avg": f1[..., [LABELS.index("disagree"), LABELS.index("agree")]].mean(axis=-1),
        "accuracy": np.divide(hits, total, out=np.zeros(np.shape(total)), where=total > 0),
    }


def expected_calibration_error(truth: Sequence[str], probabilities: Floats, bins: int = 10) -> float:
    """Return the mean gap between confidence and accuracy, in [0, 1], over `bins` bins of equal mass.

    Rows are sorted by the confidence of the predicted label and cut into bins of (nearly) equal size, which has
    less bias than bins of equal width (Nixon et al., "Measuring calibration in deep learning", 2019).
    """
    confidence = probabilities.max(axis=1)
    right = np.array([LABELS[column] for column in probabilities.argmax(axis=1)]) == np.array(truth)
    order = np.argsort(confidence, kind="stable")
    parts = [part for part in np.array_split(order, bins) if part.size]
    gaps = [part.size * abs(confidence[part].mean() - right[part].mean()) for part in parts]
    return float(sum(gaps) / max(len(order), 1))


def compute_metrics(truth: Sequence[str], probabilities: Floats) -> dict[str, float]:
    """Return every single figure: macro_f1, f_avg, accuracy, f1 of each label, log loss, calibration error, n.

    Parameters
    ----------
    truth : sequence of str, n >= 1
        True labels, each of `LABELS`.
    probabilities : ndarray of shape (n, 3)
        Columns in `LABELS` order.
    """
    predicted = [LABELS[column] for column in probabilities.argmax(axis=1)]
    each = f1_score(truth, predicted, labels=list(LABELS), average=None, zero_division=0)
    counts = confusion(truth, predicted)
    clipped = np.clip(probabilities, 1e-15, 1)
    return {
        **{name: float(value) for name, value in summarise(counts).items()},
        **{f"f1_{label}": float(value) for label, value in zip(LABELS, each, strict=True)},
        "log_loss": _log_loss(truth, clipped / clipped.sum(axis=1, keepdims=True)),
        "expected_calibration_error": expected_calibration_error(truth, probabilities),
        "n": len(truth),
    }


def _log_loss(truth: Sequence[str], probabilities: Floats) -> float:
    # scikit-learn wants its columns sorted by label
    columns = np.argsort(LABELS)
    return float(log_loss(truth, probabilities[:, columns], labels=sorted(LABELS)))
