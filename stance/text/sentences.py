"""Text -> sentences with exact character offsets."""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_LONGEST = 4000
_SENTENCE_END = re.compile(r"""(?<=\w\w)[.!?]["'”’)\]]*\s+(?=["'“‘(\[]*[A-Z])""")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a text: `text[start:end]`, without white space at its ends."""

    text: str
    start: int
    end: int


def split_sentences(text: str) -> list[Sentence]:
    """Cut a text into sentences.

    A blank line ends a sentence; a single line end counts as a space. Within a paragraph pysbd decides (Sadvilkar
    & Neumann, "PySBD: pragmatic sentence boundary disambiguation", 2020); its pieces are found again in the text,
    so that offsets hold whatever it does to white space.

    Returns
    -------
    list of Sentence
        In order, without overlap; together they hold every character that is not white space.
    """
    sentences = []
    for paragraph in re.finditer(r"\S(?:.*?\S)??(?=\s*\n\s*\n|\s*\Z)", text, flags=re.DOTALL):
        start = paragraph.start()
        for piece in _cut_long(paragraph.group()):
            sentences += _split_paragraph(piece, start)
            start += len(piece)
    return [Sentence(text[start:end], start, end) for start, end in sentences]


def _cut_long(paragraph: str) -> Iterator[str]:
    """Cut a paragraph of more than `_LONGEST` characters where a sentence seems to end: pysbd's time is quadratic."""
    while len(paragraph) > _LONGEST:
        window = paragraph[:_LONGEST]
        ends = [match.end() for match in _SENTENCE_END.finditer(window)] or [window.rfind(" ") + 1 or _LONGEST]
        yield paragraph[: ends[-1]]
        paragraph = paragraph[ends[-1] :]
    yield paragraph


def _split_paragraph(paragraph: str, offset: int) -> list[tuple[int, int]]:
    ends = []
    place = 0
    for piece in _segment(paragraph):
        words = piece.split()
        if not words:
            continue
        # only the words of a piece are relied on: pysbd may change the white space between them
        pattern = r"\s*" + r"\s+".join(map(re.escape, words))
        found = re.compile(pattern).match(paragraph, place)
        if found:
            place = found.end()
            ends.append(place)
    if not ends or ends[-1] < len(paragraph):
        ends = [*ends, len(paragraph)]
    spans = []
    start = 0
    for end in ends:
        piece = paragraph[start:end]
        if piece.strip():
            left = len(piece) - len(piece.lstrip())
            spans.append((offset + start + left, offset + start + len(piece.rstrip())))
        start = end
    return spans


def _segment(paragraph: str) -> list[str]:
    try:
        return list(_segmenter().segment(re.sub(r"\s", " ", paragraph)))
    except (ValueError, IndexError):  # pysbd takes some strings of digits and signs for list items and stumbles
        return [paragraph]


@functools.cache
def _segmenter() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # pysbd's own escapes
        import pysbd

    return pysbd.Segmenter(language="en", clean=False)
