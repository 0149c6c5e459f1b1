"""The dataset module: sources -> labelled sentence examples -> splits."""

from stance.data.build import build_dataset, build_splits, collect_findings, fingerprint
from stance.data.checks import Finding, check_examples, check_splits
from stance.data.corpus import add_context
from stance.data.readers import read_examples
from stance.data.splits import near_duplicates, split_examples

__all__ = [
    "Finding",
    "add_context",
    "build_dataset",
    "build_splits",
    "check_examples",
    "check_splits",
    "collect_findings",
    "fingerprint",
    "near_duplicates",
    "read_examples",
    "split_examples",
]
