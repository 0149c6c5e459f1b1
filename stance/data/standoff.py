"""Labels for text that is public but not ours: pointers and labels here, the text joined from the reader's own copy.

A stand-off file is JSONL, one annotated sentence a line: `id`, `label`, `target`, `holder`, `document_id`, `date`;
`source`,
a public repository as owner/name or `pypi:` and a package; `path` and `commit` of the file there; `start` and `end`,
character offsets after HTML entities and literal backslash-n are undone (none: found by hash in a copy alone); and
`sha1` of the sentence's letters and digits. None of the text.
"""

from __future__ import annotations

import hashlib
import html
import importlib.metadata
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from stance.config import Label, explain
from stance.data.readers import read_json_lines
from stance.errors import DataError
from stance.labels import DEFAULT_TARGET, Example


class Annotation(BaseModel):
    """One labelled sentence of somebody else's text; the fields are those of the file."""

    model_config = ConfigDict(frozen=True)

    id: str
    label: Label
    source: str
    path: str
    start: int | None = Field(default=None, ge=0)
    end: int | None = None
    sha1: str = Field(pattern="^[0-9a-f]{40}$")
    target: str = DEFAULT_TARGET
    holder: str = ""
    document_id: str = ""
    commit: str = ""
    date: str = ""

    @model_validator(mode="after")
    def _stay_inside(self) -> Annotation:
        if (self.start is None) != (self.end is None) or (self.end or 1) <= (self.start or 0):
            raise ValueError("start and end come together, and end is the larger")
        if Path(self.path).is_absolute() or ".." in Path(self.path).parts:
            raise ValueError(f'the path "{self.path}" leads out of its source')
        return self


@dataclass(frozen=True, slots=True)
class Hydrated:
    """The sentences whose text was found and has the right hash, and the count of the others by (source, reason)."""

    examples: list[Example]
    missing: Counter[tuple[str, str]]


def read_annotations(path: Path) -> list[tuple[str, Annotation]]:
    """Read a stand-off file, or all `.jsonl` files of a folder: where each annotation stands, and the annotation.

    Raises
    ------
    DataError
        A file cannot be read, or a line lacks a field or has a wrong one; the line is named.
    """
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not files or not all(file.is_file() for file in files):
        raise DataError(f"no stand-off labels at {path}; name a JSONL file or a folder of them")
    annotations = []
    for file in files:
        for where, row in read_json_lines(file):
            try:
                annotations.append((where, Annotation.model_validate(row)))
            except ValidationError as error:
                raise DataError(f"{where}: {explain(error)}") from None
    return annotations


def hydrate(annotations: Iterable[tuple[str, Annotation]], texts: Sequence[Path]) -> Hydrated:
    """Join annotations with their texts.

    A text is taken from a JSONL copy (`text` and, where there, `context`) below `texts`, found by its hash; or cut out
    of the source's file, in a clone below `texts` (as owner/name or name) or in an installed package. A text
    with another hash is left out and counted: nothing is guessed.

    Parameters
    ----------
    annotations : iterable of (str, Annotation)
        See `read_annotations`.
    texts : sequence of path
        JSONL files, folders of JSONL files, and folders of clones; those that do not exist are passed over.
    """
    copies = _read_copies(texts)
    files: dict[tuple[str, str], str | None] = {}
    examples, missing = [], Counter[tuple[str, str]]()
    for where, annotation in annotations:
        found = copies.get(annotation.sha1)
        if found is None:
            key = (annotation.source, annotation.path)
            if key not in files:
                files[key] = _read_source_file(annotation, texts)
            whole = files[key]
            if whole is None:
                missing[annotation.source, "not found"] += 1
                continue
            found = (whole[annotation.start : annotation.end], "")  # the whole file where there are no offsets
            if text_hash(found[0]) != annotation.sha1:
                missing[annotation.source, "another version"] += 1
                continue
        text, context = found
        examples.append(
            Example(
                id=annotation.id,
                text=" ".join(text.split()),
                target=annotation.target,
                label=annotation.label,
                context=context,
                holder=annotation.holder,
                document_id=annotation.document_id,
                date=annotation.date,
                source=annotation.source,
                location=where,
            )
        )
    return Hydrated(examples, missing)


def text_hash(text: str) -> str:
    """Return the sha1 of the lower-case text's letters and digits (a-z, 0-9), which no change of spacing alters."""
    return hashlib.sha1(re.sub("[^a-z0-9]+", "", text.lower()).encode(), usedforsecurity=False).hexdigest()


def read_held_out(paths: Sequence[Path]) -> tuple[set[str], set[tuple[str, str]]]:
    """Return the hashes and the (source, path) documents that the files list: what nobody may train on."""
    hashes, documents = set(), set()
    for path in paths:
        try:
            for where, row in read_json_lines(path):
                if not isinstance(row.get("sha1"), str):
                    raise DataError(f"{where}: a held-out line needs the key sha1")
                hashes.add(row["sha1"])
                if row.get("source") and row.get("path"):
                    documents.add((str(row["source"]), str(row["path"])))
        except OSError as error:
            raise DataError(f"cannot read {path}: {error.strerror}") from None
    return hashes, documents


def clean_source(text: str) -> str:
    """Undo HTML entities and literal backslash-n, as the offsets do."""
    return html.unescape(text).replace("\\n", "\n")


def _read_copies(texts: Sequence[Path]) -> dict[str, tuple[str, str]]:
    found = {}
    for place in texts:
        for path in sorted(place.glob("*.jsonl")) if place.is_dir() else [place] * place.is_file():
            for _, row in read_json_lines(path):
                if isinstance(row.get("text"), str):
                    found[text_hash(row["text"])] = (row["text"], str(row.get("context") or ""))
    return found


def _read_source_file(annotation: Annotation, texts: Sequence[Path]) -> str | None:
    for path in _places(annotation, texts):
        if path.is_file():
            return clean_source(path.read_text(encoding="utf-8", errors="replace"))
    return None


def _places(annotation: Annotation, texts: Sequence[Path]) -> Iterator[Path]:
    if annotation.source.startswith("pypi:"):
        try:
            package = importlib.metadata.distribution(annotation.source.removeprefix("pypi:"))
        except importlib.metadata.PackageNotFoundError:
            return
        yield Path(str(package.locate_file(annotation.path)))
        return
    for folder in texts:
        yield folder / annotation.source / annotation.path
        yield folder / annotation.source.rpartition("/")[2] / annotation.path


def describe_missing(missing: Mapping[tuple[str, str], int]) -> str:
    """Return one line a source: how many sentences lack their text, and why."""
    return "\n".join(f"{count} of {source}: {reason}" for (source, reason), count in sorted(missing.items()))


def as_copy(example: Example) -> str:
    """Return the JSONL line that `hydrate` finds again by its hash."""
    return json.dumps(
        {"sha1": text_hash(example.text), "text": example.text, "context": example.context}, ensure_ascii=False
    )
