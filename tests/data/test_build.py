import pytest

import stance
from stance import LABELS, Example
from stance.config import DataConfig, SourceConfig, load_config
from stance.data import add_context, build_splits, collect_findings, fingerprint
from stance.errors import DataError


def test_a_config_gives_a_dataset_dict_with_class_labels(config_file):
    dataset = stance.build_dataset(config_file)
    assert list(dataset) == ["train", "validation", "test"]
    assert dataset["train"].features["label"].names == list(LABELS)
    assert dataset["train"].column_names[:10] == [
        "id", "text", "target", "label", "context", "holder", "document_id", "position", "date", "source",
    ]  # fmt: skip
    assert {"genre", "dispute"} <= set(dataset["train"].column_names)
    documents = [set(part["document_id"]) for part in dataset.values()]
    assert not documents[0] & documents[1] | documents[0] & documents[2] | documents[1] & documents[2]
    assert dataset["test"].num_rows > 20


def test_a_built_dataset_reads_back_as_the_same_examples(config_file):
    from stance.data import read_examples

    splits = build_splits(load_config(config_file).data)
    back = read_examples(stance.build_dataset(config_file)["test"])
    assert [(e.id, e.text, e.label, e.context) for e in back] == [
        (e.id, e.text, e.label, e.context) for e in splits["test"]
    ]


def test_the_fingerprint_follows_the_data(examples):
    whole = fingerprint({"train": examples})
    assert whole == fingerprint({"train": list(examples)})
    assert whole != fingerprint({"train": examples[1:]})
    assert whole != fingerprint({"test": examples})


def test_context_is_what_stands_right_before():
    rows = [Example(id=str(p), text=f"s{p}", document_id="d", position=p) for p in (0, 1, 2, 3, 5)]
    assert [row.context for row in add_context(rows)] == ["", "s0", "s0 s1", "s1 s2", ""]


def test_a_given_context_is_kept():
    rows = [
        Example(id="0", text="s0", document_id="d"),
        Example(id="1", text="s1", document_id="d", position=1, context="c"),
    ]
    assert add_context(rows)[1].context == "c"


@pytest.fixture
def source(tmp_path):
    def write(text):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_splits_that_others_drew_are_kept(source):
    path = source("text,label,split\none thing,agree,train\nanother thing,neutral,test\nthird thing,disagree,train\n")
    splits = build_splits(DataConfig(sources=[SourceConfig(path=path)]))
    assert [len(part) for part in splits.values()] == [2, 0, 1]


def test_a_source_can_be_put_into_one_split(source):
    train, test = source("text,label\na b,agree\nc d,neutral\n"), source("text,label\ne f,agree\n")
    config = DataConfig(sources=[SourceConfig(path=train, split="train"), SourceConfig(path=test, split="test")])
    assert [len(part) for part in build_splits(config).values()] == [2, 0, 1]


def test_leakage_between_given_splits_is_an_error(source):
    sentence = "the committee voted to keep the interceptors at the site"
    train, test = source(f"text,label\n{sentence},agree\nc d,neutral\n"), source(f"text,label\n{sentence},agree\n")
    config = DataConfig(sources=[SourceConfig(path=train, split="train"), SourceConfig(path=test, split="test")])
    with pytest.raises(
        DataError, match=r"(?s)1 error.*1\.csv, row 2: nearly the same sentence is in train \(.*0\.csv, row 2"
    ):
        build_splits(config)


def test_an_unknown_split_is_named(source):
    path = source("text,label,split\none thing,agree,dev\n")
    with pytest.raises(DataError, match='row 2: unknown split "dev"'):
        build_splits(DataConfig(sources=[SourceConfig(path=path)]))


def test_checks_go_on_to_the_end(source):
    path = source("text,label\nfirst,agree\nsecond,pro\n,agree\nthird,\n")
    examples, findings = collect_findings(DataConfig(sources=[SourceConfig(path=path)]))
    assert [example.text for example in examples] == ["first", "third"]
    assert [finding.where.rpartition(", ")[2] for finding in findings] == ["row 3", "row 4", "row 5"]


def test_the_corpus_itself_has_no_errors():
    from tests.conftest import CORPUS

    examples, findings = collect_findings(DataConfig(sources=[SourceConfig(path=CORPUS)]))
    assert len(examples) >= 800
    assert len({example.document_id for example in examples}) >= 40
    assert [finding for finding in findings if finding.level == "error"] == []


def test_the_corpus_loads_with_datasets_from_its_card(tmp_path):
    import datasets

    from tests.conftest import REPOSITORY

    corpus = datasets.load_dataset(str(REPOSITORY / "data"), cache_dir=str(tmp_path))["train"]
    assert corpus.num_rows >= 10_000
    assert {"text", "target", "label", "holder", "genre", "first_label", "second_label"} <= set(corpus.column_names)
