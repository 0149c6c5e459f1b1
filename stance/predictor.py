"""What users call: texts in, stances out."""

from __future__ import annotations

import itertools
import json
import os
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, overload

import numpy as np

from stance.errors import InputError, ModelError, TruncationWarning, missing_extra
from stance.labels import DEFAULT_TARGET, LABELS, Prediction
from stance.models import Classifier, load_classifier
from stance.models.inputs import Inputs, Probabilities
from stance.models.packaged import PACKAGED, find_packaged
from stance.models.store import CARD, new_folder, write_manifest

MAX_CHARACTERS = 20_000
"""A longer text is cut there before any model sees it; no sentence is as long."""

_STREAM_BATCH = 1024


class StancePredictor:
    """Tells the stance of texts toward targets.

    Parameters
    ----------
    classifier : Classifier
        Fitted on `LABELS`.
    name : str, default=""
        What results call the model.
    manifest, card : dict and str, default={} and ""
        What is known of its training, kept for `save_pretrained`.

    Examples
    --------
    >>> predictor = StancePredictor.from_pretrained()  # doctest: +SKIP
    >>> predictor.predict("Missile defence makes us all safer.").label  # doctest: +SKIP
    'agree'
    """

    def __init__(
        self,
        classifier: Classifier,
        name: str = "",
        manifest: Mapping[str, Any] | None = None,
        card: str = "",
    ) -> None:
        self.classifier = classifier
        self.name = name or classifier.kind
        self.manifest = dict(manifest or {})
        self.card = card

    @classmethod
    def from_pretrained(cls, name: str | os.PathLike[str] | None = None) -> Self:
        """Load a model.

        Parameters
        ----------
        name : str or path, default=None
            "small" (or None) or "large": a model that comes with the package, see `stance.models.packaged`; a run or
            model folder; or the name of a repository on the Hugging Face hub.

        Raises
        ------
        ModelError
            There is no such model, or a file of it is missing, changed or unknown.
        """
        name = "small" if name is None else name
        folder = find_packaged(name) if isinstance(name, str) and name in PACKAGED else Path(name)
        if not folder.exists():
            folder = _download(str(name))
        classifier, manifest = load_classifier(folder)
        card = folder / CARD
        text = card.read_text(encoding="utf-8") if card.is_file() else ""
        given = str(manifest.get("name", ""))
        # the name goes into paths and onto terminals, and the manifest came with the model
        safe = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", given)
        return cls(classifier, name=given if safe else folder.resolve().name, manifest=manifest, card=text)

    @overload  # a str is an iterable of str, but the first match counts
    def predict(  # type: ignore[overload-overlap]
        self, texts: str, target: str | None = None, context: str | None = None
    ) -> Prediction: ...

    @overload
    def predict(
        self,
        texts: Iterable[str],
        target: str | Sequence[str] | None = None,
        context: str | Sequence[str] | None = None,
    ) -> list[Prediction]: ...

    def predict(
        self,
        texts: str | Iterable[str],
        target: str | Sequence[str] | None = None,
        context: str | Sequence[str] | None = None,
    ) -> Prediction | list[Prediction]:
        """Tell the stance of one text or of many.

        Parameters
        ----------
        texts : str or iterable of str
            One sentence, or many.
        target : str or sequence of str, default="missile defence"
            What the stance is toward: one for all, or one a text.
        context : str or sequence of str, default=""
            What stands before the sentence: one for all, or one a text.

        Returns
        -------
        Prediction or list of Prediction
            One for one text; for many a list, in their order.

        Raises
        ------
        InputError
            A text is empty or no string (its number is named), or lengths differ.

        Warns
        -----
        TruncationWarning
            A text is longer than the model reads.
        """
        single = isinstance(texts, str)
        inputs = _as_columns([texts] if isinstance(texts, str) else texts, target, context)
        predictions = self._predict(inputs)
        return predictions[0] if single else predictions

    def predict_proba(
        self,
        texts: Iterable[str],
        target: str | Sequence[str] | None = None,
        context: str | Sequence[str] | None = None,
    ) -> Probabilities:
        """Return probabilities, shape (n, 3), columns in `LABELS` order; parameters as in `predict`."""
        return self._probabilities(_as_columns([texts] if isinstance(texts, str) else texts, target, context))

    def stream(self, rows: Iterable[str | Mapping[str, Any]]) -> Iterator[Prediction]:
        """Yield one prediction a row, in order, in constant memory.

        Parameters
        ----------
        rows : iterable of str or mapping
            Texts, or mappings with `text` and, where wanted, `target` and `context`.
        """
        if isinstance(rows, str | bytes | Mapping) or hasattr(rows, "columns"):
            raise InputError(f"expected an iterable of texts or mappings, not one {type(rows).__name__}")
        iterator = iter(rows)
        start = 0
        while batch := list(itertools.islice(iterator, _STREAM_BATCH)):
            cells = [_as_cells(row, start + number) for number, row in enumerate(batch)]
            texts, targets, contexts = (list(column) for column in zip(*cells, strict=True))
            yield from self._predict(_as_columns(texts, targets, contexts, start))
            start += len(batch)

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write a model folder that `from_pretrained` loads; an earlier model folder there is replaced.

        Raises
        ------
        ModelError
            `folder` holds anything else, or cannot be written.
        """
        with new_folder(Path(folder), "model") as work:
            (work / "model").mkdir()
            self.classifier.save(work / "model")
            if self.card:
                (work / CARD).write_text(self.card, encoding="utf-8")
            facts = {key: value for key, value in self.manifest.items() if key not in {"files", "content"}}
            write_manifest(work, {**facts, "kind": self.classifier.kind, "name": self.name}, "model")

    def push_to_hub(self, name: str, *, private: bool = False) -> str:
        """Upload the model folder to the Hugging Face hub as repository `name` and return its address.

        Raises
        ------
        MissingExtraError
            huggingface-hub is not installed.
        ModelError
            The hub refused it.
        """
        try:
            from huggingface_hub import HfApi
        except ImportError:
            raise missing_extra("huggingface-hub", "train") from None
        import tempfile

        with tempfile.TemporaryDirectory() as parent:
            folder = Path(parent) / "model"
            self.save_pretrained(folder)
            try:
                api = HfApi()
                api.create_repo(name, private=private, exist_ok=True)
                return str(api.upload_folder(repo_id=name, folder_path=folder))
            except Exception as error:  # the hub's client raises its own, requests' and the socket's errors
                raise ModelError(f'cannot upload to "{name}": {error}') from None

    def _predict(self, inputs: Inputs) -> list[Prediction]:
        rows = self._probabilities(inputs).tolist()
        return [
            Prediction.from_probabilities(text, about, row)
            for text, about, row in zip(inputs.texts, inputs.targets, rows, strict=True)
        ]

    def _probabilities(self, inputs: Inputs) -> Probabilities:
        if not inputs.texts:
            return np.zeros((0, len(LABELS)))
        cut = sum(len(text) > MAX_CHARACTERS for text in inputs.texts)
        shortened = Inputs([text[:MAX_CHARACTERS] for text in inputs.texts], inputs.targets, inputs.contexts)
        truncated = max(cut, self.classifier.count_truncated(shortened))
        if truncated:
            warnings.warn(
                f"{truncated} of {len(inputs.texts)} texts are longer than the model reads; their ends were left out",
                TruncationWarning,
                stacklevel=4,
            )
        return self.classifier.predict_proba(shortened)


def _as_columns(
    texts: Iterable[Any], target: str | Sequence[str] | None, context: str | Sequence[str] | None, start: int = 0
) -> Inputs:
    if isinstance(texts, bytes | Mapping) or hasattr(texts, "columns") or not isinstance(texts, Iterable):
        raise InputError(f"expected a text or an iterable of texts, not {type(texts).__name__}")
    column = list(texts)
    for number, text in enumerate(column, start):
        if not isinstance(text, str):
            raise InputError(f"text {number} must be a string, not {text!r:.60} ({type(text).__name__})")
        if not text.strip():
            raise InputError(f"text {number} is empty; leave it out")
    targets = _repeat("target", target, DEFAULT_TARGET, len(column))
    for number, about in enumerate(targets):
        if not about.strip():
            raise InputError(f"target {number} is empty; name what the stance is toward")
    return Inputs(column, targets, _repeat("context", context, "", len(column)))


def _repeat(name: str, value: str | Sequence[str] | None, default: str, n: int) -> list[str]:
    if value is None or isinstance(value, str):
        return [default if value is None else value] * n
    if not isinstance(value, Iterable):
        raise InputError(f"{name} must be a string, or one string a text, not {value!r:.60}")
    values = list(value)
    if len(values) != n:
        raise InputError(f"{len(values)} {name}s for {n} texts; give one for all, or one a text")
    for number, item in enumerate(values):
        if not isinstance(item, str):
            raise InputError(f"{name} {number} must be a string, not {item!r:.60} ({type(item).__name__})")
    return values


def _as_cells(row: str | Mapping[str, Any], number: int) -> tuple[str, str, str]:
    if isinstance(row, str):
        return row, DEFAULT_TARGET, ""
    if not isinstance(row, Mapping) or "text" not in row:
        raise InputError(f"row {number} must be a text, or a mapping with a text, not {row!r:.60}")
    return row["text"], row.get("target") or DEFAULT_TARGET, row.get("context") or ""


def _download(name: str) -> Path:
    missing = f"no model folder {name}"
    parts = name.split("/")
    if len(parts) != 2 or not all(part and part.strip(".") for part in parts):
        raise ModelError(f"{missing}; train one with: stance train configs/linear.yaml")
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise ModelError(f'{missing}; to look on the hub: pip install "stancekit[train]"') from None
    try:
        return Path(snapshot_download(name, ignore_patterns=[".gitattributes"]))
    except Exception as error:  # the hub's client raises its own, requests' and the socket's errors
        reason = str(error).strip().split("\n")[0]
        raise ModelError(f"{missing}, and the hub did not give it: {json.dumps(reason)[1:-1]}") from None
