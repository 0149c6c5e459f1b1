import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, log_loss

from stance import LABELS
from stance.evaluation import bootstrap_intervals, compute_metrics, expected_calibration_error

rows = st.lists(st.tuples(st.sampled_from(LABELS), st.tuples(*[st.floats(0.01, 1)] * 3)), min_size=2, max_size=40)


def as_arrays(drawn):
    probabilities = np.array([weights for _, weights in drawn])
    return [label for label, _ in drawn], probabilities / probabilities.sum(axis=1, keepdims=True)


@given(rows)
def test_the_figures_are_scikit_learns(drawn):
    truth, probabilities = as_arrays(drawn)
    predicted = [LABELS[i] for i in probabilities.argmax(axis=1)]
    metrics = compute_metrics(truth, probabilities)
    labels = list(LABELS)
    assert metrics["macro_f1"] == pytest.approx(
        f1_score(truth, predicted, labels=labels, average="macro", zero_division=0)
    )
    assert metrics["f_avg"] == pytest.approx(
        f1_score(truth, predicted, labels=["agree", "disagree"], average="macro", zero_division=0)
    )
    assert metrics["accuracy"] == pytest.approx(accuracy_score(truth, predicted))
    assert metrics["log_loss"] == pytest.approx(
        log_loss(truth, probabilities[:, [2, 0, 1]], labels=["agree", "disagree", "neutral"])
    )
    assert metrics["n"] == len(truth)


def test_perfect_and_hopeless_predictions():
    assert compute_metrics(LABELS, np.eye(3))["macro_f1"] == 1
    assert compute_metrics(LABELS, np.eye(3))["log_loss"] == pytest.approx(0, abs=1e-9)
    assert compute_metrics(LABELS, np.eye(3)[[1, 2, 0]])["macro_f1"] == 0
    assert np.isfinite(compute_metrics(LABELS, np.eye(3)[[1, 2, 0]])["log_loss"])


def test_calibration_error_of_known_distributions():
    sure = np.tile([0.0, 0.0, 1.0], (100, 1))
    assert expected_calibration_error(["agree"] * 100, sure) == 0
    assert expected_calibration_error(["agree"] * 60 + ["neutral"] * 40, sure) == pytest.approx(0.4, abs=1e-9)
    honest = np.tile([0.2, 0.2, 0.6], (1000, 1))
    shuffled = np.random.default_rng(0).permutation(["agree"] * 600 + ["neutral"] * 400).tolist()
    assert expected_calibration_error(shuffled, honest) < 0.06


def test_intervals_hold_the_figure_and_are_the_same_each_time(examples):
    truth = [example.label for example in examples]
    predicted = ["agree" if i % 3 == 0 else label for i, label in enumerate(truth)]
    documents = [example.document_id for example in examples]
    intervals = bootstrap_intervals(truth, predicted, documents, seed=3)
    assert intervals == bootstrap_intervals(truth, predicted, documents, seed=3)
    figure = f1_score(truth, predicted, average="macro")
    low, high = intervals["macro_f1"]
    assert low < figure < high
    assert high - low < 0.2


def test_intervals_are_wider_over_documents_than_over_sentences():
    generator = np.random.default_rng(5)
    truth, predicted, documents = [], [], []
    for document in range(40):
        right = generator.random() < 0.7  # a document is read rightly or wrongly as a whole
        for label in generator.choice(LABELS, 10):
            truth.append(str(label))
            predicted.append(str(label) if right else LABELS[(LABELS.index(str(label)) + 1) % 3])
            documents.append(f"d{document}")
    wide = np.diff(bootstrap_intervals(truth, predicted, documents)["accuracy"])
    narrow = np.diff(bootstrap_intervals(truth, predicted, [""] * len(truth))["accuracy"])
    assert wide > 2 * narrow


def test_intervals_cover_the_truth_as_often_as_they_say():
    generator = np.random.default_rng(11)
    covered = 0
    for trial in range(200):
        right = generator.random(150) < 0.75
        truth = ["agree"] * 150
        predicted = np.where(right, "agree", "neutral").tolist()
        low, high = bootstrap_intervals(truth, predicted, [""] * 150, seed=trial, resamples=500)["accuracy"]
        covered += low <= 0.75 <= high
    assert 0.91 <= covered / 200 <= 0.98
