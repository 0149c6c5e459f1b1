"""What goes into every classifier and comes out of it; light, so that predicting starts quickly."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from stance.errors import InputError
from stance.labels import DEFAULT_TARGET, Example

Probabilities = npt.NDArray[np.float64]


class Inputs(NamedTuple):
    """Three columns of equal length."""

    texts: list[str]
    targets: list[str]
    contexts: list[str]

    def take(self, rows: Sequence[int] | npt.NDArray[np.intp]) -> Inputs:
        """Return the given rows, in the given order."""
        return Inputs(*([column[row] for row in rows] for column in self))


def as_inputs(X: Any) -> Inputs:
    """Read what estimators are given.

    Parameters
    ----------
    X : Inputs; sequence of Example; array-like of str, shape (n,) or (n, 2) or (n, 3)
        Texts alone, or columns text, target and context. The target defaults to "missile defence".

    Raises
    ------
    InputError
        There is anything but text in it; the row is named.
    """
    if isinstance(X, Inputs):
        return X
    if isinstance(X, str | bytes):
        raise InputError("expected a sequence of texts, not one text; write [text]")
    if hasattr(X, "toarray"):
        raise InputError("a sparse matrix holds no texts; give the texts themselves")
    rows = X.tolist() if hasattr(X, "tolist") else X.values.tolist() if hasattr(X, "columns") else list(X)
    texts, targets, contexts = [], [], []
    for number, row in enumerate(rows):
        if isinstance(row, Example):
            cells = [row.text, row.target, row.context]
        else:
            cells = list(row) if isinstance(row, list | tuple) else [row]
        if not 1 <= len(cells) <= 3 or not all(isinstance(cell, str) for cell in cells):
            raise InputError(f"row {number} must be a text, or text, target and context, not {row!r:.80}")
        texts.append(cells[0])
        targets.append(cells[1] if len(cells) > 1 and cells[1] else DEFAULT_TARGET)
        contexts.append(cells[2] if len(cells) > 2 else "")
    return Inputs(texts, targets, contexts)


class Classifier(Protocol):
    """What a `StancePredictor` needs: a fitted `StanceClassifier`, or an exported model."""

    kind: str
    classes_: npt.NDArray[Any]

    def predict_proba(self, X: Any) -> Probabilities:
        """Return probabilities, shape (n, n_classes), columns in the order of `classes_`."""
        ...

    def count_truncated(self, X: Any) -> int:
        """Return how many rows are longer than the classifier reads."""
        ...

    def save(self, folder: Path) -> None:
        """Write what was fitted into the empty `folder`, without pickle."""
        ...
