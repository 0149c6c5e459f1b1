"""stancekit: which side a sentence takes toward a target - agree, disagree or neutral.

Names are imported when they are first used, so that `import stance` stays fast and free of torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from stance.labels import LABELS, Example, Prediction

if TYPE_CHECKING:
    from stance.articles import analyse_article
    from stance.data import build_dataset
    from stance.evaluation import Evaluation, evaluate
    from stance.predictor import StancePredictor
    from stance.training import Run, train

__version__ = "0.1.0"

__all__ = [
    "LABELS",
    "Evaluation",
    "Example",
    "Prediction",
    "Run",
    "StancePredictor",
    "analyse_article",
    "build_dataset",
    "evaluate",
    "train",
]

_HOMES = {
    "Evaluation": "stance.evaluation",
    "Run": "stance.training",
    "StancePredictor": "stance.predictor",
    "analyse_article": "stance.articles",
    "build_dataset": "stance.data",
    "evaluate": "stance.evaluation",
    "train": "stance.training",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'stance' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
