"""A frozen sentence encoder under logistic regression: good with a few hundred labels."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field
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
from stance.models.encoders import DEFAULT_ENCODER, find_encoder, load_backbone
from stance.models.inputs import Inputs, Probabilities, as_inputs
from stance.models.store import load_arrays, save_arrays
from stance.progress import track

_FILE = "embedding.safetensors"


class EmbeddingClassifier(StanceClassifier):
    """Logistic regression over the vectors of a frozen sentence encoder.

    A text is the means over its tokens of the outputs of several layers, each of unit length: the last layer holds
    the topic, those below it the wording, which stance needs (Jawahar et al., "What does BERT learn about the structure
    of language?", ACL 2019). With u the last layer's vector of the text and v that of the target, the products u * v
    stand beside them (after Conneau et al., "Supervised learning of universal sentence representations", EMNLP
    2017), so that the same words can count for one target and against another. Context is not read.

    Parameters
    ----------
    encoder : str, default="sentence-transformers/all-MiniLM-L6-v2"
        A folder or a hub name, see `stance.models.encoders.find_encoder`.
    layers : int >= 1, default=6
        How many of the encoder's last layers are read.
    C : float > 0, default=1.0
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
        layers: Annotated[int, Field(ge=1)] = 6,
        C: PositiveFloat = 1.0,
        max_tokens: Annotated[int, Field(ge=8, le=8192)] = 256,
        batch_size: Annotated[int, Field(ge=1)] = 32,
        class_weight: ClassWeight = None,
        random_state: RandomState = None,
    ) -> None:
        self.encoder = encoder
        self.layers = layers
        self.C = C
        self.max_tokens = max_tokens
        self.batch_size = batch_size
        self.class_weight = class_weight
        self.random_state = random_state

    def _fit(self, inputs: Inputs, y: npt.NDArray[Any], support: Support) -> None:
        self.head_ = LogisticRegression(C=self.C, solver="newton-cg", max_iter=200, class_weight=self.class_weight).fit(
            self._features(inputs), y
        )

    def _predict_proba(self, inputs: Inputs) -> Probabilities:
        return self._spread(self.head_.predict_proba(self._features(inputs)), self.head_.classes_)

    def _features(self, inputs: Inputs) -> npt.NDArray[np.float64]:
        encoder = load_encoder(self.encoder, self.max_tokens)
        layers = encoder.encode(inputs.texts, self.layers, self.batch_size).astype(np.float64)
        u = layers[:, -1]
        v = encoder.encode(inputs.targets, 1, self.batch_size)[:, -1].astype(np.float64)
        # u * v has components of about 1/d where u has 1/sqrt(d): brought to the same size, and to the same penalty
        return np.hstack([layers.reshape(len(u), -1), u * v * np.sqrt(encoder.dimension)])

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


class SentenceEncoder:
    """A frozen transformer encoder whose mean-pooled layers, at unit length, stand for a text.

    Parameters
    ----------
    name : str
        See `find_encoder`.
    max_tokens : int, default=256
        Longer texts are cut there.

    Raises
    ------
    ModelError
        The encoder is nowhere, or does not load.
    MissingExtraError
        torch or transformers is not installed.
    """

    def __init__(self, name: str, max_tokens: int = 256) -> None:
        self._tokenizer, self._model = load_backbone(find_encoder(name))
        self.max_tokens = min(max_tokens, int(self._model.config.max_position_embeddings))
        self.dimension = int(self._model.config.hidden_size)
        self.layers = int(self._model.config.num_hidden_layers)

    def encode(self, texts: Sequence[str], layers: int = 1, batch_size: int = 32) -> npt.NDArray[np.float32]:
        """Return one vector of unit length a text and layer; equal texts are computed once.

        Parameters
        ----------
        texts : sequence of str, n of them
        layers : int, default=1
            The last so many layers, or all where the encoder has fewer.
        batch_size : int, default=32

        Returns
        -------
        ndarray of shape (n, layers, dimension)
            The last layer last.
        """
        import torch

        layers = min(layers, self.layers)
        distinct = list(dict.fromkeys(texts))
        order = sorted(range(len(distinct)), key=lambda row: len(distinct[row]))
        vectors = np.zeros((len(distinct), layers, self.dimension), dtype=np.float32)
        starts = range(0, len(order), batch_size)
        with torch.inference_mode():
            for start in track(starts, "encoding", len(starts), minimum=8):
                rows = order[start : start + batch_size]
                vectors[rows] = self._encode_batch([distinct[row] for row in rows], layers)
        place = {text: row for row, text in enumerate(distinct)}
        return vectors[[place[text] for text in texts]]

    def count_truncated(self, texts: Sequence[str]) -> int:
        """Return how many texts have more tokens than are read."""
        # a token is at least one character, so that short texts need no counting
        long = [text for text in texts if len(text) > self.max_tokens]
        return sum(len(self._tokenizer(text, verbose=False)["input_ids"]) > self.max_tokens for text in long)

    def _encode_batch(self, texts: list[str], layers: int) -> npt.NDArray[np.float32]:
        import torch

        batch = self._tokenizer(texts, padding=True, truncation=True, max_length=self.max_tokens, return_tensors="pt")
        outputs = self._model(**batch, output_hidden_states=True)
        hidden = torch.stack(outputs.hidden_states[-layers:], dim=1)
        mask = batch["attention_mask"][:, None, :, None].to(hidden.dtype)
        mean = (hidden * mask).sum(2) / mask.sum(2).clamp(min=1)
        vectors: npt.NDArray[np.float32] = torch.nn.functional.normalize(mean, dim=-1).numpy()
        return vectors


@functools.lru_cache(maxsize=2)
def load_encoder(name: str, max_tokens: int) -> SentenceEncoder:
    """Load an encoder once a process."""
    return SentenceEncoder(name, max_tokens)
