"""TF-IDF of words and characters under logistic regression: the baseline, in a second."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, Field
from scipy.sparse import csr_matrix, hstack
from scipy.special import expit, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted

from stance.models.base import (
    ClassWeight,
    PositiveFloat,
    RandomState,
    StanceClassifier,
    Support,
    check_parameters,
    load_head,
    save_head,
)
from stance.models.features import WordCharacterTfidf
from stance.models.inputs import Inputs, Probabilities
from stance.models.store import load_arrays, save_arrays

_CHUNK = 8192
"""Rows scored at once, so that memory does not grow with their number."""
_FILE = "linear.safetensors"

NGram = Annotated[int, Field(ge=1, le=10)]


def _check_order(ngrams: tuple[int, int]) -> tuple[int, int]:
    if ngrams[0] > ngrams[1]:
        raise ValueError("the shortest n-gram comes first")
    return ngrams


class LinearClassifier(StanceClassifier):
    """Logistic regression over TF-IDF of words and characters.

    Where training has several targets, every term gets a weight for all targets and one more for each target
    that is frequent enough (the feature augmentation of Daumé III, "Frustratingly easy domain adaptation",
    ACL 2007): a target that training never saw is judged by the common weights. Context is not read.

    Parameters
    ----------
    C : float > 0, default=2.0
        Inverse strength of the L2 penalty.
    character_ngrams : (int, int), default=(2, 5)
        Shortest and longest character n-gram.
    min_document_frequency : int >= 1, default=2
        Terms in fewer training texts are left out.
    min_target_texts : int >= 1, default=50
        A target with fewer training texts gets no weights of its own.
    class_weight : "balanced", dict of label to float, or None, default=None
        "balanced" weighs each label by the inverse of its frequency.
    random_state : int or None, default=None
        Accepted for uniformity; the fit is deterministic.
    """

    kind: ClassVar[str] = "linear"

    def __init__(
        self,
        *,
        C: PositiveFloat = 2.0,
        character_ngrams: Annotated[tuple[NGram, NGram], AfterValidator(_check_order)] = (2, 5),
        min_document_frequency: Annotated[int, Field(ge=1)] = 2,
        min_target_texts: Annotated[int, Field(ge=1)] = 50,
        class_weight: ClassWeight = None,
        random_state: RandomState = None,
    ) -> None:
        self.C = C
        self.character_ngrams = character_ngrams
        self.min_document_frequency = min_document_frequency
        self.min_target_texts = min_target_texts
        self.class_weight = class_weight
        self.random_state = random_state

    def _fit(self, inputs: Inputs, y: npt.NDArray[Any], support: Support) -> None:
        counts = Counter(inputs.targets)
        frequent = sorted(target for target, count in counts.items() if count >= self.min_target_texts)
        self.targets_ = frequent if len(counts) > 1 else []
        self.features_ = self._new_features()
        matrix = self._augment(self.features_.fit_transform(inputs.texts), inputs.targets)
        # newton-cg reaches the optimum of this problem in a fifth of lbfgs's time, without randomness
        self.head_ = LogisticRegression(C=self.C, solver="newton-cg", max_iter=200, class_weight=self.class_weight).fit(
            matrix, y
        )

    def _augment(self, matrix: csr_matrix, targets: list[str]) -> csr_matrix:
        """Return `matrix` beside one block a target of `targets_`, in which only that target's rows are repeated."""
        if not self.targets_:
            return matrix
        n_rows, n_terms = matrix.shape
        block = {target: number for number, target in enumerate(self.targets_)}
        rows = np.repeat(np.arange(n_rows), np.diff(matrix.indptr))
        home = np.array([block.get(target, -1) for target in targets])[rows]
        kept = home >= 0
        columns = matrix.indices[kept] + n_terms * home[kept]
        shape = (n_rows, n_terms * len(self.targets_))
        repeated = csr_matrix((matrix.data[kept], (rows[kept], columns)), shape=shape)
        return hstack([matrix, repeated], format="csr")

    def _predict_proba(self, inputs: Inputs) -> Probabilities:
        parts = [
            self._score(inputs.take(range(start, min(start + _CHUNK, len(inputs.texts)))))
            for start in range(0, len(inputs.texts), _CHUNK)
        ]
        return self._spread(np.vstack(parts), self.head_.classes_)

    def _score(self, inputs: Inputs) -> Probabilities:
        """Return what the head gives for the augmented matrix, without making it: a target's weights are added up."""
        matrix = self.features_.transform(inputs.texts)
        targets = np.array([self.targets_.index(t) if t in self.targets_ else -1 for t in inputs.targets])
        weights = self.head_.coef_.reshape(len(self.head_.coef_), -1, matrix.shape[1])
        decision = np.empty((len(inputs.texts), len(weights)))
        for target in np.unique(targets).tolist():
            rows = np.flatnonzero(targets == target)
            common = weights[:, 0] if target < 0 else weights[:, 0] + weights[:, target + 1]
            part = matrix if len(rows) == matrix.shape[0] else matrix[rows]
            decision[rows] = part @ common.T + self.head_.intercept_
        if decision.shape[1] == 1:  # scikit-learn keeps one row of weights for two classes
            positive = expit(decision)
            return np.hstack([1 - positive, positive])
        probabilities: Probabilities = softmax(decision, axis=1)
        return probabilities

    def save(self, folder: Path) -> None:
        """Write terms, weights and head as one safetensors file."""
        check_is_fitted(self)
        head, classes = save_head(self.head_)
        facts = {
            "parameters": self.get_params(),
            "classes": self.classes_.tolist(),
            "head_classes": classes,
            "targets": self.targets_,
        }
        save_arrays(folder / _FILE, {**self.features_.to_arrays(), **head}, facts)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        arrays, facts = load_arrays(folder / _FILE)
        classifier = cls(**check_parameters(cls, facts["parameters"]))
        classifier.classes_ = np.array(facts["classes"])
        classifier.targets_ = facts["targets"]
        classifier.features_ = classifier._new_features().from_arrays(arrays)
        classifier.head_ = load_head(arrays, facts["head_classes"])
        return classifier

    def _new_features(self) -> WordCharacterTfidf:
        shortest, longest = self.character_ngrams
        return WordCharacterTfidf((shortest, longest), self.min_document_frequency)
