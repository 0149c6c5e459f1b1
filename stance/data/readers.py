"""Files and `datasets` objects -> examples, with columns and labels renamed on the way."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any

from stance.errors import DataError, InputError, nearest
from stance.labels import DEFAULT_TARGET, LABELS, Example, is_unicode

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
    labels = {str(theirs): ours for theirs, ours in (labels or {}).items()}
    for ours in labels.values():
        if ours not in LABELS:
            raise InputError(f'labels: "{ours}" is none of {", ".join(LABELS)}')
    parse = _parser(columns, labels, target)
    examples = []
    empty = True
    for where, row in _rows(source, _Wanted(columns)):
        empty = False
        try:
            examples.append(parse(where, row))
        except DataError as error:
            if problems is None:
                raise
            problems.append(error)
    if empty:
        raise DataError(f"{source if isinstance(source, str | os.PathLike) else 'the data set'} has no rows")
    return examples


class _Wanted:
    """The columns that a file must have: the text's, and each that the config maps."""

    def __init__(self, columns: Mapping[str, str]) -> None:
        self.text = columns.get("text", "text")
        self.names = dict.fromkeys([self.text, *columns.values()])

    def check(self, where: Path | str, found: Iterable[str]) -> None:
        """Raise a `DataError` that names the first column that is missing or there twice."""
        names = list(found)
        for name in self.names:
            if name not in names:
                raise DataError(
                    f'{where} has no column "{name}"{nearest(name, names)} (it has: {", ".join(names)}); '
                    "rename it or map it: columns: {text: ...}"
                )
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise DataError(f'{where} has the column "{twice[0]}" twice; rename one')


def _parser(
    columns: Mapping[str, str], labels: Mapping[str, str], target: str
) -> Callable[[str, Mapping[str, Any]], Example]:
    theirs = {ours: columns.get(ours, ours) for ours in _FIELDS}
    taken = set(theirs.values())
    split = columns.get("split", "split")

    def parse(where: str, row: Mapping[str, Any]) -> Example:
        def text_of(name: str) -> str:
            value = row.get(theirs[name])
            if value is None or value != value:
                return ""
            if isinstance(value, date):
                return value.isoformat()
            if isinstance(value, float) and value.is_integer():
                value = int(value)
            if not isinstance(value, str | int) or isinstance(value, bool):
                raise DataError(f"{where}: {theirs[name]} must be text, not {value!r}")
            return str(value)

        text = row.get(theirs["text"])
        if not isinstance(text, str):
            raise DataError(f"{where}: {theirs['text']} must be text, not {text!r}; mend or drop the row")
        if not text.strip():
            raise DataError(f"{where}: {theirs['text']} is empty; mend or drop the row")
        if not all(is_unicode(value) for value in row.values() if isinstance(value, str)):
            raise DataError(f"{where}: half of a surrogate pair, which is no character; mend or drop the row")
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
                # a column that has our name and was not mapped is kept under another
                "split" if key == split else f"{key}_in_file" if key in theirs else key: _as_text(value)
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
        position = -1 if isinstance(value, bool) or (isinstance(value, float) and value % 1) else int(value)
    except (TypeError, ValueError, OverflowError):
        position = -1
    if position < 0:
        raise DataError(f"{where}: {column} must be a whole number from 0, not {value!r}")
    return position


def _rows(source: Any, wanted: _Wanted) -> Iterator[Row]:
    if hasattr(source, "column_names"):
        yield from _dataset_rows(source, wanted, "dataset")
        return
    path = Path(os.fspath(source))
    if path.is_dir():
        yield from _folder_rows(path, wanted)
        return
    readers = {".csv": _csv_rows, ".jsonl": _jsonl_rows, ".parquet": _parquet_rows}
    suffix = path.suffix.lower()
    if suffix not in readers:
        known = ", ".join(SUFFIXES)
        if not path.exists():
            raise DataError(f"no file {path}; name a file that exists ({known}) or a folder of such files")
        raise DataError(f'{path}: cannot read "{path.suffix or path.name}" files; convert it to one of {known}')
    try:
        if path.stat().st_size == 0:
            raise DataError(f"{path} is empty; it needs a {wanted.text} column and at least one row")
        yield from readers[suffix](path, wanted)
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


def _folder_rows(folder: Path, wanted: _Wanted) -> Iterator[Row]:
    if (folder / "state.json").exists() or (folder / "dataset_dict.json").exists():
        from stance.data.dataset import load_saved

        yield from _dataset_rows(load_saved(folder), wanted, str(folder))
        return
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not files:
        raise DataError(f"{folder} is a folder without {', '.join(SUFFIXES)} files")
    for file in files:
        yield from _rows(file, wanted)


def _csv_rows(path: Path, wanted: _Wanted) -> Iterator[Row]:
    csv.field_size_limit(2**27)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        try:
            wanted.check(path, reader.fieldnames or [])
            for row in reader:
                # the line where the row begins: line ends inside quotation marks belong to it
                cells = [cell for cell in row.values() if isinstance(cell, str)]
                number = reader.line_num - sum(cell.count("\n") for cell in cells)
                if None in row:
                    raise DataError(
                        f"{path}, row {number}: more fields than the header has; quote the text that holds a comma"
                    )
                yield f"{path}, row {number}", row
        except csv.Error as error:
            raise DataError(f"{path}, line {reader.line_num}: {error}; mend the quotation marks there") from None


def _jsonl_rows(path: Path, wanted: _Wanted) -> Iterator[Row]:
    seen: dict[str, None] = {}
    for number, (where, row) in enumerate(read_json_lines(path)):
        if not number and wanted.text not in row:
            wanted.check(path, row)
        seen.update(dict.fromkeys(row))
        yield where, row
    if seen:  # a key may be left out where it has no value, but not everywhere
        wanted.check(path, seen)


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
            except (ValueError, RecursionError) as error:
                raise DataError(f"{where}: not JSON ({error}); write one object a line") from None
            if not isinstance(row, dict):
                raise DataError(f"{where}: expected an object, not {line.strip()[:40]}")
            yield where, row


def _parquet_rows(path: Path, wanted: _Wanted) -> Iterator[Row]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            wanted.check(path, file.schema_arrow.names)
            number = 0
            for batch in file.iter_batches(batch_size=4096):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{path}, row {number}", row
    except pyarrow.ArrowInvalid as error:
        raise DataError(f"{path} is not a Parquet file that can be read: {error}") from None


def _dataset_rows(dataset: Any, wanted: _Wanted, name: str) -> Iterator[Row]:
    if isinstance(dataset, dict):  # a DatasetDict: its keys are the splits
        for split, part in dataset.items():
            for where, row in _dataset_rows(part, wanted, f"{name}[{split}]"):
                yield where, {"split": split, **row}
        return
    wanted.check(name, dataset.column_names or dataset.features or next(iter(dataset), {}))
    class_labels = {key: value for key, value in (dataset.features or {}).items() if hasattr(value, "int2str")}
    for number, row in enumerate(dataset.with_format(None) if hasattr(dataset, "set_format") else dataset):
        for key, feature in class_labels.items():
            row[key] = None if row[key] is None or row[key] < 0 else feature.int2str(row[key])
        yield f"{name}, row {number}", row
