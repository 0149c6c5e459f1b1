"""How good a model is, with intervals, and where it errs."""

from stance.evaluation.bootstrap import bootstrap_intervals
from stance.evaluation.evaluate import Evaluation, evaluate, summarise_predictions
from stance.evaluation.metrics import compute_metrics, confusion, expected_calibration_error

__all__ = [
    "Evaluation",
    "bootstrap_intervals",
    "compute_metrics",
    "confusion",
    "evaluate",
    "expected_calibration_error",
    "summarise_predictions",
]
