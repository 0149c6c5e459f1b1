import json

import datasets
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stance import LABELS, Example
from stance.data import read_examples
from stance.errors import DataError, InputError

ROWS = [
    {"text": "We welcome the shield.", "label": "agree", "target": "missile defence", "document_id": "a"},
    {"text": "We do not, and “never” will.", "label": "disagree", "target": "the ABM Treaty", "document_id": "b"},
]


def write(path, rows):
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    elif path.suffix == ".csv":
        import csv

        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_the_three_formats_give_the_same_examples(tmp_path, suffix):
    first, second = read_examples(write(tmp_path / f"x{suffix}", ROWS))
    assert (first.text, first.label, first.target, first.document_id) == tuple(ROWS[0].values())
    assert (second.text, second.label, second.target) == (ROWS[1]["text"], "disagree", "the ABM Treaty")
    assert second.location.endswith("row 3" if suffix == ".csv" else "row 2")
    assert first.id != second.id


def test_columns_and_labels_are_mapped(tmp_path):
    path = write(tmp_path / "x.csv", [{"sentence": "Yes.", "stance": "FAVOR", "topic": "", "page": "7"}])
    columns = {"text": "sentence", "label": "stance", "target": "topic"}
    [example] = read_examples(path, columns=columns, labels={"FAVOR": "agree"}, target="NATO")
    assert (example.text, example.label, example.target) == ("Yes.", "agree", "NATO")
    assert example.metadata == {"page": "7"}


@pytest.mark.parametrize("labels", [[0, 1, None], [0.0, 1.0, float("nan")], ["0", "1", ""]])
def test_numbers_as_labels_are_mapped(tmp_path, labels):
    path = write(tmp_path / "x.parquet", [{"text": "a", "label": label} for label in labels])
    found = read_examples(path, labels={"0": "disagree", "1": "agree"})
    assert [example.label for example in found] == ["disagree", "agree", None]


def test_a_dataset_is_read_with_its_class_labels(tmp_path):
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=list(LABELS))})
    dataset = datasets.Dataset.from_dict({"text": ["a b", "c d"], "label": [2, 0]}, features=features)
    assert [example.label for example in read_examples(dataset)] == ["agree", "disagree"]
    dataset.save_to_disk(tmp_path / "saved")
    assert [example.label for example in read_examples(tmp_path / "saved")] == ["agree", "disagree"]


def test_a_dataset_dict_keeps_its_splits(tmp_path):
    part = datasets.Dataset.from_dict({"text": ["a b"], "label": ["agree"]})
    found = read_examples(datasets.DatasetDict({"train": part, "test": part}))
    assert [example.metadata["split"] for example in found] == ["train", "test"]


def test_a_folder_is_read_in_the_order_of_names(tmp_path):
    write(tmp_path / "b.jsonl", ROWS[1:])
    write(tmp_path / "a.csv", ROWS[:1])
    (tmp_path / "README.md").write_text("no data", encoding="utf-8")
    assert [example.label for example in read_examples(tmp_path)] == ["agree", "disagree"]


def test_labels_may_be_missing(tmp_path):
    [example] = read_examples(write(tmp_path / "x.csv", [{"text": "a", "label": ""}]))
    assert example.label is None


def bad(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", b"", "is empty"),
        ("x.csv", b"sentence,label\na,agree\n", r'no column "text".*it has: sentence, label'),
        ("x.csv", b"txet,label\na,agree\n", 'no column "text"; did you mean "txet"'),
        ("x.csv", b"text,label\ncaf\xe9,agree\n", r"not UTF-8 \(byte 0xe9\).*iconv"),
        ("x.csv", b"text,label\na,agree\nb,pro\n", r'row 3: unknown label "pro" in column label.*known: disagree'),
        ("x.csv", b"text,label\na,b,agree\n", "row 2: more fields than the header"),
        ("x.csv", b'text,label\n"a,agree\n', "line 1: unexpected end of data"),
        ("x.csv", b"text,label\n,agree\n", "row 2: text is empty"),
        ("x.csv", b"text,label\n", "has no rows"),
        ("x.csv", b"text,label,label\na,agree,disagree\n", 'has the column "label" twice'),
        ("x.csv", b'text,label\n"a\nb",agree\n\nc,pro\n', 'row 5: unknown label "pro"'),
        ("x.jsonl", b'{"text": "a \\ud800"}\n', "row 1: half of a surrogate pair"),
        ("x.jsonl", b'{"text": "a", "position": 1e400}\n', "row 1: position must be a whole number"),
        ("x.jsonl", b'{"text": "a", "position": true}\n', "row 1: position must be a whole number"),
        ("x.jsonl", b"[" * 100_000 + b"\n", "row 1: not JSON"),
        (
            "x.csv",
            b"text,label,position\na,agree,first\n",
            "row 2: position must be a whole number from 0, not 'first'",
        ),
        ("x.jsonl", b'{"text": "a"}\n{"text"\n', "row 2: not JSON"),
        ("x.jsonl", b"[1]\n", "row 1: expected an object"),
        ("x.jsonl", b'{"text": 5}\n', "row 1: text must be text, not 5"),
        ("x.jsonl", b'{"text": "a", "target": [1]}\n', r"row 1: target must be text, not \[1\]"),
        ("x.parquet", b"PAR0", "not a Parquet file"),
        ("x.docx", b"PK", r'cannot read ".docx" files'),
    ],
)
def test_a_bad_file_is_explained(tmp_path, name, content, message):
    with pytest.raises(DataError, match=message) as caught:
        read_examples(bad(tmp_path, name, content))
    assert name in str(caught.value)


def test_a_mapped_column_that_is_missing_is_named(tmp_path):
    path = write(tmp_path / "x.csv", [{"text": "a", "topic": "NATO"}])
    with pytest.raises(DataError, match='no column "topick"; did you mean "topic"'):
        read_examples(path, columns={"target": "topick"})
    path = write(tmp_path / "x.jsonl", [{"text": "a"}, {"text": "b", "topic": "NATO"}])
    assert [example.target for example in read_examples(path, columns={"target": "topic"})] == [
        "missile defence",
        "NATO",
    ]
    with pytest.raises(DataError, match='no column "topick"'):
        read_examples(path, columns={"target": "topick"})


def test_a_column_with_our_name_that_was_not_mapped_is_kept_beside(tmp_path):
    path = write(tmp_path / "x.csv", [{"text": "whole article", "sentence": "a b", "label": "x", "stance": "agree"}])
    [example] = read_examples(path, columns={"text": "sentence", "label": "stance"})
    assert (example.text, example.label) == ("a b", "agree")
    assert example.metadata == {"text_in_file": "whole article", "label_in_file": "x"}


def test_dates_and_numbers_are_taken_as_text(tmp_path):
    import datetime

    path = write(tmp_path / "x.parquet", [{"text": "a", "date": datetime.date(2001, 12, 13), "document_id": 7.0}])
    [example] = read_examples(path)
    assert (example.date, example.document_id) == ("2001-12-13", "7")


def test_a_label_map_to_other_labels_is_refused(tmp_path):
    with pytest.raises(InputError, match='"favour" is none of'):
        read_examples(write(tmp_path / "x.csv", ROWS), labels={0: "favour"})


def test_formatted_and_streamed_datasets_are_read():
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=list(LABELS))})
    dataset = datasets.Dataset.from_dict({"text": ["a b"], "label": [2]}, features=features)
    for variant in (dataset.with_format("numpy"), dataset.to_iterable_dataset()):
        assert [example.label for example in read_examples(variant)] == ["agree"]


def test_a_missing_file_names_the_nearest(tmp_path):
    write(tmp_path / "corpus.csv", ROWS)
    with pytest.raises(DataError, match=r'no file .*corpsu\.csv; did you mean "corpus.csv"'):
        read_examples(tmp_path / "corpsu.csv")


def test_a_folder_without_data_is_named(tmp_path):
    with pytest.raises(DataError, match=r"folder without \.csv, \.jsonl, \.parquet"):
        read_examples(tmp_path)


def test_problems_are_collected_where_a_list_is_given(tmp_path):
    problems = []
    path = bad(tmp_path, "x.csv", b"text,label\na,agree\nb,pro\n,agree\nc,disagree\n")
    assert [example.text for example in read_examples(path, problems=problems)] == ["a", "c"]
    assert len(problems) == 2


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1).filter(str.strip)


@given(rows=st.lists(st.tuples(texts, st.sampled_from(LABELS)), min_size=1, max_size=5))
def test_any_text_survives_jsonl(tmp_path_factory, rows):
    path = write(tmp_path_factory.mktemp("x") / "x.jsonl", [{"text": t, "label": label} for t, label in rows])
    assert [(example.text, example.label) for example in read_examples(path)] == rows


@given(content=st.binary(max_size=200), suffix=st.sampled_from([".csv", ".jsonl", ".parquet"]))
def test_any_bytes_give_examples_or_a_data_error(tmp_path_factory, content, suffix):
    path = bad(tmp_path_factory.mktemp("x"), f"x{suffix}", b"text,label\n" * (suffix == ".csv") + content)
    try:
        assert all(isinstance(example, Example) for example in read_examples(path))
    except DataError as error:
        assert path.name in str(error)
