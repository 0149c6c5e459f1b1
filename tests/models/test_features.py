import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import hstack
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

from stance.models.features import WordCharacterTfidf

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
documents = st.lists(st.lists(words, min_size=1, max_size=8).map(" ".join), min_size=3, max_size=8)


def reference(train, test, minimum):
    """The same matrix from scikit-learn's own parts, term by term."""
    counters = [
        CountVectorizer(min_df=minimum),
        CountVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=minimum),
    ]
    blocks = []
    for counter in counters:
        try:
            blocks.append((counter.fit_transform(train), counter.transform(test)))
        except ValueError:
            continue
    weights = TfidfTransformer(sublinear_tf=True).fit(hstack([a for a, _ in blocks], format="csr"))
    return weights.transform(hstack([b for _, b in blocks], format="csr")).toarray()


@settings(max_examples=60, deadline=None)
@given(documents, documents)
def test_the_matrix_is_scikit_learns_for_any_text(train, test):
    # lower() may itself make white space or other words of exotic letters: both sides get the text after it
    train, test = [text.lower() for text in train], [text.lower() for text in test]
    try:
        features = WordCharacterTfidf(min_document_frequency=1).fit(train)
    except ValueError:
        return
    np.testing.assert_allclose(features.transform(test).toarray(), reference(train, test, 1), atol=1e-12)


def test_the_matrix_is_scikit_learns_on_the_corpus(examples):
    texts = [example.text for example in examples]
    features = WordCharacterTfidf().fit(texts[:400])
    np.testing.assert_allclose(
        features.transform(texts[400:]).toarray(), reference(texts[:400], texts[400:], 2), atol=1e-12
    )


def test_arrays_carry_all_that_was_fitted(examples):
    texts = [example.text for example in examples]
    features = WordCharacterTfidf().fit(texts[:300])
    again = WordCharacterTfidf().from_arrays(features.to_arrays())
    assert (features.transform(texts) != again.transform(texts)).nnz == 0


def test_texts_without_a_common_term_are_an_error():
    with pytest.raises(ValueError, match="no term occurs in 2 texts"):
        WordCharacterTfidf().fit(["aa", "bb"])
