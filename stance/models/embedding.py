"""A frozen sentence encoder under logistic regression: good with a few hundred labels."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted

from stance.models.base import (
    ClassWeight,
    Inputs,
    PositiveFloat,
    Probabilities,
    RandomState,
    StanceClassifier,
    as_inputs,
    check_parameters,
    load_head,
    save_head,
)
from stance.models.encoders import DEFAULT_ENCODER, SentenceEncoder
from stance.models.store import load_arrays, save_arrays

_FILE = "embedding.safetensors"


class EmbeddingClassifier(StanceClassifier):
    """Logistic regression over the vectors of a frozen sentence encoder.

    With u the vector of the text and v that of the target, both of unit length, the features are u beside the
    products u * v (after Conneau et al., "Supervised learning of universal sentence representations", EMNLP 2017),
    so that the same words can count for one target and against another. Context is not read.

    Parameters
    ----------
    encoder : str, default="sentence-transformers/all-MiniLM-L6-v2"
        A folder or a hub name, see `stance.models.encoders.find_encoder`.
    C : float > 0, default=3.0
        Inverse strength of the L2 penalty.
    max_tokens : int in [8, 8192], default=256
        Longer texts are cut there.
    batch_size : int >= 1, default=32
        Texts encoded at once.
    class_weight : "balanced", dict of label to float, or None, default=None
        "balanced" weighs each label by the inverse of its frequency.
    random_state : int or None, default=None
        Accepted for uniformity; the fit is deterministic.
    """

    kind: ClassVar[str] = "embedding"

    def __init__(
        self,
        *,
        encoder: Annotated[str, Field(min_length=1)] = DEFAULT_ENCODER,
        C: PositiveFloat = 3.0,
        max_tokens: Annotated[int, Field(ge=8, le=8192)] = 256,
        batch_size: Annotated[int, Field(ge=1)] = 32,
        class_weight: ClassWeight = None,
        random_state: RandomState = None,
    ) -> None:
        self.encoder = encoder
        self.C = C
        self.max_tokens = max_tokens
        self.batch_size = batch_size
        self.class_weight = class_weight
        self.random_state = random_state

    def _fit(self, inputs: Inputs, y: npt.NDArray[Any]) -> None:
        self.head_ = LogisticRegression(C=self.C, solver="newton-cg", max_iter=200, class_weight=self.class_weight).fit(
            self._features(inputs), y
        )

    def _predict_proba(self, inputs: Inputs) -> Probabilities:
        return self._spread(self.head_.predict_proba(self._features(inputs)), self.head_.classes_)

    def _features(self, inputs: Inputs) -> npt.NDArray[np.float64]:
        encoder = load_encoder(self.encoder, self.max_tokens)
        u = encoder.encode(inputs.texts, self.batch_size).astype(np.float64)
        v = encoder.encode(inputs.targets, self.batch_size).astype(np.float64)
        # u * v has components of about 1/d where u has 1/sqrt(d): brought to the same size, and to the same penalty
        return np.hstack([u, u * v * np.sqrt(encoder.dimension)])

    def count_truncated(self, X: Any) -> int:
        """Return how many texts have more than `max_tokens` tokens."""
        return load_encoder(self.encoder, self.max_tokens).count_truncated(as_inputs(X).texts)

    def save(self, folder: Path) -> None:
        """Write the head as a safetensors file; the encoder is named, not copied."""
        check_is_fitted(self)
        head, classes = save_head(self.head_)
        facts = {"parameters": self.get_params(), "classes": self.classes_.tolist(), "head_classes": classes}
        save_arrays(folder / _FILE, head, facts)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        arrays, facts = load_arrays(folder / _FILE)
        classifier = cls(**check_parameters(cls, facts["parameters"]))
        classifier.classes_ = np.array(facts["classes"])
        classifier.head_ = load_head(arrays, facts["head_classes"])
        return classifier


@functools.lru_cache(maxsize=2)
def load_encoder(name: str, max_tokens: int) -> SentenceEncoder:
    """Load an encoder once a process."""
    return SentenceEncoder(name, max_tokens)
