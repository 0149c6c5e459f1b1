"""What a labelled collection is like, and whether a shortcut gives its labels away."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from stance.data.checks import Finding
from stance.data.splits import SHORTEST, near_duplicates
from stance.data.terms import names_missile_defence
from stance.errors import missing_extra
from stance.labels import DEFAULT_TARGET, LABELS, Example

PROBE_WORDS = 200
PROBE_LIMIT = 0.5
"""Macro-F1 of the sentiment-word probe from which a collection counts as given away by its cues."""
OPENING_LIMIT = 0.01
"""Share of the sentences that may begin with the same three words."""


@dataclass(frozen=True)
class Statistics:
    """Figures of a collection; shares lie in [0, 1].

    Attributes
    ----------
    sentences, documents : int
    labels : dict of str to float
        Share of each label.
    genres : dict of str to dict of str to int
        Counts of each label by genre (metadata key `genre`).
    naming : float
        Share of the sentences on missile defence that name it.
    one_sidedness : float
        Mean over documents, with three stances or more, of the commoner side's share of agree and disagree.
    openings : list of (str, int)
        The commonest first three words.
    growth : list of (int, int)
        Words read, in the order given, and distinct words among them.
    associations : dict of str to list of (str, float)
        The words with the highest pointwise mutual information with each label, in bits.
    probe : float
        Macro-F1, cross-validated by document, of a logistic regression over the 200 commonest sentiment words alone.
    lengths : list of int
        Words in each sentence.
    duplicates_within, duplicates_across : list of (int, int)
        Pairs of near-duplicate sentences in one document, and in two.
    """

    sentences: int
    documents: int
    labels: dict[str, float]
    genres: dict[str, dict[str, int]]
    naming: float
    one_sidedness: float
    openings: list[tuple[str, int]]
    growth: list[tuple[int, int]]
    associations: dict[str, list[tuple[str, float]]]
    probe: float
    lengths: list[int]
    duplicates_within: list[tuple[int, int]]
    duplicates_across: list[tuple[int, int]]


def describe(examples: Sequence[Example]) -> Statistics:
    """Return the statistics of labelled examples (at least one)."""
    labels = Counter(example.label for example in examples)
    genres: defaultdict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(LABELS, 0))
    for example in examples:
        if example.label:
            genres[example.metadata.get("genre", "")][example.label] += 1
    home = [example for example in examples if example.target == DEFAULT_TARGET]
    openings = Counter(" ".join(example.text.lower().split()[:3]) for example in examples)
    within, across = _duplicates(examples)
    return Statistics(
        sentences=len(examples),
        documents=len({example.document_id or example.id for example in examples}),
        labels={label: labels[label] / len(examples) for label in LABELS},
        genres=dict(sorted(genres.items())),
        naming=sum(names_missile_defence(example.text) for example in home) / max(len(home), 1),
        one_sidedness=_one_sidedness(home),
        openings=openings.most_common(10),
        growth=_growth(examples),
        associations=_associations(examples),
        probe=_probe(examples),
        lengths=[len(example.text.split()) for example in examples],
        duplicates_within=within,
        duplicates_across=across,
    )


def check_statistics(statistics: Statistics, where: str) -> list[Finding]:
    """Return what the figures say against a collection: a probe that succeeds is an error, the rest are warnings."""
    return list(_judge(statistics, where))


def _judge(statistics: Statistics, where: str) -> Iterator[Finding]:
    if statistics.probe > PROBE_LIMIT:
        message = f"{PROBE_WORDS} sentiment words alone reach macro-F1 {statistics.probe:.2f}: cues give the label away"
        yield Finding("error", "shortcut", where, message)
    opening, count = statistics.openings[0]
    if count > max(OPENING_LIMIT * statistics.sentences, 5):
        yield Finding("warning", "opening", where, f'{count} sentences begin with "{opening}"')
    for kind, pairs in (
        ("one document", statistics.duplicates_within),
        ("two documents", statistics.duplicates_across),
    ):
        if pairs:
            yield Finding("warning", "near-duplicate", where, f"{len(pairs)} pairs of near-duplicates in {kind}")


def _duplicates(examples: Sequence[Example]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    rows = [row for row, example in enumerate(examples) if len(example.text.split()) >= SHORTEST]
    within: list[tuple[int, int]] = []
    across: list[tuple[int, int]] = []
    for i, j in near_duplicates([examples[row].text for row in rows]):
        first, second = examples[rows[i]], examples[rows[j]]
        if first.text == second.text and first.target != second.target:
            continue  # one sentence judged toward two targets
        (within if first.document_id == second.document_id else across).append((rows[i], rows[j]))
    return within, across


def _one_sidedness(examples: Sequence[Example]) -> float:
    sides: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for example in examples:
        if example.label in ("agree", "disagree"):
            sides[example.document_id or example.id][example.label] += 1
    shares = [max(side.values()) / side.total() for side in sides.values() if side.total() >= 3]
    return float(np.mean(shares)) if shares else 1.0


def _growth(examples: Sequence[Example], points: int = 40) -> list[tuple[int, int]]:
    words = [word for example in examples for word in re.findall(r"\w+", example.text.lower())]
    seen: set[str] = set()
    curve = []
    for start, end in pairwise(np.linspace(0, len(words), points + 1, dtype=int).tolist()):
        seen.update(words[start:end])
        curve.append((end, len(seen)))
    return curve


def _associations(examples: Sequence[Example], top: int = 15, minimum: int = 20) -> dict[str, list[tuple[str, float]]]:
    pairs = [
        (word, example.label)
        for example in examples
        if example.label
        for word in set(re.findall(r"[a-z]{3,}", example.text.lower()))
    ]
    words, joint = Counter(word for word, _ in pairs), Counter(pairs)
    labels = Counter(example.label for example in examples if example.label)
    total = labels.total()
    scores: dict[str, list[tuple[str, float]]] = {label: [] for label in LABELS}
    for (word, label), count in joint.items():
        if words[word] >= minimum:
            scores[label].append((word, float(np.log2(count * total / (words[word] * labels[label])))))
    return {label: sorted(found, key=lambda pair: (-pair[1], pair[0]))[:top] for label, found in scores.items()}


def _probe(examples: Sequence[Example]) -> float:
    """Return how far sentiment words alone lead, with the lexicon of VADER (Hutto & Gilbert, ICWSM 2014)."""
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError:
        raise missing_extra("vaderSentiment", "train") from None
    lexicon = set(SentimentIntensityAnalyzer().lexicon)
    texts = [example.text.lower() for example in examples]
    truth = [example.label or "neutral" for example in examples]
    groups = [example.document_id or example.id for example in examples]
    counts = Counter(word for text in texts for word in re.findall(r"[a-z]+", text) if word in lexicon)
    words = [word for word, _ in counts.most_common(PROBE_WORDS)]
    if not words or len(set(truth)) < 2 or len(set(groups)) < 5:
        return 0.0
    matrix = CountVectorizer(vocabulary=words).transform(texts)
    predicted = cross_val_predict(
        LogisticRegression(solver="newton-cg"), matrix, truth, groups=groups, cv=GroupKFold(5)
    )
    return float(f1_score(truth, predicted, labels=list(LABELS), average="macro", zero_division=0))
