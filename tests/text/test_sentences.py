import re
import time

from hypothesis import given
from hypothesis import strategies as st

from stance.text import split_sentences
from tests.conftest import REPOSITORY


def texts(text):
    return [sentence.text for sentence in split_sentences(text)]


def test_sentences_are_cut_and_abbreviations_are_not():
    text = "The U.S. delegation met Gen. Brandt at 9 a.m. on Monday. It was brief.\nNo one spoke."
    text += "\n\nHeadline without stop\n\nEnd."
    assert texts(text) == [
        "The U.S. delegation met Gen. Brandt at 9 a.m. on Monday.",
        "It was brief.",
        "No one spoke.",
        "Headline without stop",
        "End.",
    ]


def test_the_example_article_is_cut_and_nothing_is_lost():
    article = (REPOSITORY / "data" / "examples" / "article.txt").read_text(encoding="utf-8")
    found = split_sentences(article)
    assert len(found) >= 18
    assert re.sub(r"\s", "", "".join(s.text for s in found)) == re.sub(r"\s", "", article)


pieces = st.sampled_from(
    [
        "Mr. X said. ",
        "“Yes. No.” ",
        "\n",
        "\n\n",
        "... ",
        "e.g. ",
        "U.S.",
        "a",
        "\u00a0",
        "!? ",
        "1. ",
        "\r\n",
        "(ii) ",
        "\t",
    ]
)


@given(st.lists(pieces | st.text(max_size=5), max_size=20).map("".join))
def test_offsets_always_reproduce_the_text(text):
    found = split_sentences(text)
    end = 0
    for sentence in found:
        assert text[sentence.start : sentence.end] == sentence.text == sentence.text.strip() != ""
        assert sentence.start >= end
        assert not text[end : sentence.start].strip()
        end = sentence.end
    assert not text[end:].strip()


def test_a_paragraph_of_100000_words_takes_seconds():
    sentence = "The shield was discussed by the ministers in Brussels on Monday."
    started = time.perf_counter()
    found = split_sentences(f"{sentence} " * 9_000)
    assert time.perf_counter() - started < 30
    assert [s.text for s in found] == [sentence] * 9_000


def test_one_sentence_of_50000_characters_is_kept_whole_word_by_word():
    text = "word " * 10_000
    assert "".join(s.text + " " for s in split_sentences(text)) == text
