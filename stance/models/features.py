"""TF-IDF over words and character n-grams: scikit-learn's figures, at many times its speed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, hstack, vstack
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.utils.validation import check_is_fitted

from stance.errors import InputError

_ANALYZERS = ("word", "char_wb")


class WordCharacterTfidf(TransformerMixin, BaseEstimator):
    """Sublinear TF-IDF of words and of character n-grams inside words, each row of unit length.

    The matrix is the one that `TfidfTransformer(sublinear_tf=True)` makes of the counts of two
    `CountVectorizer`, one by words and one by `analyzer="char_wb"`. Neither kind of term reaches over white
    space, so terms are counted once a distinct word instead of once an occurrence: with N the counts of words
    (by white space) in texts and V those of terms in words, the counts of terms in texts are N V.

    Parameters
    ----------
    character_ngrams : (int, int), default=(2, 5)
        Shortest and longest character n-gram; a word is padded with a blank on either side.
    min_document_frequency : int, default=2
        Terms in fewer texts are left out.
    """

    def __init__(self, character_ngrams: tuple[int, int] = (2, 5), min_document_frequency: int = 2) -> None:
        self.character_ngrams = character_ngrams
        self.min_document_frequency = min_document_frequency

    def fit(self, texts: Sequence[str], y: Any = None) -> Self:
        """Learn terms and their inverse document frequencies."""
        self.fit_transform(texts)
        return self

    def fit_transform(self, texts: Sequence[str], y: Any = None) -> csr_matrix:
        """Fit, and return the matrix of `texts`, shape (n, n_terms)."""
        occurrences, words = _count_words(texts)
        blocks, self.terms_ = [], []
        for analyzer in _ANALYZERS:
            vectorizer = self._vectorizer(analyzer, None)
            try:
                terms_in_words = vectorizer.fit_transform(words)
            except ValueError:  # scikit-learn's word for an empty vocabulary
                blocks.append(csr_matrix((len(words), 0)))
                self.terms_.append(np.array([], dtype=object))
                continue
            frequent = np.flatnonzero((occurrences @ terms_in_words).getnnz(axis=0) >= self.min_document_frequency)
            blocks.append(terms_in_words[:, frequent])
            self.terms_.append(vectorizer.get_feature_names_out()[frequent])
        if not sum(map(len, self.terms_)):
            raise InputError(f"no term occurs in {self.min_document_frequency} texts; give more texts")
        self.words_ = np.array(words, dtype=object)
        self.__dict__.pop("_rows", None)  # of an earlier fit
        self._terms_in_words = hstack(blocks, format="csr", dtype=np.float64)
        counts = occurrences @ self._terms_in_words
        self.weights_ = TfidfTransformer(sublinear_tf=True).fit(counts)
        return self.weights_.transform(counts, copy=False)

    def transform(self, texts: Sequence[str]) -> csr_matrix:
        """Return the matrix of `texts`, shape (n, n_terms)."""
        check_is_fitted(self)
        occurrences, words = _count_words(texts)
        return self.weights_.transform(occurrences @ self._look_up(words), copy=False)

    def _look_up(self, words: list[str]) -> csr_matrix:
        """Return the counts of terms in `words`, shape (n_words, n_terms), from memory where `fit` saw the word."""
        if not hasattr(self, "_rows"):
            self._rows = {word: row for row, word in enumerate(self.words_.tolist())}
            self._counters = [
                self._vectorizer(*pair) for pair in zip(_ANALYZERS, self.terms_, strict=True) if len(pair[1])
            ]
        if not hasattr(self, "_terms_in_words"):  # just loaded: only the words and terms are stored
            self._terms_in_words = self._count_terms(self.words_.tolist())
        rows = np.array([self._rows.get(word, -1) for word in words])
        unseen = np.flatnonzero(rows < 0)
        if not unseen.size:
            return self._terms_in_words[rows]
        seen = np.flatnonzero(rows >= 0)
        parts = [self._terms_in_words[rows[seen]], self._count_terms([words[row] for row in unseen.tolist()])]
        return vstack(parts, format="csr")[np.argsort(np.concatenate([seen, unseen]))]

    def _count_terms(self, words: list[str]) -> csr_matrix:
        return hstack([counter.transform(words) for counter in self._counters], format="csr", dtype=np.float64)

    def _vectorizer(self, analyzer: str, terms: npt.NDArray[Any] | None) -> CountVectorizer:
        ngrams = (1, 1) if analyzer == "word" else self.character_ngrams
        return CountVectorizer(analyzer=analyzer, ngram_range=ngrams, lowercase=False, vocabulary=terms)

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return all that was fitted as arrays of numbers; what can be counted again at need is left out."""
        check_is_fitted(self)
        strings = {"words": self.words_, **dict(zip(_ANALYZERS, self.terms_, strict=True))}
        return {name: _pack(values) for name, values in strings.items()} | {"idf": self.weights_.idf_}

    def from_arrays(self, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Take up what `to_arrays` gave."""
        self.words_ = _unpack(arrays["words"])
        self.terms_ = [_unpack(arrays[analyzer]) for analyzer in _ANALYZERS]
        self.weights_ = TfidfTransformer(sublinear_tf=True)
        self.weights_.idf_ = arrays["idf"]
        return self


def _pack(strings: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Join strings, none of which holds a line feed since all were cut at white space."""
    return np.frombuffer("\n".join(strings.tolist()).encode("utf-8", "surrogatepass"), dtype=np.uint8)


def _unpack(packed: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
    text = packed.tobytes().decode("utf-8", "surrogatepass")
    return np.array(text.split("\n") if text else [], dtype=object)


def _count_words(texts: Sequence[str]) -> tuple[csr_matrix, list[str]]:
    """Return the counts of lower-case words, split by white space, in each text, and the words."""
    columns: defaultdict[str, int] = defaultdict()
    columns.default_factory = columns.__len__
    indices: list[int] = []
    ends = [0]
    for text in texts:
        indices += [columns[word] for word in text.lower().split()]
        ends.append(len(indices))
    counts = csr_matrix((np.ones(len(indices)), indices, ends), shape=(len(texts), max(len(columns), 1)))
    counts.sum_duplicates()
    return counts, list(columns) or ["a"]
