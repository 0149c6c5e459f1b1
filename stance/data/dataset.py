"""Examples -> `datasets` objects, and back from disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stance.errors import DataError, missing_extra
from stance.labels import LABELS, Example

if TYPE_CHECKING:
    import datasets

COLUMNS = (
    "id", "text", "target", "label", "context", "holder", "document_id", "position", "date", "source",
)  # fmt: skip


def as_rows(examples: Sequence[Example]) -> list[dict[str, Any]]:
    """Return one dict an example: the ten columns, then every metadata key that occurs in any of them."""
    extra = sorted({key for example in examples for key in example.metadata})
    rows = []
    for example in examples:
        fields = asdict(example)
        rows.append({name: fields[name] for name in COLUMNS} | {k: example.metadata.get(k, "") for k in extra})
    return rows


def to_dataset(examples: Sequence[Example], keys: Sequence[str]) -> datasets.Dataset:
    """Return a `Dataset` with `label` a `ClassLabel` of `LABELS` and the metadata columns `keys`."""
    try:
        import datasets
    except ImportError:
        raise missing_extra("datasets", "train") from None
    features = {name: datasets.Value("string") for name in (*COLUMNS, *keys)}
    features["label"] = datasets.ClassLabel(names=list(LABELS))
    features["position"] = datasets.Value("int32")
    rows = [{name: row.get(name, "") for name in features} for row in as_rows(examples)]
    return datasets.Dataset.from_list(rows, features=datasets.Features(features))


def to_dataset_dict(splits: Mapping[str, Sequence[Example]]) -> datasets.DatasetDict:
    """Return one `Dataset` a split, all with the same columns."""
    try:
        import datasets
    except ImportError:
        raise missing_extra("datasets", "train") from None
    keys = sorted({key for part in splits.values() for example in part for key in example.metadata})
    return datasets.DatasetDict({name: to_dataset(part, keys) for name, part in splits.items()})


def load_saved(folder: Path) -> Any:
    """Load what `save_to_disk` of `datasets` wrote."""
    try:
        import datasets
    except ImportError:
        raise missing_extra("datasets", "train") from None
    try:
        return datasets.load_from_disk(str(folder))
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise DataError(f"{folder} was written by save_to_disk, yet does not load: {error}") from None
