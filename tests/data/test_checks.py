from dataclasses import replace

from stance import Example
from stance.data import check_examples, check_splits

SENTENCE = "The committee voted to keep the interceptors at the northern site."
GOOD = Example(id="1", text=SENTENCE, label="agree", document_id="a", location="x.csv, row 2")
OTHER = Example(id="2", text="Nobody in the room asked about the cost of it all.", label="neutral",
                document_id="b", location="x.csv, row 3")  # fmt: skip


def kinds(findings):
    return [(finding.level, finding.kind, finding.where) for finding in findings]


def test_good_examples_have_no_findings():
    assert check_examples([GOOD, OTHER]) == []
    assert check_splits({"train": [GOOD], "test": [OTHER]}) == []


def test_each_fault_names_its_row():
    here = "x.csv, row 3"
    faults = {
        ("error", "label", here): replace(OTHER, label=None),
        ("error", "length", here): replace(OTHER, text="word " * 201),
        ("error", "id", here): replace(OTHER, id="1"),
        ("error", "conflict", here): replace(OTHER, text=SENTENCE.upper()),
        ("warning", "duplicate", here): replace(OTHER, text=SENTENCE, label="agree"),
        ("warning", "characters", here): replace(OTHER, text="Nobody \x07 asked."),
    }
    for expected, example in faults.items():
        assert kinds(check_examples([GOOD, example])) == [expected]


def test_the_same_sentence_with_another_target_is_no_conflict():
    assert check_examples([GOOD, replace(OTHER, text=SENTENCE, target="the budget")]) == []


def test_a_document_in_two_splits_is_leakage():
    [finding] = check_splits({"train": [GOOD], "test": [replace(OTHER, document_id="a")]})
    assert (finding.level, finding.kind) == ("error", "leakage")
    assert 'document "a" is in train and test (there at x.csv, row 2)' in str(finding)


def test_a_near_duplicate_in_two_splits_is_leakage():
    twin = replace(OTHER, text=SENTENCE.replace("voted", "has voted"))
    [finding] = check_splits({"train": [GOOD], "test": [twin]})
    assert "nearly the same sentence is in train (x.csv, row 2) and test" in str(finding)
