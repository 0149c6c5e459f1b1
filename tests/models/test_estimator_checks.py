"""scikit-learn's own checks of estimators.

With the tags of text input (`string`, not `two_d_array`) scikit-learn skips all checks that need data, so they run
twice: once on the classifiers as they are, where only the checks without data remain, and once behind an adapter that
writes the checks' tables of numbers as texts.
"""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks
from sklearn.utils.validation import validate_data

from stance.models import EmbeddingClassifier, LinearClassifier

WITHOUT_DATA = [
    estimator_checks.check_estimator_cloneable,
    estimator_checks.check_estimator_tags_renamed,
    estimator_checks.check_valid_tag_types,
    estimator_checks.check_estimator_repr,
    estimator_checks.check_no_attributes_set_in_init,
    estimator_checks.check_do_not_raise_errors_in_init_or_set_params,
    estimator_checks.check_mixin_order,
    estimator_checks.check_parameters_default_constructible,
    estimator_checks.check_get_params_invariance,
    estimator_checks.check_set_params,
]


@pytest.mark.parametrize("check", WITHOUT_DATA, ids=lambda check: check.__name__)
@pytest.mark.parametrize("kind", [LinearClassifier, EmbeddingClassifier])
def test_checks_that_need_no_data(kind, check):
    check(kind.__name__, kind())


class _NumbersAsText:
    """Adapter: a cell of column 3 that is 2.51 becomes the word "c3v3", so that near numbers share words."""

    def fit(self, X, y=None):
        if y is not None:
            X, y = validate_data(self, X, y)
        else:
            validate_data(self, X)
        return super().fit(_texts(X), y)

    def predict_proba(self, X):
        return super().predict_proba(_texts(validate_data(self, X, reset=False)))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = False
        tags.input_tags.two_d_array = True
        return tags


def _texts(X):
    letters = "abcdefghijklmnopqrst"
    return [
        " ".join(f"c{column}{letters[int(np.clip(np.round(cell), -9, 10)) + 9] * 2}" for column, cell in enumerate(row))
        for row in np.asarray(X, dtype=float).tolist()
    ]


class NumericLinear(_NumbersAsText, LinearClassifier):
    """The linear classifier on tables of numbers."""


class NumericEmbedding(_NumbersAsText, EmbeddingClassifier):
    """The embedding classifier on tables of numbers."""


@parametrize_with_checks([NumericLinear(min_document_frequency=1)])
def test_checks_on_numbers_written_as_text(estimator, check):
    check(estimator)


def test_checks_of_the_embedding_classifier_on_numbers_written_as_text(tiny_encoder):
    estimator = NumericEmbedding(encoder=str(tiny_encoder), max_tokens=64)
    failures = {
        "check_classifiers_train": "wants 83 % accuracy on Gaussian clouds, which random vectors of their words lose",
        "check_methods_subset_invariance": "equal to 1e-7, but a float32 encoder pads batches to other lengths",
        "check_methods_sample_order_invariance": "the same",
    }
    results = check_estimator(estimator, expected_failed_checks=failures, on_fail=None, on_skip=None)
    assert [r["check_name"] for r in results if r["status"] == "failed"] == []
    assert sum(r["status"] == "passed" for r in results) > 30


def test_cloning_keeps_parameters_and_drops_the_fit():
    fitted = LinearClassifier(C=3.0).fit(
        ["good plan here", "bad plan here", "good plan now", "bad plan now"], ["agree", "disagree"] * 2
    )
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    assert not hasattr(copy, "head_")
