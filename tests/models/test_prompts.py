import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from stance.errors import ConfigError, InputError
from stance.models import Inputs
from stance.models.prompts import Prompt, by_length, pad

WORDS = ["[UNK]", "[CLS]", "[SEP]"]
WORDS += "one two three four five six seven eight nine ten shield treaty :".split()  # noqa: SIM905
TEMPLATE = "[CLS] {target} [SEP] {context} {text} [SEP]"


def make_tokenizer():
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(["[CLS]", "[SEP]"])
    return tokenizer


def words(row):
    return [WORDS[number] for number in row.ids]


def one(text, target="shield", context="", template=TEMPLATE, max_tokens=32):
    [row] = Prompt(template, make_tokenizer(), max_tokens).rows(Inputs([text], [target], [context]))
    return row


def test_a_row_holds_target_context_and_text_in_the_templates_order():
    row = one("three four", context="one two")
    assert words(row) == ["[CLS]", "shield", "[SEP]", "one", "two", "three", "four", "[SEP]"]
    assert words(row)[row.start : row.end] == ["three", "four"]
    assert not row.truncated


def test_the_context_is_cut_first_and_from_its_beginning():
    row = one("five six seven eight", context="one two three four", max_tokens=10)
    assert words(row) == ["[CLS]", "shield", "[SEP]", "three", "four", "five", "six", "seven", "eight", "[SEP]"]
    assert row.truncated


def test_then_the_texts_end_is_cut_and_never_the_target():
    row = one("one two three four five six seven eight", context="nine ten", target="shield treaty", max_tokens=10)
    assert words(row) == ["[CLS]", "shield", "treaty", "[SEP]", "one", "two", "three", "four", "five", "[SEP]"]
    assert row.truncated


def test_a_target_without_room_for_a_text_is_refused():
    with pytest.raises(InputError, match="target has 9 tokens, which leaves no room"):
        one("one two three four five", target="shield " * 9, max_tokens=14)


def test_a_special_token_spelled_out_in_a_text_is_only_text():
    row = one("one [SEP] two")
    assert words(row).count("[SEP]") == 2
    assert words(row)[row.start : row.end] == ["one", "[UNK]", "[UNK]", "[UNK]", "two"]


def test_a_template_without_context_leaves_it_out():
    row = one("three", context="one two", template="{target} : {text}")
    assert words(row) == ["shield", ":", "three"]
    assert not row.truncated


@pytest.mark.parametrize("template", ["{text}", "{target}", "{text} {target} {txt}", "{text} {text} {target}"])
def test_a_template_needs_its_fields(template):
    with pytest.raises(ConfigError, match=r"model\.prompt"):
        one("one", template=template)


texts = st.lists(st.sampled_from(WORDS[3:]), max_size=40).map(" ".join)


@given(texts, texts, st.integers(16, 40))
def test_no_row_is_too_long_and_the_text_is_where_it_says(text, context, max_tokens):
    row = one(text, context=context, max_tokens=max_tokens)
    assert len(row.ids) <= max_tokens
    kept = words(row)[row.start : row.end]
    assert kept == text.split()[: len(kept)]
    assert row.truncated == (len(text.split()) + len(context.split()) > max_tokens - 4)


def test_batches_hold_every_row_once_and_like_lengths_together():
    rows = [one(" ".join(["one"] * n)) for n in (9, 1, 8, 2, 7)]
    batches = by_length(rows, 2)
    assert batches == [[1, 3], [4, 2], [0]]


def test_padding_is_at_the_end_and_masked():
    ids, mask, span = pad([one("one two three"), one("one")])
    assert mask.tolist() == [[1] * 7, [1] * 5 + [0] * 2]
    assert span.tolist() == [[0, 0, 0, 1, 1, 1, 0], [0, 0, 0, 1, 0, 0, 0]]
    assert ids[1].tolist()[5:] == [0, 0]
