"""Train, validation and test, with no document and no near-duplicate sentence in two of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from stance.errors import DataError, missing_extra
from stance.labels import LABELS, Example

NEAR_DUPLICATE = 0.5
"""Jaccard similarity of word 3-grams from which two sentences count as near-duplicates."""

SHORTEST = 6
"""Words from which a repeated sentence ties two documents together; "I yield back." does not."""

_PERMUTATIONS = 64


def split_examples(examples: Sequence[Example], fractions: Mapping[str, float], seed: int) -> dict[str, list[Example]]:
    """Divide labelled examples by document, labels balanced across the splits.

    Documents that share a near-duplicate sentence are kept together. Groups are dealt out largest first (ties
    in an order that only `seed` and the document ids decide), each to the split that then lies furthest below
    its share of every label, as scikit-learn's `StratifiedGroupKFold` does for equal shares. The outcome does
    not depend on the order of the examples nor on the machine.

    Parameters
    ----------
    examples : sequence of Example
        Each with a label.
    fractions : mapping of str to float
        Share of the sentences a split, in [0, 1]; a split with 0 is left empty.
    seed : int
        Two seeds give two divisions.

    Returns
    -------
    dict of str to list of Example
        The splits in the order of `fractions`, each in the order of `examples`.

    Raises
    ------
    DataError
        There are fewer groups than splits to fill.
    """
    groups = group_examples(examples)
    filled = [name for name, share in fractions.items() if share > 0]
    size = max(groups, default=-1) + 1
    if size < len(filled):
        raise DataError(
            f"{size} separate documents cannot fill {len(filled)} splits ({', '.join(filled)}); "
            "give more documents, or put a source into one split with its split key"
        )
    counts = np.zeros((size, len(LABELS)))
    names = [""] * size
    for example, group in zip(examples, groups, strict=True):
        counts[group, LABELS.index(example.label or "neutral")] += 1
        key = f"{seed}:{example.document_id or example.text}"
        names[group] = max(names[group], hashlib.sha256(key.encode()).hexdigest())
    totals = np.maximum(counts.sum(axis=0), 1)
    wanted = np.array([fractions[name] for name in filled])[:, None] * totals
    given = np.zeros_like(wanted)
    home = np.zeros(size, dtype=int)
    for group in sorted(range(size), key=lambda g: (-counts[g].sum(), names[g])):
        # the relative shortfall that this group would leave, summed over the labels it holds
        gain = (((wanted - given) / wanted) * (counts[group] / totals)).sum(axis=1)
        empty = given.sum(axis=1) == 0
        home[group] = int(np.argmax(gain + 1e6 * empty * (size - group <= empty.sum())))
        given[home[group]] += counts[group]
    splits: dict[str, list[Example]] = {name: [] for name in fractions}
    for example, group in zip(examples, groups, strict=True):
        splits[filled[home[group]]].append(example)
    return splits


def group_examples(examples: Sequence[Example]) -> list[int]:
    """Return a group number for each example: one document, or documents tied by near-duplicates.

    An example without `document_id` is a document of its own. Sentences of fewer than `SHORTEST` words tie
    nothing together: set phrases occur in any two documents.
    """
    documents: dict[str, int] = {}
    node = [
        documents.setdefault(example.document_id or f"\0{number}", len(documents))
        for number, example in enumerate(examples)
    ]
    long = [number for number, example in enumerate(examples) if len(example.text.split()) >= SHORTEST]
    pairs = near_duplicates([examples[number].text for number in long])
    left = [node[long[a]] for a, _ in pairs]
    right = [node[long[b]] for _, b in pairs]
    graph = coo_array((np.ones(len(pairs)), (left, right)), shape=(len(documents), len(documents)))
    _, component = connected_components(graph, directed=False)
    return [int(component[n]) for n in node]


def near_duplicates(texts: Sequence[str], threshold: float = NEAR_DUPLICATE) -> list[tuple[int, int]]:
    """Return the pairs (i, j), i < j, of texts whose word 3-grams overlap (Jaccard) by `threshold` or more.

    Candidates come from MinHash with locality-sensitive hashing (Broder, 1997), so that large collections
    stay feasible; each is then checked exactly. Case and punctuation do not count. A pair right at the threshold
    may be missed with small probability; equal texts never are.
    """
    try:
        from datasketch import MinHash, MinHashLSH
    except ImportError:
        raise missing_extra("datasketch", "train") from None
    shingles = [_shingles(text) for text in texts]
    # looked for from somewhat below the threshold, where hashing would begin to miss pairs
    index = MinHashLSH(threshold=0.8 * threshold, num_perm=_PERMUTATIONS)
    hashes = MinHash.generator([[s.encode() for s in sorted(part)] for part in shingles], num_perm=_PERMUTATIONS)
    pairs = []
    for j, value in enumerate(hashes):
        for i in index.query(value):
            union = len(shingles[i] | shingles[j])
            if len(shingles[i] & shingles[j]) >= threshold * union:
                pairs.append((int(i), j))
        index.insert(j, value)
    return sorted(pairs)


def _shingles(text: str) -> frozenset[str]:
    words = re.findall(r"\w+", text.lower())
    if len(words) < 3:
        return frozenset([" ".join(words)])
    return frozenset(" ".join(words[i : i + 3]) for i in range(len(words) - 2))
