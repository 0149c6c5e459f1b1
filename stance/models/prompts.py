"""Text, target and context in one row of tokens, the same with torch and without."""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stance.errors import ConfigError, InputError
from stance.models.inputs import Inputs

ENCODER_PROMPT = "[CLS] {target} [SEP] {context} {text} [SEP]"
DECODER_PROMPT = "{context}\nTarget: {target}\nStatement: {text}\nStance:"
MIN_TEXT_TOKENS = 4
_FIELD = re.compile(r"( ?)\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of tokens.

    Attributes
    ----------
    ids : list of int
        The tokens.
    start, end : int
        Where the tokens of the text, the sentence itself, begin and end.
    truncated : bool
        Whether tokens of context or text were left out.
    """

    ids: list[int]
    start: int
    end: int
    truncated: bool


class Prompt:
    """Fills a template and cuts what is too long: the context first, from its beginning, then the text's end.

    Parameters
    ----------
    template : str
        With the fields {text}, {target} and, where the context is to be read, {context}. What stands in brackets,
        such as [SEP], is the tokenizer's special token of that name if it has one.
    tokenizer : tokenizers.Tokenizer
    max_tokens : int
        The longest row.

    Attributes
    ----------
    tokenizer : tokenizers.Tokenizer
        A copy that neither cuts nor pads, and reads special tokens in texts as text.
    template, max_tokens
        As given.

    Raises
    ------
    ConfigError
        The template lacks a field, or has an unknown one.
    """

    def __init__(self, template: str, tokenizer: Any, max_tokens: int) -> None:
        fields = [match[2] for match in _FIELD.finditer(template)]
        unknown = set(fields) - {"text", "target", "context"}
        if unknown or fields.count("text") != 1 or "target" not in fields:
            raise ConfigError(
                f'model.prompt: "{template}" needs the field {{text}} once and {{target}}, and may have {{context}}'
            )
        self.template = template
        self.max_tokens = max_tokens
        self.reads_context = "context" in fields
        self.tokenizer = copy.deepcopy(tokenizer)
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        # a text that spells out "[SEP]" must not become one
        self.tokenizer.encode_special_tokens = True
        self._pieces: list[tuple[str, list[int]]] = []
        """Either a field's name, or "" and the tokens of what stands between fields; spaces go with the field."""
        self._space = {match[2]: match[1] for match in _FIELD.finditer(template)}
        position = 0
        for match in _FIELD.finditer(template):
            self._add_literal(template[position : match.start()])
            self._pieces.append((match[2], []))
            position = match.end()
        self._add_literal(template[position:])
        self._fixed = sum(len(ids) for _, ids in self._pieces)
        self._cached = functools.lru_cache(maxsize=4096)(lambda field, text: self._tokenize([text], field)[0])

    def rows(self, inputs: Inputs) -> list[Row]:
        """Return one row an input.

        Raises
        ------
        InputError
            A target leaves no room for the text.
        """
        texts = self._tokenize(inputs.texts, "text")
        return [
            self._row(text, self._cached("target", target), self._cached("context", context))
            for text, target, context in zip(texts, inputs.targets, inputs.contexts, strict=True)
        ]

    def count_truncated(self, inputs: Inputs) -> int:
        """Return how many rows lose tokens of context or text."""
        # a token is at least one byte, so that short rows need no counting
        lengths = [sum(len(cell.encode()) for cell in cells) for cells in zip(*inputs, strict=True)]
        long = [number for number, length in enumerate(lengths) if length + self._fixed > self.max_tokens]
        return sum(row.truncated for row in self.rows(inputs.take(long)))

    def _row(self, text: list[int], target: list[int], context: list[int]) -> Row:
        room = self.max_tokens - self._fixed - len(target) * sum(name == "target" for name, _ in self._pieces)
        if room < min(MIN_TEXT_TOKENS, len(text)):
            raise InputError(f"the target has {len(target)} tokens, which leaves no room for the text; shorten it")
        whole = len(text) + (len(context) if self.reads_context else 0)
        text = text[:room]
        context = context[max(0, len(context) - (room - len(text))) :] if room > len(text) else []
        ids: list[int] = []
        start = 0
        for name, literal in self._pieces:
            if name == "text":
                start = len(ids)
            ids += {"": literal, "text": text, "target": target, "context": context}[name]
        return Row(ids, start, start + len(text), whole > room)

    def _add_literal(self, literal: str) -> None:
        ids: list[int] = []
        for part in re.split(r"( ?\[[A-Z]+\] ?)", literal):
            special = self.tokenizer.token_to_id(part.strip()) if part.strip() else None
            ids += [special] if special is not None else self._encode([part])[0]
        if ids:
            self._pieces.append(("", ids))

    def _tokenize(self, texts: Sequence[str], field: str) -> list[list[int]]:
        space = self._space.get(field, "")
        return self._encode([space + text for text in texts])

    def _encode(self, texts: list[str]) -> list[list[int]]:
        return [encoding.ids for encoding in self.tokenizer.encode_batch(texts, add_special_tokens=False)]


def by_length(rows: Sequence[Row], batch_size: int) -> list[list[int]]:
    """Return batches of row numbers, rows of like length together, so that little is padded."""
    order = sorted(range(len(rows)), key=lambda number: len(rows[number].ids))
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def pad(rows: Sequence[Row]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return ids, attention mask and the mask of the text's tokens, each of shape (n, longest), padded at the end."""
    shape = (len(rows), max(len(row.ids) for row in rows))
    ids, mask, span = (np.zeros(shape, dtype=np.int64) for _ in range(3))
    for number, row in enumerate(rows):
        ids[number, : len(row.ids)] = row.ids
        mask[number, : len(row.ids)] = 1
        span[number, row.start : row.end] = 1
    return ids, mask, span
