import json
from dataclasses import replace

import numpy as np
import pyarrow.parquet
import pytest

import stance
from stance import Example
from stance.errors import InputError

HOSTILE = "</title><script>alert(1)</script> “shield” & \x1b[31m"


@pytest.fixture
def evaluation(predictor, examples):
    return stance.evaluate(predictor, examples[:200])


def test_an_evaluation_has_figure_interval_and_baseline(evaluation):
    low, high = evaluation.interval
    assert low < evaluation.macro_f1 < high
    assert 0 < evaluation.majority["macro_f1"] < 0.34
    assert evaluation.confusion.sum() == 200
    assert np.trace(evaluation.confusion) / 200 == pytest.approx(evaluation.metrics["accuracy"])


def test_errors_are_wrong_and_most_confident_first(evaluation):
    errors = evaluation.errors()
    assert 0 < len(errors) <= 10
    assert all(example.label != label for example, label, _ in errors)
    confidences = [confidence for _, _, confidence in errors]
    assert confidences == sorted(confidences, reverse=True)


def test_json_holds_all_figures(evaluation):
    data = json.loads(evaluation.to_json())
    assert data["macro_f1"] == evaluation.macro_f1
    assert data["intervals"]["macro_f1"] == list(evaluation.interval)
    assert data["labels"] == list(stance.LABELS)
    assert len(data["errors"]) == len(evaluation.errors())
    assert {"f_avg", "log_loss", "expected_calibration_error", "f1_agree", "n", "majority"} <= set(data)


def test_predictions_are_written_with_their_examples(evaluation, tmp_path):
    evaluation.write_predictions(tmp_path / "p.parquet")
    table = pyarrow.parquet.read_table(tmp_path / "p.parquet").to_pylist()
    assert [row["id"] for row in table] == [example.id for example in evaluation.examples]
    assert [row["predicted"] for row in table] == evaluation.predicted
    assert table[0]["p_disagree"] + table[0]["p_neutral"] + table[0]["p_agree"] == pytest.approx(1)


def test_a_path_and_a_dataset_are_read(predictor, small_corpus, config_file):
    from_path = stance.evaluate(predictor, small_corpus / "corpus.jsonl")
    assert from_path.metrics["n"] > 500
    assert stance.evaluate(predictor, stance.build_dataset(config_file)["test"]).metrics["n"] > 20


def test_the_report_keeps_hostile_text_inert(predictor, tmp_path):
    hostile = Example(id="0", text=HOSTILE, label="agree", target=HOSTILE, context=HOSTILE, document_id=HOSTILE)
    rows = [replace(hostile, id=str(number)) for number in range(3)]
    rows += [Example(id="x", text="The shield costs money.", label="neutral")]
    evaluation = stance.evaluate(predictor, rows, name=HOSTILE)
    evaluation.report(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "http" not in page.replace("http-equiv", "")
    assert f"{evaluation.macro_f1:.3f}" in page


def test_what_cannot_be_evaluated_is_explained(predictor):
    with pytest.raises(InputError, match="no example"):
        stance.evaluate(predictor, [])
    with pytest.raises(InputError, match="no label"):
        stance.evaluate(predictor, [Example(id="1", text="a")])
    with pytest.raises(InputError, match="expected examples, not str"):
        stance.evaluate(predictor, ["text"])
