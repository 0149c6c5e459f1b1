"""What every classifier must do, each tried on the linear one and on the embedding one over a tiny encoder."""

import random

import numpy as np
import pytest

from stance import LABELS
from stance.errors import ConfigError, InputError, ModelError
from stance.models import EmbeddingClassifier, LinearClassifier, as_inputs, make_classifier


@pytest.fixture(params=["linear", "embedding"])
def classifier(request):
    if request.param == "linear":
        return LinearClassifier()
    return EmbeddingClassifier(encoder=str(request.getfixturevalue("tiny_encoder")), max_tokens=64, C=100.0)


@pytest.fixture
def data(examples):
    return [(e.text, e.target) for e in examples[:240]], [e.label for e in examples[:240]]


def test_probabilities_are_in_the_order_of_labels(classifier, data):
    X, y = data
    classifier.fit(X, y)
    probabilities = classifier.predict_proba(X)
    assert classifier.classes_.tolist() == list(LABELS)
    assert probabilities.shape == (len(X), 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert [LABELS[i] for i in probabilities.argmax(axis=1)] == classifier.predict(X).tolist()
    assert classifier.score(X, y) > 0.45


def test_a_label_that_training_lacks_gets_probability_zero(classifier, data):
    X, y = data
    rows = [i for i, label in enumerate(y) if label != "neutral"]
    classifier.fit([X[i] for i in rows], [y[i] for i in rows])
    probabilities = classifier.predict_proba(X)
    assert (probabilities[:, 1] == 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def test_the_result_does_not_depend_on_batch_or_order(classifier, data):
    X, y = data
    whole = classifier.fit(X, y).predict_proba(X)
    order = list(range(len(X)))
    random.Random(1).shuffle(order)
    np.testing.assert_allclose(classifier.predict_proba([X[i] for i in order]), whole[order], atol=2e-6)
    single = np.vstack([classifier.predict_proba([x]) for x in X[:12]])
    np.testing.assert_allclose(single, whole[:12], atol=2e-6)


def test_saving_and_loading_keeps_every_probability(classifier, data, tmp_path):
    X, y = data
    classifier.fit(X, y).save(tmp_path)
    loaded = type(classifier).load(tmp_path)
    np.testing.assert_array_equal(loaded.predict_proba(X), classifier.predict_proba(X))
    assert loaded.get_params() == classifier.get_params()
    (tmp_path / "again").mkdir()
    loaded.save(tmp_path / "again")
    [file] = [path for path in tmp_path.iterdir() if path.is_file()]
    assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes()


def test_fitting_twice_gives_the_same(classifier, data):
    X, y = data
    first = classifier.fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(classifier.fit(X, y).predict_proba(X), first)


def test_a_model_reads_the_target(classifier):
    base = [
        f"the {noun} is {word}"
        for noun in ("radar", "system", "plan", "base", "site", "ship")
        for word in ("fine", "odd")
    ]
    X = [(text, target) for text in base * 10 for target in ("the shield", "the treaty")]
    y = ["agree" if ("fine" in text) == (target == "the shield") else "disagree" for text, target in X]
    assert classifier.fit(X, y).score(X, y) > 0.9


def test_the_linear_score_is_the_heads_on_the_augmented_matrix(data):
    X, y = data
    X = [(text, f"target {number % 3}") for number, (text, _) in enumerate(X)]
    classifier = LinearClassifier().fit(X, y)
    assert classifier.targets_ == ["target 0", "target 1", "target 2"]
    X += [(text, "never seen") for text, _ in X[:9]]
    inputs = as_inputs(X)
    matrix = classifier._augment(classifier.features_.transform(inputs.texts), inputs.targets)
    expected = classifier.head_.predict_proba(matrix)[:, [1, 2, 0]]
    np.testing.assert_allclose(classifier.predict_proba(X), expected, atol=1e-12)


def test_no_rows_give_no_probabilities(classifier, data):
    assert classifier.fit(*data).predict_proba([]).shape == (0, 3)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (["a", None], ["agree", "neutral"], "row 1 must be a text"),
        (["a", 3], ["agree", "neutral"], "row 1 must be a text"),
        ("text", ["agree"], "a sequence of texts, not one text"),
        (["a", "b"], ["agree"], "one label a text"),
        (["a", "b"], ["agree", "agree"], "only one class"),
        (["a", "b"], None, "requires y"),
        ([("a", "b", "c", "d")], ["agree"], "row 0 must be a text"),
    ],
)
def test_wrong_training_data_is_explained(classifier, X, y, message):
    with pytest.raises(InputError, match=message):
        classifier.fit(X, y)


def test_inputs_are_texts_or_columns():
    assert as_inputs(["a"]) == (["a"], ["missile defence"], [""])
    assert as_inputs([("a", "NATO", "before")]) == (["a"], ["NATO"], ["before"])
    assert as_inputs(np.array([["a", "NATO"]])) == (["a"], ["NATO"], [""])


def test_parameters_are_checked_again_in_fit(data):
    with pytest.raises(ConfigError, match=r"model\.C: .*greater than 0"):
        LinearClassifier(C=0).fit(*data)


def test_a_damaged_file_is_named(data, tmp_path):
    LinearClassifier().fit(*data).save(tmp_path)
    file = tmp_path / "linear.safetensors"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(ModelError, match=r"linear\.safetensors cannot be read"):
        LinearClassifier.load(tmp_path)


def test_texts_beyond_the_window_are_counted(tiny_encoder):
    classifier = EmbeddingClassifier(encoder=str(tiny_encoder), max_tokens=64)
    assert classifier.count_truncated(["short", "long " * 100]) == 1
    assert LinearClassifier().count_truncated(["long " * 100]) == 0


def test_a_missing_encoder_names_every_place():
    with pytest.raises(ModelError) as caught:
        make_classifier("embedding", {"encoder": "nobody/nothing"}).fit(["a b", "c d"], ["agree", "neutral"])
    message = str(caught.value)
    assert 'no encoder "nobody/nothing"' in message
    assert all(place in message for place in ("the folder", "cache on this machine", "the hub:"))


def test_the_pretrained_encoder_is_found_and_gives_its_known_vectors():
    from stance.models.embedding import SentenceEncoder
    from stance.models.encoders import DEFAULT_ENCODER

    encoder = SentenceEncoder(DEFAULT_ENCODER)
    near, far, again = encoder.encode(["We back the shield.", "Rain fell on Prague.", "We support the shield."])[:, 0]
    assert near.shape == (384,)
    assert np.linalg.norm(near) == pytest.approx(1, abs=1e-5)
    assert near @ again > 0.75
    assert near @ far < 0.3


def test_an_encoder_whose_weights_were_swapped_is_refused(monkeypatch):
    from stance.models import encoders

    monkeypatch.setattr(encoders, "sha256", lambda path: "0" * 64)
    with pytest.raises(ModelError, match="another sha256 than the original"):
        encoders.find_encoder(encoders.DEFAULT_ENCODER)
