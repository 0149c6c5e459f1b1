"""A trained run in, a model folder that needs no torch out."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stance.errors import ModelError
from stance.models import TransformerClassifier, as_inputs
from stance.models.base import Inputs
from stance.models.store import CARD, new_folder, write_manifest
from stance.predictor import StancePredictor

_SENTENCES = 1000
_EXAMPLES = [
    "Missile defence makes us all safer.",
    "The radar is an expensive answer to a question that nobody has asked.",
    "The interceptors were delivered in March.",
]


@dataclass(frozen=True)
class ExportResult:
    """Where the exported model is and how it compares with the original.

    Attributes
    ----------
    folder : Path
        `StancePredictor.from_pretrained(folder)` loads it.
    sentences : int
        How many sentences were compared: the run's test split, at most 1,000.
    agreement : float
        Share of equal labels, in [0, 1].
    difference : float
        The largest difference of a probability, in [0, 1].
    megabytes : float
        Size of the graph.
    """

    folder: Path
    sentences: int
    agreement: float
    difference: float
    megabytes: float


def export_run(
    run: str | os.PathLike[str], out: str | os.PathLike[str], format: Literal["int8", "onnx"] = "int8"
) -> ExportResult:
    """Export a trained transformer as an ONNX graph, in float32 ("onnx") or with 8-bit weights ("int8").

    Raises
    ------
    ModelError
        `run` is no transformer, or `out` holds anything else than an exported model, or cannot be written.
    MissingExtraError
        A package of the extra "export" is not installed.
    """
    from stance.models.export import export

    predictor = StancePredictor.from_pretrained(run)
    if not isinstance(predictor.classifier, TransformerClassifier):
        raise ModelError(f"{run} is a {predictor.classifier.kind} model; only a transformer is exported")
    sentences = _sentences(Path(run))
    out = Path(out)
    with new_folder(out, "model") as work:
        (work / "model").mkdir()
        result = export(predictor.classifier, work / "model", format, sentences)
        (work / CARD).write_text(predictor.card, encoding="utf-8")
        facts = {key: value for key, value in predictor.manifest.items() if key not in {"files", "content"}}
        exported = {"format": format, "agreement": result.agreement, "sentences": len(sentences.texts)}
        write_manifest(work, {**facts, "kind": "exported", "name": out.name, "exported": exported}, "model")
    return ExportResult(out, len(sentences.texts), result.agreement, result.difference, result.megabytes)


def _sentences(run: Path) -> Inputs:
    file = run / "predictions.parquet"
    if not file.is_file():
        return as_inputs(_EXAMPLES)
    import pyarrow.parquet

    rows = pyarrow.parquet.read_table(file).slice(0, _SENTENCES).to_pylist()
    return as_inputs([(row["text"], row["target"], row.get("context") or "") for row in rows])
