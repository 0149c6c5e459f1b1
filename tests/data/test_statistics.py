from dataclasses import replace

import pytest

from stance import LABELS, Example
from stance.data.page import render_page
from stance.data.statistics import check_statistics, describe
from stance.data.terms import names_missile_defence


def document(number, rows):
    return [
        Example(id=f"{number}:{i}", text=text, label=label, document_id=str(number), metadata={"genre": "blog"})
        for i, (label, text) in enumerate(rows)
    ]


def test_shares_are_counted():
    rows = document(
        1, [("agree", "The shield works."), ("agree", "We need it."), ("disagree", "Some object to THAAD.")]
    )
    rows += document(2, [("neutral", "The radar turns."), ("neutral", "It rained.")])
    found = describe(rows)
    assert (found.sentences, found.documents) == (5, 2)
    assert found.labels == {"disagree": 0.2, "neutral": 0.4, "agree": 0.4}
    assert found.genres == {"blog": {"disagree": 1, "neutral": 2, "agree": 2}}
    assert found.naming == 0.6
    assert found.one_sidedness == pytest.approx(2 / 3)
    assert found.lengths == [3, 3, 4, 3, 2]
    assert found.growth[-1] == (15, 13)


def test_a_collection_whose_cue_words_give_it_away_fails():
    words = {"agree": "good", "disagree": "bad", "neutral": "plain"}
    rows = [
        row for n in range(40) for row in document(n, [(x, f"number {n} is a {words[x]} thing {x[0]}") for x in LABELS])
    ]
    [finding] = [f for f in check_statistics(describe(rows), "x") if f.level == "error"]
    assert "cues give the label away" in finding.message


def test_repeated_openings_and_near_duplicates_are_warned_of():
    rows = [
        row for n in range(9) for row in document(n, [("agree", f"We welcome the number {n * 17} of {n * 31} or {n}")])
    ]
    twin = replace(rows[0], id="twin", document_id="other")
    kinds = {finding.kind for finding in check_statistics(describe([*rows, twin]), "x")}
    assert kinds == {"opening", "near-duplicate"}


def test_words_are_tied_to_their_labels(examples):
    found = describe(examples)
    assert 0.2 < found.probe < 0.6
    for label in LABELS:
        bits = [value for _, value in found.associations[label]]
        assert bits == sorted(bits, reverse=True)
        assert bits[0] > 0


@pytest.mark.parametrize(
    "text", ["the NMD plan", "Star Wars", "THAAD arrived", "anti-missile", "missile defenses", "the Patriots"]
)
def test_names_are_recognised(text):
    assert names_missile_defence(text)


@pytest.mark.parametrize(
    "text", ["the budget", "an arrow in the chart", "abmachung", "a missile test", "the ministers"]
)
def test_other_words_are_not(text):
    assert not names_missile_defence(text)


def test_the_page_is_self_contained_and_inert(examples):
    hostile = [replace(example, metadata={"genre": "<script>x</script>"}) for example in examples[:60]]
    hostile.append(replace(hostile[0], id="again", document_id="else"))
    page = render_page(describe(hostile), hostile, "<b>title</b>")
    assert "<script" not in page
    assert "<b>title" not in page
    assert page.count("<svg") == 3
    assert "src=" not in page
