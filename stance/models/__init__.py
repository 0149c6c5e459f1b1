"""The classifiers, by the name that configs and model folders call them; each is imported when it is first used."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stance.errors import ConfigError, ModelError, nearest
from stance.models.inputs import Classifier, Inputs, as_inputs
from stance.models.store import check_manifest

if TYPE_CHECKING:
    from stance.models.base import StanceClassifier
    from stance.models.embedding import EmbeddingClassifier
    from stance.models.exported import ExportedClassifier
    from stance.models.linear import LinearClassifier
    from stance.models.transformer import TransformerClassifier

TRAINED = {"linear": "LinearClassifier", "embedding": "EmbeddingClassifier", "transformer": "TransformerClassifier"}
"""What a config can name: the module in `stance.models` and the class in it."""
LOADED = {**TRAINED, "exported": "ExportedClassifier"}
"""What a model folder can hold."""


def find_classifier(kind: str) -> type[StanceClassifier]:
    """Return the class of a classifier that is trained from a config.

    Raises
    ------
    ConfigError
        There is no such kind; the nearest is named.
    """
    if kind not in TRAINED:
        known = ", ".join(TRAINED)
        raise ConfigError(f'model.kind: no classifier "{kind}"{nearest(kind, TRAINED)} (known: {known})')
    found: type[StanceClassifier] = _class(kind)
    return found


def make_classifier(kind: str, parameters: Mapping[str, Any], seed: int | None = None) -> StanceClassifier:
    """Return an unfitted classifier.

    Raises
    ------
    ConfigError
        There is no such kind, or a parameter is unknown or wrong.
    """
    from stance.models.base import check_parameters

    classifier = find_classifier(kind)
    return classifier(**{"random_state": seed, **check_parameters(classifier, parameters)})


def load_classifier(folder: Path) -> tuple[Classifier, dict[str, Any]]:
    """Load the classifier of a model folder, and its manifest.

    Raises
    ------
    ModelError
        Anything in the folder is missing, changed or unknown.
    """
    manifest = check_manifest(folder)
    kind = manifest["kind"]
    if kind not in LOADED:
        raise ModelError(f'{folder} holds a model of kind "{kind}", which this version does not know')
    try:
        return _class(kind).load(folder / "model"), manifest
    except ModelError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, OSError, ConfigError) as error:
        message = f"{folder / 'model'} lacks what a {kind} model needs ({error}); train or download the model again"
        raise ModelError(message) from None


def _class(kind: str) -> Any:
    return getattr(importlib.import_module(f"stance.models.{kind}"), LOADED[kind])


def __getattr__(name: str) -> Any:
    if name == "StanceClassifier":
        return importlib.import_module("stance.models.base").StanceClassifier
    for kind, class_name in LOADED.items():
        if name == class_name:
            return _class(kind)
    raise AttributeError(f"module 'stance.models' has no attribute {name!r}")


__all__ = [
    "LOADED",
    "TRAINED",
    "Classifier",
    "EmbeddingClassifier",
    "ExportedClassifier",
    "Inputs",
    "LinearClassifier",
    "StanceClassifier",
    "TransformerClassifier",
    "as_inputs",
    "find_classifier",
    "load_classifier",
    "make_classifier",
]
