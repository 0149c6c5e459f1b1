import pytest
from hypothesis import given
from hypothesis import strategies as st

from stance import LABELS, Prediction


@given(st.tuples(*[st.floats(0.001, 1)] * 3))
def test_a_prediction_is_derived_from_its_probabilities(weights):
    row = [weight / sum(weights) for weight in weights]
    prediction = Prediction.from_probabilities("text", "target", row)
    assert prediction.probabilities == dict(zip(LABELS, row, strict=True))
    assert prediction.confidence == max(row) == prediction.probabilities[prediction.label]
    assert prediction.score == pytest.approx(row[2] - row[0])
    assert -1 <= prediction.score <= 1


def test_a_prediction_cannot_be_changed():
    prediction = Prediction.from_probabilities("text", "target", [0.2, 0.3, 0.5])
    with pytest.raises(AttributeError):
        prediction.label = "neutral"
