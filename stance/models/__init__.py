"""The classifiers, by the name that configs and model folders call them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stance.errors import ConfigError, ModelError, nearest
from stance.models.base import Inputs, StanceClassifier, as_inputs, check_parameters
from stance.models.embedding import EmbeddingClassifier
from stance.models.exported import ExportedClassifier
from stance.models.linear import LinearClassifier
from stance.models.store import check_manifest
from stance.models.transformer import TransformerClassifier

REGISTRY: dict[str, type[StanceClassifier]] = {
    classifier.kind: classifier
    for classifier in (LinearClassifier, EmbeddingClassifier, TransformerClassifier, ExportedClassifier)
}


def make_classifier(kind: str, parameters: Mapping[str, Any], seed: int | None = None) -> StanceClassifier:
    """Return an unfitted classifier.

    Raises
    ------
    ConfigError
        There is no such kind, or a parameter is unknown or wrong.
    """
    if kind not in REGISTRY:
        known = ", ".join(REGISTRY)
        raise ConfigError(f'model.kind: no classifier "{kind}"{nearest(kind, REGISTRY)} (known: {known})')
    classifier = REGISTRY[kind]
    return classifier(**{"random_state": seed, **check_parameters(classifier, parameters)})


def load_classifier(folder: Path) -> tuple[StanceClassifier, dict[str, Any]]:
    """Load the classifier of a model folder, and its manifest.

    Raises
    ------
    ModelError
        Anything in the folder is missing, changed or unknown.
    """
    manifest = check_manifest(folder)
    kind = manifest["kind"]
    if kind not in REGISTRY:
        raise ModelError(f'{folder} holds a model of kind "{kind}", which this version does not know')
    try:
        return REGISTRY[kind].load(folder / "model"), manifest
    except ModelError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, ConfigError) as error:
        message = f"{folder / 'model'} lacks what a {kind} model needs ({error}); train or download the model again"
        raise ModelError(message) from None


__all__ = [
    "REGISTRY",
    "EmbeddingClassifier",
    "ExportedClassifier",
    "Inputs",
    "LinearClassifier",
    "StanceClassifier",
    "TransformerClassifier",
    "as_inputs",
    "load_classifier",
    "make_classifier",
]
