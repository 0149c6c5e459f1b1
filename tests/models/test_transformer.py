"""Fine-tuning, on tiny random backbones: an encoder and a decoder."""

import shutil

import numpy as np
import pytest

from stance.errors import ConfigError, ModelError
from stance.models import TransformerClassifier
from stance.models.finetuning import Finetuning

QUICK = {"epochs": 2, "learning_rate": 3e-3, "max_tokens": 64, "batch_size": 8, "checks": 2}
TEXTS = [
    (f"{start} {noun} is {word}", target)
    for start in ("the", "our", "a")
    for noun in ("radar", "plan", "base", "site")
    for word in ("fine", "odd")
    for target in ("shield", "treaty")
]
LABELS = ["agree" if "fine" in text else "disagree" for text, _ in TEXTS]


@pytest.fixture(params=["encoder", "decoder"])
def backbone(request):
    return str(request.getfixturevalue(f"tiny_{request.param}"))


def fit(backbone, validation=None, checkpoints=None, **parameters):
    classifier = TransformerClassifier(backbone=backbone, **{**QUICK, **parameters})
    return classifier.fit(TEXTS, LABELS, validation=validation, checkpoints=checkpoints)


@pytest.mark.parametrize("trained", ["whole", "layers", "lora"])
def test_each_way_of_training_learns_and_is_kept_by_saving(backbone, trained, tmp_path):
    rates = {"learning_rate": 1e-2, "head_learning_rate": 3e-2}
    classifier = fit(backbone, trained=trained, top_layers=2, epochs=30, dropout=0.0, **rates)
    assert classifier.score(TEXTS, LABELS) > 0.9
    classifier.save(tmp_path)
    loaded = TransformerClassifier.load(tmp_path)
    np.testing.assert_array_equal(loaded.predict_proba(TEXTS), classifier.predict_proba(TEXTS))


def test_only_what_was_trained_is_saved(tiny_encoder):
    assert set(fit(str(tiny_encoder), trained="layers", top_layers=1, epochs=1).weights_) == {
        "head.weight", "head.bias",
        *(f"backbone.encoder.layer.1.{name}.{kind}" for kind in ("weight", "bias") for name in (
            "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
            "attention.output.LayerNorm", "intermediate.dense", "output.dense", "output.LayerNorm",
        )),
    }  # fmt: skip
    adapted = fit(str(tiny_encoder), trained="lora", rank=2, epochs=1).weights_
    assert {name.split(".")[0] for name in adapted if ".lora_" not in name} == {"head"}
    assert sum(".lora_A." in name for name in adapted) == 12


def test_frozen_layers_that_run_once_give_the_same_logits(tiny_decoder):
    import torch

    from stance.models.encoders import load_backbone
    from stance.models.network import FrozenBelow, StanceNetwork

    _, model = load_backbone(tiny_decoder)
    network = StanceNetwork(model, "text+last", 3, 0.0, segments=False).eval()
    ids = torch.randint(0, 200, (4, 9))
    mask = torch.ones_like(ids)
    mask[2, 6:] = 0
    span = mask.clone()
    span[:, :3] = 0
    below = FrozenBelow(network, 2)
    with torch.inference_mode():
        torch.testing.assert_close(below.logits(below.lower(ids, mask), mask, span), network(ids, mask, span))
        assert len(network.backbone.layers) == 3


def test_a_training_that_is_stopped_goes_on_to_the_very_same_weights(backbone, tmp_path, monkeypatch):
    parameters = {"trained": "lora", "top_layers": 2, "epochs": 3, "averaging": 0.9}
    validation = (TEXTS[:12], LABELS[:12])
    whole = fit(backbone, validation, **parameters)
    save, saved = Finetuning._save, []

    def stop_after_the_third(self):
        save(self)
        saved.append(self.state.step)
        if len(saved) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Finetuning, "_save", stop_after_the_third)
    with pytest.raises(KeyboardInterrupt):
        fit(backbone, validation, tmp_path, **parameters)
    monkeypatch.undo()
    resumed = fit(backbone, validation, tmp_path, **parameters)
    assert resumed.history_ == whole.history_
    for name, weight in whole.weights_.items():
        np.testing.assert_array_equal(resumed.weights_[name], weight, err_msg=name)


def test_a_checkpoint_of_another_training_is_refused(tiny_encoder, tmp_path):
    fit(str(tiny_encoder), checkpoints=tmp_path, epochs=1)
    with pytest.raises(ModelError, match="comes from another training"):
        fit(str(tiny_encoder), checkpoints=tmp_path, epochs=2)


def test_a_checkpoint_cut_short_is_named(tiny_encoder, tmp_path):
    fit(str(tiny_encoder), checkpoints=tmp_path, epochs=1)
    file = tmp_path / "checkpoint.safetensors"
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(ModelError, match=r"checkpoint\.safetensors cannot be read"):
        fit(str(tiny_encoder), checkpoints=tmp_path, epochs=1)


def test_a_loss_that_is_no_number_stops_with_advice(tiny_encoder):
    with pytest.raises(ModelError, match=r"not a number at step \d+: lower model\.learning_rate \(now 1e\+30\)"):
        fit(str(tiny_encoder), learning_rate=1e30, head_learning_rate=1e30, warmup=0.0)


def test_training_ends_early_and_keeps_the_best_weights(tiny_encoder):
    wrong = ["disagree" if label == "agree" else "agree" for label in LABELS]
    classifier = fit(str(tiny_encoder), (TEXTS, wrong), epochs=40, checks=1, patience=2, learning_rate=1e-2)
    scores = [entry["macro_f1"] for entry in classifier.history_]
    assert len(scores) < 40
    assert len(scores) == int(np.argmax(scores)) + 3
    assert classifier.score(TEXTS, wrong) >= max(scores) - 0.1


def test_validation_may_lack_a_label_or_hold_one_that_training_lacks(tiny_encoder):
    classifier = fit(str(tiny_encoder), (TEXTS[:4], ["agree", "neutral", "agree", "neutral"]), epochs=1)
    assert all(0 <= entry["macro_f1"] <= 1 for entry in classifier.history_)


def test_a_teachers_doubts_are_learned(tiny_encoder, run_folder):
    parameters = {"epochs": 30, "learning_rate": 1e-2, "dropout": 0.0}
    sure = fit(str(tiny_encoder), **parameters)
    taught = fit(str(tiny_encoder), teacher=[str(run_folder)], teacher_weight=1.0, **parameters)
    from stance.models import load_classifier

    teacher, _ = load_classifier(run_folder)
    goal = teacher.predict_proba(TEXTS)[:, [0, 2]]
    goal /= goal.sum(axis=1, keepdims=True)

    def distance(classifier):
        return np.abs(classifier.predict_proba(TEXTS)[:, [0, 2]] - goal).mean()

    assert distance(taught) < distance(sure) / 2


def test_other_weights_of_the_same_name_are_refused(tiny_encoder, tiny_decoder, tmp_path):
    copy = shutil.copytree(tiny_encoder, tmp_path / "backbone")
    (tmp_path / "model").mkdir()
    fit(str(copy), epochs=1).save(tmp_path / "model")
    shutil.copy(tiny_decoder / "model.safetensors", copy / "model.safetensors")
    with pytest.raises(ModelError, match="holds other weights"):
        TransformerClassifier.load(tmp_path / "model")


def test_rows_that_lose_words_are_counted(tiny_encoder):
    classifier = fit(str(tiny_encoder), epochs=1, prompt="[CLS] {target} [SEP] {context} {text} [SEP]")
    assert classifier.count_truncated([("ab", "shield"), ("ab " * 100, "shield"), ("ab", "shield", "cd " * 100)]) == 2


def test_more_layers_than_there_are_is_an_error(tiny_encoder):
    with pytest.raises(ConfigError, match=r"model\.top_layers: the backbone has 2 layers, not 5"):
        fit(str(tiny_encoder), trained="lora", top_layers=5)


def test_the_pretrained_encoder_learns_to_read_the_target():
    labels = ["agree" if ("fine" in text) == (target == "shield") else "disagree" for text, target in TEXTS]
    classifier = TransformerClassifier(epochs=12, batch_size=8, checks=1, trained="layers", learning_rate=2e-4)
    classifier.fit(TEXTS, labels)
    assert classifier.score(TEXTS, labels) == 1.0
    new = [("Their harbour is fine", "shield"), ("Their harbour is fine", "treaty")]
    assert classifier.predict(new).tolist() == ["agree", "disagree"]


def test_a_compressed_model_is_close_and_is_kept_by_saving(tiny_encoder, tmp_path):
    classifier = fit(str(tiny_encoder), trained="layers", epochs=20, learning_rate=1e-2)
    compressed = classifier.compressed(8)
    np.testing.assert_allclose(compressed.predict_proba(TEXTS), classifier.predict_proba(TEXTS), atol=1e-3)
    assert any(".lora_B." in name for name in compressed.weights_)
    compressed.save(tmp_path)
    loaded = TransformerClassifier.load(tmp_path)
    np.testing.assert_array_equal(loaded.predict_proba(TEXTS), compressed.predict_proba(TEXTS))


def test_what_low_rank_leaves_out_is_the_smallest_singular_values(tiny_encoder):
    import torch

    from stance.models.encoders import load_backbone
    from stance.models.network import StanceNetwork, merge, to_low_rank

    networks = [StanceNetwork(load_backbone(tiny_encoder)[1], "text", 3, 0.0, segments=True) for _ in range(2)]
    name = "backbone.encoder.layer.1.output.dense.weight"
    before = dict(networks[0].named_parameters())[name].detach()
    change = torch.randn(before.shape, generator=torch.Generator().manual_seed(0))
    merge(networks[1], to_low_rank(networks[0], {name: before + change}, 4, 2.0), 2.0)
    error = dict(networks[1].named_parameters())[name].detach() - before - change
    left_out = torch.linalg.svdvals(change)[4:]
    assert float(error.norm()) == pytest.approx(float(left_out.norm()), rel=1e-4)
