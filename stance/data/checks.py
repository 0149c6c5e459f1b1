"""What is wrong with a collection, each finding with its file and row."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from stance.data.splits import SHORTEST, near_duplicates
from stance.labels import Example


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong: an `error` spoils training or measuring, a `warning` deserves a look."""

    level: Literal["error", "warning"]
    kind: str
    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.level}: {self.where}: {self.message} [{self.kind}]"


def check_examples(examples: Sequence[Example], max_words: int = 200) -> list[Finding]:
    """Check each example, and the examples against one another.

    Errors: no label, more than `max_words` words, an id that occurs twice, one sentence with one target and two
    labels. Warnings: a sentence that is there twice, control characters.
    """
    return [
        *_single(examples, max_words),
        *_repeated_ids(examples),
        *_repeated_sentences(examples),
    ]


def check_splits(splits: Mapping[str, Sequence[Example]]) -> list[Finding]:
    """Check that no document and no near-duplicate sentence stands in two splits (leakage: an error)."""
    return [*_shared_documents(splits), *_shared_sentences(splits)]


def _single(examples: Sequence[Example], max_words: int) -> Iterator[Finding]:
    for example in examples:
        if example.label is None:
            yield Finding("error", "label", _where(example), "no label; label the row or drop it")
        words = len(example.text.split())
        if words > max_words:
            yield Finding(
                "error", "length", _where(example),
                f"{words} words, more than {max_words}; cut the text into sentences, or raise data.max_words",
            )  # fmt: skip
        if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", example.text):
            yield Finding("warning", "characters", _where(example), "control characters in the text")


def _repeated_ids(examples: Sequence[Example]) -> Iterator[Finding]:
    seen: dict[str, Example] = {}
    for example in examples:
        first = seen.setdefault(example.id, example)
        if first is not example:
            message = f'the id "{example.id}" stands at {_where(first)} too; give each row its own'
            yield Finding("error", "id", _where(example), message)


def _repeated_sentences(examples: Sequence[Example]) -> Iterator[Finding]:
    seen: dict[tuple[str, str], Example] = {}
    for example in examples:
        key = (_fold(example.text), example.target.lower())
        first = seen.setdefault(key, example)
        if first is example or len(example.text.split()) < SHORTEST:
            continue
        if first.label != example.label:
            message = f"same sentence as {_where(first)}, which says {first.label}, not {example.label}"
            yield Finding("error", "conflict", _where(example), message)
        else:
            yield Finding("warning", "duplicate", _where(example), f"same sentence as {_where(first)}")


def _shared_documents(splits: Mapping[str, Sequence[Example]]) -> Iterator[Finding]:
    homes: dict[str, dict[str, Example]] = defaultdict(dict)
    for name, part in splits.items():
        for example in part:
            if example.document_id:
                homes[example.document_id].setdefault(name, example)
    for document, found in homes.items():
        if len(found) > 1:
            first, second, *_ = found.values()
            yield Finding(
                "error", "leakage", _where(second),
                f'document "{document}" is in {" and ".join(found)} (there at {_where(first)}); keep it in one',
            )  # fmt: skip


def _shared_sentences(splits: Mapping[str, Sequence[Example]]) -> Iterator[Finding]:
    rows = [
        (name, example) for name, part in splits.items() for example in part if len(example.text.split()) >= SHORTEST
    ]
    for i, j in near_duplicates([example.text for _, example in rows]):
        (first_split, first), (split, example) = rows[i], rows[j]
        if first_split != split:
            message = f"nearly the same sentence is in {first_split} ({_where(first)}) and {split}; keep one"
            yield Finding("error", "leakage", _where(example), message)


def _fold(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _where(example: Example) -> str:
    return example.location or f'example "{example.id}"'
