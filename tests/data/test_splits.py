import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stance import LABELS, Example
from stance.data import near_duplicates, split_examples
from stance.errors import DataError

SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}
LONG = "the committee voted to keep the interceptors at the northern site for now"


def ids(splits):
    return {name: sorted(example.id for example in part) for name, part in splits.items()}


def test_no_document_stands_in_two_splits(examples):
    splits = split_examples(examples, SHARES, seed=1)
    homes = [{example.document_id for example in part} for part in splits.values()]
    assert sum(map(len, homes)) == len(set.union(*homes))
    assert sum(map(len, splits.values())) == len(examples)


def test_labels_are_balanced_across_splits(examples):
    splits = split_examples(examples, SHARES, seed=1)
    whole = Counter(example.label for example in examples)
    for name, part in splits.items():
        assert len(part) / len(examples) == pytest.approx(SHARES[name], abs=0.04)
        for label, count in Counter(example.label for example in part).items():
            assert count / whole[label] == pytest.approx(SHARES[name], abs=0.08)


def test_splits_depend_on_the_seed_and_not_on_the_order(examples):
    first = ids(split_examples(examples, SHARES, seed=1))
    shuffled = list(examples)
    random.Random(0).shuffle(shuffled)
    assert ids(split_examples(shuffled, SHARES, seed=1)) == first
    assert ids(split_examples(examples, SHARES, seed=2)) != first


def test_near_duplicates_keep_their_documents_together():
    rows = [Example(id=str(i), text=f"sentence {i} says {i * 7} other things today", label="agree", document_id=str(i))
            for i in range(40)]  # fmt: skip
    rows += [Example(id=f"x{i}", text=f"{LONG}, {w}", label="agree", document_id=str(i * 3))
             for i, w in enumerate(["he said", "she said", "they say"])]  # fmt: skip
    for seed in range(5):
        splits = split_examples(rows, SHARES, seed)
        assert len([name for name, part in splits.items() if any(e.id.startswith("x") for e in part)]) == 1


def test_set_phrases_tie_nothing_together():
    rows = [Example(id=str(i), text="I yield back.", label=LABELS[i % 3], document_id=str(i)) for i in range(20)]
    assert all(split_examples(rows, SHARES, seed=0).values())


def test_equal_sentences_are_found_whatever_case_and_punctuation():
    assert near_duplicates([LONG, "something else entirely is said here", LONG.upper() + "!"]) == [(0, 2)]
    assert near_duplicates([]) == []


def test_too_few_documents_are_an_error():
    rows = [Example(id=str(i), text=f"words {i}", label="agree", document_id="one") for i in range(9)]
    with pytest.raises(DataError, match="1 separate documents cannot fill 3 splits"):
        split_examples(rows, SHARES, seed=0)


@settings(max_examples=30)
@given(
    documents=st.lists(st.tuples(st.integers(0, 8), st.sampled_from(LABELS)), min_size=12, max_size=60),
    seed=st.integers(0, 99),
)
def test_every_example_lands_once_and_no_split_is_empty(documents, seed):
    rows = [
        Example(id=str(n), text=f"number {n} stands alone", label=label, document_id=str(d))
        for n, (d, label) in enumerate(documents)
    ]
    if len({d for d, _ in documents}) < 3:
        return
    splits = split_examples(rows, SHARES, seed)
    assert sorted(example.id for part in splits.values() for example in part) == sorted(row.id for row in rows)
    assert all(splits.values())
