"""Intervals from resampling documents, since sentences of one document are not independent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stance.evaluation.metrics import summarise
from stance.labels import LABELS

RESAMPLES = 2000


def bootstrap_intervals(
    truth: Sequence[str],
    predicted: Sequence[str],
    documents: Sequence[str],
    level: float = 0.95,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> dict[str, tuple[float, float]]:
    """Return percentile intervals of macro_f1, f_avg and accuracy.

    Whole documents are drawn with replacement (the cluster bootstrap: Davison & Hinkley, "Bootstrap methods and
    their application", 1997, section 3.8; for language data Berg-Kirkpatrick et al., EMNLP 2012).

    Parameters
    ----------
    truth, predicted : sequence of str, n >= 1
        Labels.
    documents : sequence of str
        Each row's document; a row with an empty one is a document of its own.
    level : float in (0, 1), default=0.95
        Coverage.
    seed : int, default=0
        Of the resampling.
    resamples : int, default=2000
        Number of draws.
    """
    names: dict[str, int] = {}
    home = np.array([names.setdefault(d or f"\0{row}", len(names)) for row, d in enumerate(documents)])
    place = {label: number for number, label in enumerate(LABELS)}
    rows, columns = (np.array([place[label] for label in labels]) for labels in (truth, predicted))
    cells = np.bincount(9 * home + 3 * rows + columns, minlength=9 * len(names))
    per_document = cells.reshape(len(names), 3, 3)
    draws = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
    figures = summarise(np.einsum("rd,dij->rij", draws, per_document))
    tail = 100 * (1 - level) / 2
    return {
        name: (float(np.percentile(values, tail)), float(np.percentile(values, 100 - tail)))
        for name, values in figures.items()
    }
