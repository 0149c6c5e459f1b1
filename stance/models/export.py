"""From a fine-tuned transformer to an ONNX graph, in float32 or with int8 weights."""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from stance.errors import ModelError, missing_extra
from stance.models.exported import FACTS, GRAPH, INPUTS, TOKENIZER, ExportedClassifier
from stance.models.inputs import Inputs, as_inputs
from stance.models.prompts import by_length, pad
from stance.models.quantization import quantize
from stance.models.store import CARD, new_folder, write_manifest
from stance.models.transformer import TransformerClassifier

Format = Literal["int8", "onnx"]
TOLERANCE = 1e-4
"""How far a probability of the float32 graph may lie from torch's."""


@dataclass(frozen=True)
class Export:
    """How an exported model compares with the one that it was made of.

    Attributes
    ----------
    sentences : int
        How many sentences were compared.
    agreement : float
        Share of equal labels, in [0, 1].
    difference : float
        The largest difference of a probability, in [0, 1].
    megabytes : float
        Size of the graph.
    """

    sentences: int
    agreement: float
    difference: float
    megabytes: float


def export_folder(run: Path, out: Path, format: Format = "int8") -> Export:
    """Export the transformer of a run or model folder into a model folder that needs no torch.

    It is compared with the original on the run's test split, at most 1,000 sentences of it.

    Raises
    ------
    ModelError
        `run` holds no transformer, or `out` holds anything else than a model, or cannot be written.
    MissingExtraError
        A package of the extras "train" and "export" is not installed.
    """
    from stance.models import load_classifier

    classifier, manifest = load_classifier(run)
    if not isinstance(classifier, TransformerClassifier):
        raise ModelError(f"{run} is a {classifier.kind} model; only a transformer is exported")
    with new_folder(out, "model") as work:
        (work / "model").mkdir()
        result = export(classifier, work / "model", format, _sentences(run))
        if (run / CARD).is_file():
            shutil.copyfile(run / CARD, work / CARD)
        facts = {key: value for key, value in manifest.items() if key not in {"files", "content"}}
        compared = {"format": format, "agreement": result.agreement, "sentences": result.sentences}
        write_manifest(work, {**facts, "kind": "exported", "name": out.name, "exported": compared}, "model")
    return result


def _calibration() -> list[str]:
    """Return the sentences, of the corpus' validation split, that activations are measured on."""
    return (Path(__file__).parent / "calibration.txt").read_text(encoding="utf-8").splitlines()


def _sentences(run: Path) -> Inputs:
    file = run / "predictions.parquet"
    if not file.is_file():
        return as_inputs(_calibration())
    import pyarrow.parquet

    rows = pyarrow.parquet.read_table(file).slice(0, 1000).to_pylist()
    return as_inputs([(row["text"], row["target"], row.get("context") or "") for row in rows])


def export(classifier: TransformerClassifier, folder: Path, format: Format, sentences: Inputs) -> Export:
    """Write `classifier` as an exported model into the empty `folder` and compare the two.

    Parameters
    ----------
    classifier : TransformerClassifier
        Fitted.
    folder : Path
        The `model` folder of a model folder.
    format : "int8" or "onnx"
        int8 keeps the weights of matrices and embeddings as 8-bit integers and quantizes activations as they come,
        see `stance.models.quantization`; onnx is float32.
    sentences : Inputs
        To compare the two on, at least one.

    Raises
    ------
    ModelError
        The graph cannot be made, or a float32 graph differs from torch by more than `TOLERANCE`.
    MissingExtraError
        A package of the extra "export" is not installed.
    """
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise missing_extra(str(error.name), "export") from None
    with tempfile.TemporaryDirectory(dir=folder) as parent:
        whole = Path(parent) / GRAPH
        _trace(classifier, whole)
        if format == "int8":
            rows = classifier.prompt_.rows(as_inputs(_calibration()))
            batches = [pad([rows[number] for number in batch]) for batch in by_length(rows, 16)]
            with _quiet():
                quantize(whole, folder / GRAPH, [dict(zip(INPUTS, batch, strict=True)) for batch in batches])
        else:
            whole.rename(folder / GRAPH)
    tokenizer: Any = classifier.prompt_.tokenizer
    tokenizer.save(str(folder / TOKENIZER))
    facts = {
        "format": format,
        "classes": classifier.classes_.tolist(),
        "head_classes": classifier.head_classes_.tolist(),
        "prompt": classifier.prompt_.template,
        "max_tokens": classifier.prompt_.max_tokens,
    }
    (folder / FACTS).write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    ours = ExportedClassifier.load(folder).predict_proba(sentences)
    theirs = classifier.predict_proba(sentences)
    difference = float(np.abs(ours - theirs).max())
    if format == "onnx" and difference > TOLERANCE:
        raise ModelError(f"the exported graph differs from the model by {difference:.1e} in probability; report this")
    return Export(
        sentences=len(sentences.texts),
        agreement=float((ours.argmax(axis=1) == theirs.argmax(axis=1)).mean()),
        difference=difference,
        megabytes=(folder / GRAPH).stat().st_size / 1e6,
    )


def _trace(classifier: TransformerClassifier, path: Path) -> None:
    import torch

    network = classifier.network_.cpu().eval()
    # torch takes a size of 1 for a constant, so the example is larger in both
    ids = torch.full((2, 12), 1)
    mask = torch.ones_like(ids)
    span = mask.clone()
    span[:, :4] = 0
    sizes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("tokens", max=classifier.prompt_.max_tokens)}
    with _quiet():
        try:
            program = torch.onnx.export(
                network,
                (ids, mask, span),
                dynamo=True,
                input_names=INPUTS,
                output_names=["logits"],
                dynamic_shapes=(sizes, sizes, sizes),
                verbose=False,
            )
            assert program is not None
            program.save(path)
        except Exception as error:  # torch's exporter raises errors of many kinds
            raise ModelError(f"this backbone cannot be exported: {error}") from None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporters' advice from the user, who can do nothing about it."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
