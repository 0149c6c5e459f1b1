import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stance import LABELS, Prediction, StancePredictor
from stance.errors import InputError, ModelError, TruncationWarning
from stance.predictor import MAX_CHARACTERS

TEXTS = ["The shield protects our cities.", "We cannot accept the interceptors.", "The radar was switched on in May."]


def test_one_text_gives_one_prediction(predictor):
    prediction = predictor.predict(TEXTS[0])
    assert isinstance(prediction, Prediction)
    assert (prediction.text, prediction.target) == (TEXTS[0], "missile defence")
    assert prediction.label in LABELS
    assert sum(prediction.probabilities.values()) == pytest.approx(1)


def test_many_texts_give_a_list_in_their_order(predictor):
    together = predictor.predict(TEXTS)
    assert [prediction.text for prediction in together] == TEXTS
    for prediction, text in zip(together, TEXTS, strict=True):
        assert prediction.probabilities == pytest.approx(predictor.predict(text).probabilities, abs=1e-12)
    assert predictor.predict(tuple(TEXTS)) == predictor.predict(iter(TEXTS)) == together
    assert predictor.predict([]) == []


def test_probabilities_are_those_of_the_predictions(predictor):
    rows = predictor.predict_proba(TEXTS)
    assert rows.shape == (3, 3)
    assert [list(p.probabilities.values()) for p in predictor.predict(TEXTS)] == rows.tolist()
    assert predictor.predict_proba([]).shape == (0, 3)


def test_targets_and_contexts_are_one_for_all_or_one_a_text(predictor):
    assert [p.target for p in predictor.predict(TEXTS, target="NATO")] == ["NATO"] * 3
    assert [p.target for p in predictor.predict(TEXTS, target=["a", "b", "c"], context=["x", "", "z"])] == [
        "a",
        "b",
        "c",
    ]
    with pytest.raises(InputError, match="2 targets for 3 texts"):
        predictor.predict(TEXTS, target=["a", "b"])
    with pytest.raises(InputError, match="context 1 must be a string, not 5"):
        predictor.predict(TEXTS, context=["a", 5, "c"])
    with pytest.raises(InputError, match="target 0 is empty"):
        predictor.predict(TEXTS, target=" ")


@pytest.mark.parametrize("bad", [None, 5, 2.5, b"bytes", ["nested"], float("nan")])
def test_what_is_no_text_is_named(predictor, bad):
    with pytest.raises(InputError, match="text 1 must be a string"):
        predictor.predict(["fine", bad])


@pytest.mark.parametrize("empty", ["", "   ", "\n\t", "\u3000"])
def test_an_empty_text_is_named(predictor, empty):
    with pytest.raises(InputError, match="text 0 is empty"):
        predictor.predict(empty)


def test_a_very_long_text_is_predicted_and_the_cut_reported(predictor):
    text = "The shield is needed now. " * 20_000
    with pytest.warns(TruncationWarning, match="1 of 2 texts are longer"):
        predictions = predictor.predict([text, "short one"])
    assert predictions[0].text == text
    assert predictions[0].probabilities == predictor.predict(text[:MAX_CHARACTERS]).probabilities


@pytest.mark.parametrize(
    "text", ["\x00\x07 control \x1b[31m", "שלום מגן הטילים", "\u202eevil\u202c", "🚀🛡️ yes 👍🏽", "\ud800 lone"]
)
def test_strange_text_is_predicted(predictor, text):
    assert predictor.predict(text).label in LABELS


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=6))
def test_any_text_gives_probabilities_that_do_not_depend_on_the_batch(predictor, texts):
    rows = predictor.predict_proba(texts)
    np.testing.assert_allclose(rows.sum(axis=1), 1)
    order = random.Random(0).sample(range(len(texts)), len(texts))
    np.testing.assert_allclose(predictor.predict_proba([texts[i] for i in order]), rows[order], atol=1e-12)


def test_a_stream_is_lazy_and_in_order(predictor):
    drawn = []

    def rows():
        for number in range(3000):
            drawn.append(number)
            yield {"text": f"Shield number {number}.", "target": "NATO"} if number % 2 else f"Shield number {number}."

    stream = predictor.stream(rows())
    first = next(stream)
    assert first.text == "Shield number 0."
    assert len(drawn) < 3000
    rest = list(stream)
    assert [prediction.text for prediction in [first, *rest]] == [f"Shield number {n}." for n in range(3000)]
    assert rest[0].target == "NATO"
    with pytest.raises(InputError, match="row 1 must be a text"):
        list(predictor.stream(["a", {"sentence": "b"}]))


def test_rows_of_a_stream_are_counted_from_its_start(predictor):
    with pytest.raises(InputError, match="text 1500 is empty"):
        list(predictor.stream(["A shield."] * 1500 + [""]))


@pytest.mark.parametrize("bad", [{"text": "a"}, b"a", 5, None])
def test_what_holds_no_list_of_texts_is_refused(predictor, bad):
    with pytest.raises(InputError, match="expected a text or an iterable of texts"):
        predictor.predict(bad)
    with pytest.raises(InputError, match="target must be a string"):
        predictor.predict(["a"], target=5)


@pytest.mark.parametrize("bad", ["hello", {"text": "a"}])
def test_a_stream_of_one_text_is_refused(predictor, bad):
    with pytest.raises(InputError, match="expected an iterable of texts or mappings"):
        list(predictor.stream(bad))


def test_a_name_that_leads_elsewhere_is_not_taken_from_a_manifest(run_copy):
    import json

    manifest = json.loads((run_copy / "manifest.json").read_text(encoding="utf-8"))
    (run_copy / "manifest.json").write_text(json.dumps(manifest | {"name": "../../elsewhere"}), encoding="utf-8")
    assert StancePredictor.from_pretrained(run_copy).name == "copy"


def test_a_run_is_not_overwritten_by_its_model(run_copy, predictor):
    with pytest.raises(ModelError, match="is not a model"):
        predictor.save_pretrained(run_copy)
    assert (run_copy / "metrics.json").is_file()


def test_saving_and_loading_gives_the_same_predictions(predictor, tmp_path):
    predictor.save_pretrained(tmp_path / "model")
    again = StancePredictor.from_pretrained(tmp_path / "model")
    assert again.predict(TEXTS) == predictor.predict(TEXTS)
    assert again.card == predictor.card
    again.save_pretrained(tmp_path / "twice")
    for file in ("manifest.json", "model/linear.safetensors", "README.md"):
        assert (tmp_path / "twice" / file).read_bytes() == (tmp_path / "model" / file).read_bytes()


def test_no_model_says_how_to_get_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="no model folder runs/nothing/here; train one"):
        StancePredictor.from_pretrained("runs/nothing/here")
    with pytest.raises(ModelError, match="no model folder nobody/nothing, and the hub did not give it"):
        StancePredictor.from_pretrained("nobody/nothing")


def test_pushing_to_the_hub_uploads_the_model_folder(predictor, monkeypatch):
    import huggingface_hub

    seen = {}

    class Hub:
        def create_repo(self, name, **options):
            seen["repository"] = (name, options)

        def upload_folder(self, repo_id, folder_path):
            seen["files"] = sorted(
                path.relative_to(folder_path).as_posix() for path in folder_path.rglob("*") if path.is_file()
            )
            return f"hub/{repo_id}"

    monkeypatch.setattr(huggingface_hub, "HfApi", Hub)
    assert predictor.push_to_hub("me/model", private=True) == "hub/me/model"
    assert seen["repository"] == ("me/model", {"private": True, "exist_ok": True})
    assert seen["files"] == ["README.md", "manifest.json", "model/linear.safetensors"]
