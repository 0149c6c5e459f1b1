"""One model on one labelled collection: figures, intervals, the baseline beside them, the errors to read."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from stance.data.dataset import as_rows
from stance.data.readers import read_examples
from stance.errors import InputError
from stance.evaluation.bootstrap import bootstrap_intervals
from stance.evaluation.metrics import Counts, Floats, compute_metrics, confusion
from stance.labels import LABELS, Example


class Predicts(Protocol):
    """What can be evaluated: a `StancePredictor`, or anything with its `predict_proba`."""

    def predict_proba(self, texts: Sequence[str], target: Any = None, context: Any = None) -> Floats:
        """Return probabilities, shape (n, 3), columns in `LABELS` order."""
        ...


@dataclass(frozen=True)
class Evaluation:
    """What one model did on one labelled collection.

    Attributes
    ----------
    examples : list of Example
        What was predicted, each with its true label.
    probabilities : ndarray of shape (n, 3)
        Columns in `LABELS` order.
    metrics : dict of str to float
        See `compute_metrics`.
    intervals : dict of str to (float, float)
        95 % intervals of macro_f1, f_avg and accuracy over documents.
    majority : dict of str to float
        The metrics of always giving the commonest label (with its share as the probability).
    """

    name: str
    examples: list[Example]
    probabilities: Floats
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    majority: dict[str, float]

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the three labels, in [0, 1]: the primary metric."""
        return self.metrics["macro_f1"]

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of `macro_f1`."""
        return self.intervals["macro_f1"]

    @property
    def predicted(self) -> list[str]:
        """The label given to each example."""
        return [LABELS[column] for column in self.probabilities.argmax(axis=1)]

    @property
    def confusion(self) -> Counts:
        """Counts, shape (3, 3): rows are true labels, columns predicted ones, both in `LABELS` order."""
        return confusion(_labels(self.examples), self.predicted)

    def errors(self, n: int = 10) -> list[tuple[Example, str, float]]:
        """Return the `n` most confident errors: the example, the label given, its probability."""
        wrong = [
            (example, label, float(row.max()))
            for example, label, row in zip(self.examples, self.predicted, self.probabilities, strict=True)
            if example.label != label
        ]
        return sorted(wrong, key=lambda error: (-error[2], error[0].id))[:n]

    def to_json(self) -> str:
        """Return all figures as JSON: metrics, intervals, majority baseline, confusion, most confident errors."""
        return json.dumps(
            {
                "model": self.name,
                **self.metrics,
                "intervals": {name: list(bounds) for name, bounds in self.intervals.items()},
                "majority": self.majority,
                "labels": list(LABELS),
                "confusion": self.confusion.tolist(),
                "errors": [
                    {"id": e.id, "text": e.text, "target": e.target, "label": e.label}
                    | {"predicted": label, "confidence": confidence}
                    for e, label, confidence in self.errors()
                ],
            },
            indent=2,
            ensure_ascii=False,
        )

    def report(self, path: str | os.PathLike[str]) -> None:
        """Write the report, one self-contained HTML page, to `path`."""
        from stance.evaluation.report import write_report

        write_report(self, Path(path))

    def write_predictions(self, path: Path) -> None:
        """Write every example with its prediction as Parquet: the columns p_disagree, p_neutral, p_agree last."""
        import pyarrow
        import pyarrow.parquet

        rows = as_rows(self.examples)
        for row, label, probabilities in zip(rows, self.predicted, self.probabilities, strict=True):
            ours = {"predicted": label, **{f"p_{n}": float(p) for n, p in zip(LABELS, probabilities, strict=True)}}
            for key in ours.keys() & row.keys():  # the file had a column of that name
                row[f"{key}_in_file"] = row.pop(key)
            row.update(ours)
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)


def evaluate(predictor: Predicts, examples: Any, *, name: str = "", seed: int = 0) -> Evaluation:
    """Measure a predictor on labelled examples.

    Parameters
    ----------
    predictor : StancePredictor
        Or anything with its `predict_proba`.
    examples : sequence of Example; path; datasets.Dataset
        Labelled sentences; a path or data set is read by `stance.data.read_examples`.
    name : str, default=""
        What the results call the model; the predictor's own name where empty.
    seed : int, default=0
        Of the bootstrap.

    Raises
    ------
    InputError
        There is no example, or one without a label.
    DataError
        The file cannot be read.
    """
    is_list = isinstance(examples, Sequence) and not isinstance(examples, str)
    items = list(examples) if is_list else read_examples(examples)
    if not items:
        raise InputError("there is no example to evaluate on")
    for example in items:
        if not isinstance(example, Example):
            raise InputError(f"expected examples, not {type(example).__name__}; read files with read_examples")
        if example.label not in LABELS:
            raise InputError(f"{example.location or example.id}: no label; only labelled examples can be evaluated")
    probabilities = predictor.predict_proba(
        [example.text for example in items],
        target=[example.target for example in items],
        context=[example.context for example in items],
    )
    return summarise_predictions(name or getattr(predictor, "name", ""), items, probabilities, seed)


def summarise_predictions(name: str, examples: list[Example], probabilities: Floats, seed: int) -> Evaluation:
    """Make an evaluation of probabilities that are already there."""
    truth = _labels(examples)
    predicted = [LABELS[column] for column in probabilities.argmax(axis=1)]
    counts = Counter(truth)
    shares = np.array([counts[label] / len(truth) for label in LABELS])
    return Evaluation(
        name=name,
        examples=examples,
        probabilities=probabilities,
        metrics=compute_metrics(truth, probabilities),
        intervals=bootstrap_intervals(truth, predicted, [e.document_id for e in examples], seed=seed),
        majority=compute_metrics(truth, np.tile(shares, (len(truth), 1))),
    )


def _labels(examples: Sequence[Example]) -> list[str]:
    return [example.label or "" for example in examples]
