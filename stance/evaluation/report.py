"""Evaluations for people: a table for the terminal, a page for the browser, a card for the model folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stance.labels import LABELS
from stance.pages import render

if TYPE_CHECKING:
    from rich.console import RenderableType

    from stance.evaluation.evaluate import Evaluation

_FIGURES = {
    "macro_f1": "macro-F1",
    "f1_disagree": "F1 disagree",
    "f1_neutral": "F1 neutral",
    "f1_agree": "F1 agree",
    "f_avg": "F_avg (agree, disagree)",
    "accuracy": "accuracy",
    "log_loss": "log loss",
    "expected_calibration_error": "expected calibration error",
}


def comparison_table(evaluations: Sequence[Evaluation]) -> RenderableType:
    """Return a table for `rich`: a column a model, the majority baseline last, intervals below the figure."""
    from rich.table import Table

    first = evaluations[0]
    documents = len({e.document_id for e in first.examples if e.document_id})
    title = f"{len(first.examples):,} sentences" + (f" of {documents:,} documents" if documents else "")
    table = Table(title=title, caption="[ ] 95 % interval, bootstrap over documents", title_justify="left")
    table.add_column("")
    for evaluation in evaluations:
        table.add_column(evaluation.name, justify="right")
    table.add_column("majority", justify="right")
    for key, name in _FIGURES.items():
        cells = [_figure(e.metrics[key], e.intervals.get(key)) for e in evaluations]
        table.add_row(name, *cells, _figure(first.majority[key]))
    return table


def confusion_table(evaluation: Evaluation) -> RenderableType:
    """Return the confusion matrix for `rich`: rows are true labels, columns predicted ones."""
    from rich.table import Table

    table = Table(title=f"{evaluation.name}: true label (rows), predicted (columns)", title_justify="left")
    table.add_column("")
    for label in LABELS:
        table.add_column(label, justify="right")
    for label, row in zip(LABELS, evaluation.confusion.tolist(), strict=True):
        table.add_row(label, *map(str, row))
    return table


def errors_table(evaluation: Evaluation, n: int = 10) -> RenderableType:
    """Return the most confident errors for `rich`."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"{evaluation.name}: most confident errors", title_justify="left", show_lines=True)
    for column in ("true", "predicted", "", "sentence"):
        table.add_column(column)
    for example, label, confidence in evaluation.errors(n):
        table.add_row(str(example.label), label, f"{confidence:.2f}", Text(example.text))
    return table


def write_report(evaluation: Evaluation, path: Path) -> None:
    """Write the report, one self-contained HTML page without script, to `path`."""
    counts = evaluation.confusion
    shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
    path.write_text(
        render(
            "report.html",
            evaluation=evaluation,
            labels=LABELS,
            figures=[
                (
                    name,
                    _figure(evaluation.metrics[key], evaluation.intervals.get(key)),
                    _figure(evaluation.majority[key]),
                )
                for key, name in _FIGURES.items()
            ],
            cells=[
                [(int(count), float(share)) for count, share in zip(row, part, strict=True)]
                for row, part in zip(counts, shares, strict=True)
            ],
            errors=evaluation.errors(25),
            documents=len({e.document_id for e in evaluation.examples if e.document_id}),
        ),
        encoding="utf-8",
    )


def write_card(evaluation: Evaluation | None, facts: Mapping[str, Any], others: Sequence[Evaluation] = ()) -> str:
    """Return the model card in Markdown, with the front matter that the Hugging Face hub reads.

    Parameters
    ----------
    evaluation : Evaluation or None
        On the held-out part.
    facts : mapping
        What the manifest says of the training.
    others : sequence of Evaluation, default=()
        On other collections, each called by its name.
    """
    rows = []
    if evaluation:
        rows = [
            (
                name,
                _figure(evaluation.metrics[key], evaluation.intervals.get(key)),
                _figure(evaluation.majority[key]),
            )
            for key, name in _FIGURES.items()
        ]
    beside = [(e.name, len(e.examples), _figure(e.macro_f1, e.interval)) for e in others]
    return render("model_card.md", evaluation=evaluation, facts=facts, figures=rows, others=beside) + "\n"


def _figure(value: float, interval: tuple[float, float] | None = None) -> str:
    bounds = f" [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else ""
    return f"{value:.3f}{bounds}"
