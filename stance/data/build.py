"""A config's sources -> checked examples in three splits."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from stance.config import SPLITS, DataConfig, SourceConfig, TrainConfig, load_config
from stance.data.checks import Finding, check_examples, check_splits
from stance.data.corpus import add_context
from stance.data.dataset import as_rows, to_dataset_dict
from stance.data.readers import read_examples
from stance.data.splits import split_examples
from stance.data.standoff import hydrate, read_annotations, read_held_out, text_hash
from stance.errors import DataError, MissingTextWarning
from stance.labels import Example

if TYPE_CHECKING:
    import datasets


def build_dataset(config: str | os.PathLike[str] | TrainConfig | DataConfig) -> datasets.DatasetDict:
    """Read, check and split what a config names.

    Parameters
    ----------
    config : path, TrainConfig or DataConfig
        A config file, or what was loaded from one.

    Returns
    -------
    datasets.DatasetDict
        `train`, `validation` and `test` with the columns id, text, target, label (a `ClassLabel` of `LABELS`),
        context, holder, document_id, position, date and source, then any others of the sources.

    Raises
    ------
    ConfigError, DataError
        The config or a source is wrong; the message names file, row and remedy.
    MissingExtraError
        `datasets` is not installed.
    """
    return to_dataset_dict(build_splits(_data_config(config)))


def build_splits(config: DataConfig) -> dict[str, list[Example]]:
    """Do the work of `build_dataset` without the package `datasets`: three lists of examples.

    Raises
    ------
    DataError
        A source cannot be read, or `check_examples` or `check_splits` finds an error.
    """
    examples: list[tuple[Example, str | None]] = []
    for source in config.sources:
        examples += _read_source(source, config.held_out)
    _refuse(_check_held_out([example for example, _ in examples], config.held_out))
    _refuse(check_examples([example for example, _ in examples], config.max_words))
    fractions: dict[str, float] = {name: float(getattr(config.splits, name)) for name in SPLITS}
    splits: dict[str, list[Example]] = {name: [] for name in SPLITS}
    free = []
    for example, split in examples:
        splits[split].append(example) if split else free.append(example)
    if free:
        for name, part in split_examples(free, fractions, config.seed).items():
            splits[name] += part
    if len(free) < len(examples):  # splits that others drew may leak
        _refuse(check_splits(splits))
    return splits


def collect_findings(config: DataConfig) -> tuple[list[Example], list[Finding]]:
    """Read all sources to the end and return every good example and everything found wrong, row by row."""
    problems: list[DataError] = []
    read: list[tuple[Example, str | None]] = []
    for source in config.sources:
        read += _read_source(source, config.held_out, problems)
    examples = [example for example, _ in read]
    findings = [_finding(problem) for problem in problems] + check_examples(examples, config.max_words)
    findings += _check_held_out(examples, config.held_out)
    fixed: dict[str, list[Example]] = {}
    for example, split in read:
        if split:
            fixed.setdefault(split, []).append(example)
    return examples, findings + check_splits(fixed)


def fingerprint(splits: Mapping[str, Sequence[Example]]) -> str:
    """Return the sha256 over every split's rows, so that a run can say which data it saw."""
    digest = hashlib.sha256()
    for name, part in splits.items():
        for row in as_rows(part):
            digest.update(json.dumps([name, row], sort_keys=True, ensure_ascii=False).encode())
    return digest.hexdigest()


def _data_config(config: str | os.PathLike[str] | TrainConfig | DataConfig) -> DataConfig:
    if isinstance(config, DataConfig):
        return config
    return (config if isinstance(config, TrainConfig) else load_config(config)).data


def _read_source(
    source: SourceConfig, held_out: Sequence[Path], problems: list[DataError] | None = None
) -> list[tuple[Example, str | None]]:
    if source.texts is not None:
        return [(example, source.split) for example in _join_texts(source, source.texts, held_out)]
    columns: dict[str, str] = {str(ours): theirs for ours, theirs in source.columns.items()}
    examples = read_examples(
        source.path, columns=columns, labels=source.labels, target=source.target, problems=problems
    )
    placed = []
    for example in add_context(examples):
        named = example.metadata.get("split", "")
        if named and named not in SPLITS and not source.split:
            raise DataError(
                f'{example.location}: unknown split "{named}" (known: {", ".join(SPLITS)}); '
                "mend it, or map the column elsewhere"
            )
        metadata = {key: value for key, value in example.metadata.items() if key != "split"}
        placed.append((replace(example, metadata=metadata), source.split or named or None))
    return placed


def _join_texts(source: SourceConfig, texts: Sequence[Path], held_out: Sequence[Path]) -> list[Example]:
    hashes, documents = read_held_out(held_out)
    annotations = [
        (where, annotation)
        for where, annotation in read_annotations(source.path)
        if annotation.sha1 not in hashes and (annotation.source, annotation.path) not in documents
    ]
    hydrated = hydrate(annotations, texts)
    if hydrated.missing:
        count = hydrated.missing.total()
        warnings.warn(
            f"{count} of {len(annotations)} sentences labelled in {source.path} have no text on this machine and are "
            f"left out; bring it with: stance data hydrate {source.path} --from FOLDER",
            MissingTextWarning,
            stacklevel=2,
        )
    return hydrated.examples


def _check_held_out(examples: Sequence[Example], held_out: Sequence[Path]) -> list[Finding]:
    hashes, _ = read_held_out(held_out)
    message = "this sentence is held out for measuring; take it out of the training data"
    return [
        Finding("error", "leakage", example.location or example.id, message)
        for example in examples
        if hashes and text_hash(example.text) in hashes
    ]


def _refuse(findings: Sequence[Finding]) -> None:
    errors = [finding for finding in findings if finding.level == "error"]
    if errors:
        shown = "\n  ".join(str(error) for error in errors[:5])
        more = f"\n  ... and {len(errors) - 5} more; `stance data check` lists all" if len(errors) > 5 else ""
        raise DataError(f"the data has {len(errors)} error(s):\n  {shown}{more}")


def _finding(problem: DataError) -> Finding:
    where, _, message = str(problem).partition(": ")
    return Finding("error", "row", where, message or "cannot be read")
