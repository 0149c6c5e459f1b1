import json

import pytest

from stance.config import DataConfig, SourceConfig
from stance.data import build_splits
from stance.data.standoff import hydrate, read_annotations, read_held_out, text_hash
from stance.errors import DataError, MissingTextWarning
from tests.conftest import REPOSITORY

SOURCE = (
    "Good evening. The shield &amp; the radar will be built.\\nThe committee met on Monday to hear of it. Thank you."
)
CLEAN = "Good evening. The shield & the radar will be built.\nThe committee met on Monday to hear of it. Thank you."
FIRST, SECOND = "The shield & the radar will be built.", "The committee met on Monday to hear of it."


def annotation(sentence, label, /, **changes):
    start = CLEAN.index(sentence)
    row = {"id": label, "label": label, "source": "owner/speeches", "path": "2001/a.txt", "document_id": label}
    return row | {"start": start, "end": start + len(sentence), "sha1": text_hash(sentence)} | changes


@pytest.fixture
def labels(tmp_path):
    def write(*rows):
        path = tmp_path / "labels.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    return write


@pytest.fixture
def clones(tmp_path):
    file = tmp_path / "clones" / "owner" / "speeches" / "2001" / "a.txt"
    file.parent.mkdir(parents=True)
    file.write_text(SOURCE, encoding="utf-8")
    return tmp_path / "clones"


def test_text_is_cut_out_of_a_clone_by_its_offsets(labels, clones):
    path = labels(annotation(FIRST, "agree"), annotation(SECOND, "neutral"))
    hydrated = hydrate(read_annotations(path), [clones])
    assert [(e.text, e.label, e.source) for e in hydrated.examples] == [
        (FIRST, "agree", "owner/speeches"),
        (SECOND, "neutral", "owner/speeches"),
    ]
    assert not hydrated.missing


def test_a_copy_is_found_by_its_hash_whatever_its_spacing(labels, tmp_path):
    (tmp_path / "copy.jsonl").write_text(
        json.dumps({"text": FIRST.replace(" ", "  "), "context": "Good evening."}), encoding="utf-8"
    )
    hydrated = hydrate(read_annotations(labels(annotation(FIRST, "agree"))), [tmp_path / "copy.jsonl"])
    [example] = hydrated.examples
    assert (example.text, example.context) == (FIRST, "Good evening.")


def test_what_is_missing_or_changed_is_counted_and_never_guessed(labels, clones):
    path = labels(
        annotation(FIRST, "agree", start=0, end=9),
        annotation(SECOND, "neutral", path="2002/b.txt"),
        annotation(SECOND, "disagree", source="pypi:no-such-package-here"),
    )
    hydrated = hydrate(read_annotations(path), [clones])
    assert hydrated.examples == []
    assert dict(hydrated.missing) == {
        ("owner/speeches", "another version"): 1,
        ("owner/speeches", "not found"): 1,
        ("pypi:no-such-package-here", "not found"): 1,
    }


def test_a_bad_line_is_named(labels, tmp_path):
    for changes, message in (
        ({"label": "pro"}, "label: input should be 'disagree', 'neutral' or 'agree', not 'pro'"),
        ({"end": 1, "start": 3}, "end is the larger"),
        ({"path": "../../etc/passwd"}, "leads out of its source"),
        ({"path": "/etc/passwd"}, "leads out of its source"),
        ({"sha1": "xyz"}, "sha1"),
    ):
        with pytest.raises(DataError, match=r"labels\.jsonl, row 2: ") as caught:
            read_annotations(labels(annotation(FIRST, "agree"), annotation(SECOND, "agree", **changes)))
        assert message in str(caught.value)
    with pytest.raises(DataError, match="no stand-off labels"):
        read_annotations(tmp_path / "nothing")


def test_a_build_goes_on_without_the_texts_and_says_so(labels, small_corpus, tmp_path):
    path = labels(annotation(FIRST, "agree"), annotation(SECOND, "neutral"))
    sources = [SourceConfig(path=small_corpus), SourceConfig(path=path, texts=[tmp_path / "none"], split="train")]
    with pytest.warns(MissingTextWarning, match="2 of 2 sentences labelled"):
        splits = build_splits(DataConfig(sources=sources))
    assert all(example.source == "" for part in splits.values() for example in part)


def test_a_build_joins_the_texts_and_drops_what_is_held_out(labels, clones, small_corpus, tmp_path):
    path = labels(annotation(FIRST, "agree"), annotation(SECOND, "neutral"))
    held = tmp_path / "held.jsonl"
    held.write_text(json.dumps({"sha1": text_hash(SECOND)}), encoding="utf-8")
    sources = [SourceConfig(path=small_corpus), SourceConfig(path=path, texts=[clones], split="train")]
    splits = build_splits(DataConfig(sources=sources, held_out=[held]))
    assert [e.text for part in splits.values() for e in part if e.source] == [FIRST]
    held.write_text(
        json.dumps({"sha1": text_hash("x"), "source": "owner/speeches", "path": "2001/a.txt"}), encoding="utf-8"
    )
    splits = build_splits(DataConfig(sources=sources, held_out=[held]))
    assert not [e for part in splits.values() for e in part if e.source]


def test_training_on_a_held_out_sentence_is_an_error(small_corpus, examples, tmp_path):
    held = tmp_path / "held.jsonl"
    held.write_text(json.dumps({"sha1": text_hash(examples[5].text)}), encoding="utf-8")
    with pytest.raises(DataError, match="row 6: this sentence is held out for measuring"):
        build_splits(DataConfig(sources=[SourceConfig(path=small_corpus)], held_out=[held]))


def test_the_shipped_labels_hold_no_text_and_nothing_held_out():
    standoff = REPOSITORY / "data" / "standoff"
    annotations = [annotation for _, annotation in read_annotations(standoff)]
    assert len(annotations) >= 300
    hashes, _ = read_held_out(sorted((standoff / "held-out").glob("*.jsonl")))
    assert len(hashes) == 351
    assert not hashes & {annotation.sha1 for annotation in annotations}
    for file in standoff.rglob("*.jsonl"):
        for line in file.read_text(encoding="utf-8").splitlines():
            assert not {"text", "context"} & set(json.loads(line))


def test_hydrate_on_the_command_line(labels, clones, tmp_path, capsys):
    from stance.cli import main

    path = labels(annotation(FIRST, "agree"), annotation(SECOND, "neutral", path="other.txt"))
    out = tmp_path / "hydrated"
    assert main(["data", "hydrate", str(path), "--from", str(clones), "--out", str(out)]) == 1
    assert "1 texts are missing:\n1 of owner/speeches: not found" in capsys.readouterr().err
    assert len(hydrate(read_annotations(path), [out]).examples) == 1
    assert main(["data", "hydrate", str(path), "--from", str(tmp_path / "nowhere")]) == 2
    assert "there is no" in capsys.readouterr().err
