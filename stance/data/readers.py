"""Files and `datasets` objects -> examples, with columns and labels renamed on the way."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from stance.errors import DataError, nearest
from stance.labels import DEFAULT_TARGET, LABELS, Example

SUFFIXES = (".csv", ".jsonl", ".parquet")
_FIELDS = tuple(field.name for field in fields(Example) if field.name not in {"metadata", "location"})

Row = tuple[str, Mapping[str, Any]]
"""Where a row stands ("corpus.csv, row 12"), and its columns."""


def read_examples(
    source: Any,
    *,
    columns: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    target: str = DEFAULT_TARGET,
    problems: list[DataError] | None = None,
) -> list[Example]:
    """Read labelled (or unlabelled) sentences.

    Parameters
    ----------
    source : path or datasets.Dataset
        A UTF-8 CSV, JSONL or Parquet file; a folder of such files, read in order of their names; a folder
        written by `Dataset.save_to_disk`; or a `datasets.Dataset` in memory. Only a `text` column is needed.
    columns : mapping of str to str, default=None
        Our column name -> the file's, where they differ: `{"text": "sentence"}`.
    labels : mapping of str to str, default=None
        The file's label -> one of `LABELS`. Where given, a label outside it is an error.
    target : str, default="missile defence"
        The target of rows that name none.
    problems : list of DataError, default=None
        Where given, a bad row is left out and its error added here, instead of raised.

    Returns
    -------
    list of Example
        In the order of the file. A column that is none of ours goes into `Example.metadata`.

    Raises
    ------
    DataError
        The file cannot be read, lacks the text column, or a row is bad; names file, row and value.
    """
    columns = dict(columns or {})
    parse = _parser(columns, labels or {}, target)
    examples = []
    for where, row in _rows(source, columns.get("text", "text")):
        try:
            examples.append(parse(where, row))
        except DataError as error:
            if problems is None:
                raise
            problems.append(error)
    return examples


def _parser(
    columns: Mapping[str, str], labels: Mapping[str, str], target: str
) -> Callable[[str, Mapping[str, Any]], Example]:
    theirs = {ours: columns.get(ours, ours) for ours in _FIELDS}
    taken = set(theirs.values())
    split = columns.get("split", "split")

    def parse(where: str, row: Mapping[str, Any]) -> Example:
        def text_of(name: str) -> str:
            value = row.get(theirs[name])
            if value is None:
                return ""
            if not isinstance(value, str | int) or isinstance(value, bool):
                raise DataError(f"{where}: {theirs[name]} must be text, not {value!r}")
            return str(value)

        text = row.get(theirs["text"])
        if not isinstance(text, str):
            raise DataError(f"{where}: {theirs['text']} must be text, not {text!r}; mend or drop the row")
        if not text.strip():
            raise DataError(f"{where}: {theirs['text']} is empty; mend or drop the row")
        return Example(
            id=text_of("id") or where.replace(", row ", ":"),
            text=text,
            target=text_of("target") or target,
            label=_label(where, theirs["label"], row.get(theirs["label"]), labels),
            context=text_of("context"),
            holder=text_of("holder"),
            document_id=text_of("document_id"),
            position=_position(where, theirs["position"], row.get(theirs["position"])),
            date=text_of("date"),
            source=text_of("source"),
            metadata={
                "split" if key == split else key: _as_text(value)
                for key, value in row.items()
                if key not in taken and value is not None
            },
            location=where,
        )

    return parse


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _label(where: str, column: str, value: Any, labels: Mapping[str, str]) -> str | None:
    if value is None or value == "" or value != value:  # NaN is how tables of numbers say that nothing is there
        return None
    given = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    known = labels or {label: label for label in LABELS}
    if given not in known:
        remedy = "mend it" if labels else "mend it or give a label mapping"
        raise DataError(
            f'{where}: unknown label "{given}" in column {column}{nearest(given, known)} '
            f"(known: {', '.join(known)}); {remedy}"
        )
    return known[given]


def _position(where: str, column: str, value: Any) -> int:
    if value is None or value == "":
        return 0
    try:
        position = int(value)
    except (TypeError, ValueError):
        position = -1
    if position < 0:
        raise DataError(f"{where}: {column} must be a whole number from 0, not {value!r}")
    return position


def _rows(source: Any, text_column: str) -> Iterator[Row]:
    if hasattr(source, "column_names"):
        yield from _dataset_rows(source, text_column, "dataset")
        return
    path = Path(os.fspath(source))
    if path.is_dir():
        yield from _folder_rows(path, text_column)
        return
    readers = {".csv": _csv_rows, ".jsonl": _jsonl_rows, ".parquet": _parquet_rows}
    if path.suffix not in readers:
        known = ", ".join(SUFFIXES)
        if not path.exists():
            raise DataError(f"no file {path}; name a file that exists ({known}) or a folder of such files")
        raise DataError(f'{path}: cannot read "{path.suffix or path.name}" files; convert it to one of {known}')
    try:
        if path.stat().st_size == 0:
            raise DataError(f"{path} is empty; it needs a {text_column} column and at least one row")
        yield from readers[path.suffix](path, text_column)
    except FileNotFoundError:
        beside = [entry.name for entry in path.parent.glob("*.*")] if path.parent.is_dir() else []
        raise DataError(f"no file {path}{nearest(path.name, beside)}") from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 (byte 0x{error.object[error.start]:02x}); "
            "convert it, for example with: iconv -f WINDOWS-1252 -t UTF-8"
        ) from None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None


def _folder_rows(folder: Path, text_column: str) -> Iterator[Row]:
    if (folder / "state.json").exists() or (folder / "dataset_dict.json").exists():
        from stance.data.dataset import load_saved

        yield from _dataset_rows(load_saved(folder), text_column, str(folder))
        return
    files = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)
    if not files:
        raise DataError(f"{folder} is a folder without {', '.join(SUFFIXES)} files")
    for file in files:
        yield from _rows(file, text_column)


def _csv_rows(path: Path, text_column: str) -> Iterator[Row]:
    csv.field_size_limit(2**27)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        try:
            _require(path, text_column, reader.fieldnames or [])
            for number, row in enumerate(reader, start=2):
                if None in row:
                    raise DataError(
                        f"{path}, row {number}: more fields than the header has; quote the text that holds a comma"
                    )
                yield f"{path}, row {number}", row
        except csv.Error as error:
            raise DataError(f"{path}, line {reader.line_num}: {error}; mend the quotation marks there") from None


def _jsonl_rows(path: Path, text_column: str) -> Iterator[Row]:
    for number, (where, row) in enumerate(read_json_lines(path)):
        if not number:
            _require(path, text_column, row)
        yield where, row


def read_json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the place and the object of each line that is not blank.

    Raises
    ------
    DataError
        A line is not JSON, or no object.
    """
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            where = f"{path}, row {number}"
            try:
                row = json.loads(line)
            except ValueError as error:
                raise DataError(f"{where}: not JSON ({error}); write one object a line") from None
            if not isinstance(row, dict):
                raise DataError(f"{where}: expected an object, not {line.strip()[:40]}")
            yield where, row


def _parquet_rows(path: Path, text_column: str) -> Iterator[Row]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            _require(path, text_column, file.schema_arrow.names)
            number = 0
            for batch in file.iter_batches(batch_size=4096):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{path}, row {number}", row
    except pyarrow.ArrowInvalid as error:
        raise DataError(f"{path} is not a Parquet file that can be read: {error}") from None


def _dataset_rows(dataset: Any, text_column: str, name: str) -> Iterator[Row]:
    if isinstance(dataset, dict):  # a DatasetDict: its keys are the splits
        for split, part in dataset.items():
            for where, row in _dataset_rows(part, text_column, f"{name}[{split}]"):
                yield where, {"split": split, **row}
        return
    _require(Path(name), text_column, dataset.column_names)
    class_labels = {key: value for key, value in dataset.features.items() if hasattr(value, "int2str")}
    for number, row in enumerate(dataset):
        for key, feature in class_labels.items():
            row[key] = None if row[key] is None or row[key] < 0 else feature.int2str(row[key])
        yield f"{name}, row {number}", row


def _require(path: Path, text_column: str, names: Iterable[str]) -> None:
    names = list(names)
    if text_column not in names:
        raise DataError(
            f'{path} has no column "{text_column}"{nearest(text_column, names)} (it has: {", ".join(names)}); '
            "rename it or map it: columns: {text: ...}"
        )
