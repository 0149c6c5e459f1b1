"""The three labels, and the two records that flow through the package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

LABELS: tuple[str, str, str] = ("disagree", "neutral", "agree")
"""The stances a sentence can take toward a target, in the order of every probability column."""

DEFAULT_TARGET = "missile defence"
"""The target assumed where a caller or a file names none."""


def is_unicode(text: str) -> bool:
    """Return whether `text` can be written as UTF-8: half of a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Example:
    """One sentence, one target, one label.

    Parameters
    ----------
    id : str
        Unique within a collection.
    text : str
        The sentence.
    target : str, default="missile defence"
        What the stance is toward.
    label : str or None, default=None
        One of `LABELS`; None where nobody has labelled the sentence.
    context : str, default=""
        Up to two sentences that stand before it in its document.
    holder : str, default=""
        Whose stance it is, in the sentence's own words; "author" for the writer or speaker.
    document_id : str, default=""
        The document it comes from; sentences of one document never stand in two splits.
    position : int, default=0
        Place within the document, counted from 0; a gap between two neighbours means that text was left out.
    date, source : str, default=""
        Date (ISO 8601, may be a year or month) and origin.
    metadata : mapping of str to str, default={}
        Any further columns, such as genre or dispute.
    location : str, default=""
        File and row it was read from, for messages; no part of the example's identity.
    """

    id: str
    text: str
    target: str = DEFAULT_TARGET
    label: str | None = None
    context: str = ""
    holder: str = ""
    document_id: str = ""
    position: int = 0
    date: str = ""
    source: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    location: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Prediction:
    """The stance of one sentence toward one target.

    Parameters
    ----------
    text, target : str
        What was read.
    label : str
        The likeliest of `LABELS`.
    probabilities : dict of str to float
        Each label's probability, in [0, 1]; they sum to 1.
    confidence : float
        The probability of `label`, in [1/3, 1].
    score : float
        p(agree) - p(disagree), in [-1, 1].
    """

    text: str
    target: str
    label: str
    probabilities: dict[str, float]
    confidence: float
    score: float

    @classmethod
    def from_probabilities(cls, text: str, target: str, row: list[float]) -> Prediction:
        """Make a prediction from three probabilities in `LABELS` order."""
        probabilities = dict(zip(LABELS, row, strict=True))
        label = max(LABELS, key=probabilities.__getitem__)
        return cls(
            text=text,
            target=target,
            label=label,
            probabilities=probabilities,
            confidence=probabilities[label],
            score=probabilities["agree"] - probabilities["disagree"],
        )
