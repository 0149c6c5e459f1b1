"""A fine-tuned transformer as one ONNX graph, run without torch, transformers or scikit-learn."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from stance.errors import ModelError, missing_extra
from stance.models.inputs import Probabilities, as_inputs
from stance.models.prompts import Prompt, Row, by_length, pad
from stance.progress import track

INPUTS = ["ids", "mask", "span"]
"""Of the graph, see `stance.models.prompts.pad`."""
GRAPH, TOKENIZER, FACTS = "graph.onnx", "tokenizer.json", "exported.json"
_BATCH = 8


class ExportedClassifier:
    """What `stance.models.export.export` makes of a `TransformerClassifier`; it predicts and is not trained.

    Parameters
    ----------
    folder : Path
        Holds the graph, the tokenizer and what goes with them.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Columns of `predict_proba` follow it.

    Raises
    ------
    ModelError
        A file is missing or damaged.
    MissingExtraError
        onnxruntime or tokenizers is not installed.
    """

    kind = "exported"

    def __init__(self, folder: Path) -> None:
        try:
            import onnxruntime
            from tokenizers import Tokenizer
        except ImportError as error:
            raise missing_extra(error.name or "onnxruntime", "train") from None
        self._folder = folder
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        options = onnxruntime.SessionOptions()
        # batches side by side, one thread each, are faster than one batch on all threads
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        # what the arena saves in time it costs several times over in memory, since batches differ in length
        options.enable_cpu_mem_arena = False
        try:
            self._session = onnxruntime.InferenceSession(
                str(folder / GRAPH), options, providers=["CPUExecutionProvider"]
            )
            tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        except Exception as error:  # the runtimes raise their own
            raise ModelError(f"{folder} does not load: {error}; export or download the model again") from None
        self.classes_ = np.array(facts["classes"])
        self._columns = [facts["classes"].index(label) for label in facts["head_classes"]]
        self._prompt = Prompt(facts["prompt"], tokenizer, int(facts["max_tokens"]))

    def predict_proba(self, X: Any) -> Probabilities:
        """Return probabilities, shape (n, n_classes), columns in the order of `classes_`, rows summing to 1."""
        rows = self._prompt.rows(as_inputs(X))
        probabilities = np.zeros((len(rows), len(self.classes_)))
        batches = [np.array(batch) for batch in by_length(rows, _BATCH)]
        for batch, logits in zip(batches, self._run_all(rows, batches), strict=True):
            shares = np.exp(logits - logits.max(axis=1, keepdims=True))
            probabilities[np.ix_(batch, self._columns)] = shares / shares.sum(axis=1, keepdims=True)
        return probabilities

    def count_truncated(self, X: Any) -> int:
        """Return how many rows lose context or text to the window."""
        return self._prompt.count_truncated(as_inputs(X))

    def save(self, folder: Path) -> None:
        """Copy the graph, the tokenizer and what goes with them."""
        for name in (GRAPH, TOKENIZER, FACTS):
            shutil.copyfile(self._folder / name, folder / name)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        return cls(folder)

    def _run_all(self, rows: list[Row], batches: list[npt.NDArray[np.intp]]) -> Iterator[npt.NDArray[np.float64]]:
        parts = [[rows[number] for number in batch] for batch in batches]
        if len(parts) < 2:  # threads cost a single sentence more than they save
            yield from map(self._run, parts)
            return
        with ThreadPoolExecutor(min(_cores(), len(parts))) as pool:
            yield from track(pool.map(self._run, parts), "predicting", len(parts), minimum=128)

    def _run(self, rows: list[Row]) -> npt.NDArray[np.float64]:
        [logits] = self._session.run(["logits"], dict(zip(INPUTS, pad(rows), strict=True)))
        return np.asarray(logits, dtype=np.float64)


def _cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
