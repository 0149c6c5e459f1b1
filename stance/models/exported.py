"""A fine-tuned transformer as one ONNX graph, run without torch and without transformers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from stance.errors import ConfigError, ModelError, missing_extra
from stance.models.base import (
    Inputs,
    Probabilities,
    RandomState,
    StanceClassifier,
    Support,
    as_inputs,
    check_parameters,
)
from stance.models.prompts import Prompt, by_length, pad
from stance.progress import track

GRAPH, TOKENIZER, FACTS = "graph.onnx", "tokenizer.json", "exported.json"
_BATCH = 32


class ExportedClassifier(StanceClassifier):
    """What `stance.models.export.export` makes of a `TransformerClassifier`; it predicts and is not trained.

    Parameters
    ----------
    threads : int >= 0, default=0
        Threads of the runtime; 0 takes one a core.
    random_state : int or None, default=None
        Accepted for uniformity.
    """

    kind: ClassVar[str] = "exported"

    def __init__(self, *, threads: Annotated[int, Field(ge=0, le=1024)] = 0, random_state: RandomState = None) -> None:
        self.threads = threads
        self.random_state = random_state

    def _fit(self, inputs: Inputs, y: npt.NDArray[Any], support: Support) -> None:
        raise ConfigError("an exported model is not trained: train a transformer, then: stance export RUN")

    def _predict_proba(self, inputs: Inputs) -> Probabilities:
        rows = self.prompt_.rows(inputs)
        logits = np.zeros((len(rows), len(self.head_classes_)))
        batches = by_length(rows, _BATCH)
        for batch in track(batches, "predicting", len(batches), minimum=64):
            ids, mask, span = pad([rows[number] for number in batch])
            [logits[batch]] = self.session_.run(["logits"], {"ids": ids, "mask": mask, "span": span})
        logits -= logits.max(axis=1, keepdims=True)
        shares = np.exp(logits)
        return self._spread(shares / shares.sum(axis=1, keepdims=True), self.head_classes_)

    def count_truncated(self, X: Any) -> int:
        """Return how many rows lose context or text to the window."""
        truncated: int = self.prompt_.count_truncated(as_inputs(X))
        return truncated

    def save(self, folder: Path) -> None:
        """Copy the graph, the tokenizer and what goes with them."""
        for name in (GRAPH, TOKENIZER, FACTS):
            shutil.copyfile(self.folder_ / name, folder / name)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read an exported model's folder.

        Raises
        ------
        ModelError
            A file is missing or damaged.
        MissingExtraError
            onnxruntime or tokenizers is not installed.
        """
        try:
            import onnxruntime
            from tokenizers import Tokenizer
        except ImportError as error:
            raise missing_extra(error.name or "onnxruntime", "train") from None
        classifier = cls()
        classifier.folder_ = folder
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        classifier.set_params(**check_parameters(cls, facts["parameters"]))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = classifier.threads
        options.log_severity_level = 3
        try:
            classifier.session_ = onnxruntime.InferenceSession(
                (folder / GRAPH).read_bytes(), options, providers=["CPUExecutionProvider"]
            )
            tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        except Exception as error:  # the runtimes raise their own
            raise ModelError(f"{folder} does not load: {error}; export or download the model again") from None
        classifier.classes_ = np.array(facts["classes"])
        classifier.head_classes_ = np.array(facts["head_classes"])
        classifier.prompt_ = Prompt(facts["prompt"], tokenizer, int(facts["max_tokens"]))
        return classifier
