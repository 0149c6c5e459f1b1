"""The corpus that ships: its files say what the card says."""

import json
from collections import Counter

import pytest

from stance import LABELS
from tests.conftest import CORPUS, REPOSITORY

ROWS = [json.loads(line) for file in sorted(CORPUS.glob("*.jsonl")) for line in file.open(encoding="utf-8")]


def test_it_is_as_large_as_promised():
    assert len(ROWS) >= 10_000
    assert len({row["document_id"] for row in ROWS}) >= 600
    assert sum(row["part"] == "challenge" for row in ROWS) >= 600
    assert sum(row["target"] != "missile defence" for row in ROWS) >= 800


def test_every_row_has_all_fields():
    needed = ("id", "text", "label", "holder", "genre", "date", "place", "dispute", "first_label", "second_label")
    assert all(row[field] for row in ROWS for field in needed)
    assert max(Counter(row["id"] for row in ROWS).values()) == 1


def test_the_label_is_what_the_readers_decided():
    for row in ROWS:
        agreed = row["first_label"] == row["second_label"]
        assert row["label"] == (row["first_label"] if agreed else row["third_label"]), row["id"]
        assert row["label"] in LABELS


def test_labels_are_shared_out_evenly():
    home = [row for row in ROWS if row["target"] == "missile defence"]
    for label in LABELS:
        assert 0.3 <= sum(row["label"] == label for row in home) / len(home) <= 0.4


def test_one_sentence_can_differ_by_target():
    by_text = {}
    for row in ROWS:
        by_text.setdefault(row["text"], {})[row["target"]] = row["label"]
    differing = [labels for labels in by_text.values() if len(labels) > 1 and len(set(labels.values())) > 1]
    assert len(differing) >= 100


def test_every_document_has_a_row_in_the_plan():
    plan = (REPOSITORY / "data" / "PLAN.md").read_text(encoding="utf-8")
    missing = {row["document_id"] for row in ROWS if f"| {row['document_id']} |" not in plan}
    assert missing == set()


def test_no_sentence_is_a_real_one_that_is_measured_on():
    real = REPOSITORY.parent / "shared" / "realworld"
    if not real.is_dir():
        pytest.skip("the real sentences are not on this machine")
    from stance.data.standoff import text_hash

    hashes = {
        text_hash(json.loads(line)["text"]) for file in real.glob("*.jsonl") for line in file.open(encoding="utf-8")
    }
    assert not hashes & {text_hash(row["text"]) for row in ROWS}
