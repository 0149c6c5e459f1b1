import json

import pyarrow.parquet
import pytest
import yaml

import stance
from stance.errors import ConfigError, DataError, ModelError


def test_a_run_folder_holds_what_the_design_says(run_folder):
    files = {path.relative_to(run_folder).as_posix() for path in run_folder.rglob("*") if path.is_file()}
    assert files == {
        "README.md", "config.yaml", "manifest.json", "metrics.json", "model/linear.safetensors",
        "predictions.parquet", "report.html",
    }  # fmt: skip
    manifest = json.loads((run_folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["seed"] == 13
    assert len(manifest["data"]["sha256"]) == 64
    assert manifest["versions"]["scikit-learn"]
    metrics = json.loads((run_folder / "metrics.json").read_text(encoding="utf-8"))
    assert set(metrics) == {"validation", "test"}
    assert metrics["test"]["n"] == pyarrow.parquet.read_metadata(run_folder / "predictions.parquet").num_rows
    card = (run_folder / "README.md").read_text(encoding="utf-8")
    assert yaml.safe_load(card.split("---")[1])["license"] == "apache-2.0"
    assert f"{metrics['test']['macro_f1']:.3f}" in card


def test_the_model_beats_the_majority(run_folder):
    test = json.loads((run_folder / "metrics.json").read_text(encoding="utf-8"))["test"]
    assert test["macro_f1"] > test["majority"]["macro_f1"] + 0.1


def test_the_same_config_gives_the_same_files(config_file, tmp_path):
    first = stance.train(config_file, out=tmp_path / "a" / "run")
    second = stance.train(config_file, out=tmp_path / "b" / "run")
    for file in sorted(first.folder.rglob("*")):
        if file.is_file():
            name = file.relative_to(first.folder)
            assert file.read_bytes() == (second.folder / name).read_bytes(), name


def test_the_run_of_a_resolved_config_is_the_same(run_folder, tmp_path):
    again = stance.train(run_folder / "config.yaml", out=tmp_path / "linear")
    assert (again.folder / "metrics.json").read_bytes() == (run_folder / "metrics.json").read_bytes()


def test_a_run_gives_its_predictor_and_figures(config_file, tmp_path):
    run = stance.train(config_file, ["model.C=0.5"], tmp_path / "run")
    assert run.config.model.parameters["C"] == 0.5
    assert run.predictor.predict("The shield works.").label in stance.LABELS
    assert run.evaluations["test"].macro_f1 == stance.evaluate(run.predictor, run.evaluations["test"].examples).macro_f1
    assert run.seconds > 0


@pytest.mark.filterwarnings("default::stance.errors.TruncationWarning")
def test_an_embedding_run_names_its_encoder(small_corpus, tiny_encoder, tmp_path):
    config = tmp_path / "embedding.yaml"
    config.write_text(
        f"data: {{sources: [{{path: {small_corpus}}}]}}\n"
        f"model: {{kind: embedding, encoder: {tiny_encoder}, max_tokens: 64}}\n",
        encoding="utf-8",
    )
    run = stance.train(config, out=tmp_path / "run")
    assert run.predictor.classifier.encoder == str(tiny_encoder)
    assert run.predictor.predict("The shield works.").label in stance.LABELS


def test_without_held_out_sentences_the_card_says_so(config_file, tmp_path):
    run = stance.train(config_file, ["data.splits={train: 1.0, validation: 0.0, test: 0.0}"], tmp_path / "run")
    assert run.evaluations == {}
    assert "No sentences were held out" in (run.folder / "README.md").read_text(encoding="utf-8")


def test_a_failed_training_leaves_nothing(config_file, tmp_path, monkeypatch):
    from stance.models import LinearClassifier

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(LinearClassifier, "_fit", stop)
    with pytest.raises(KeyboardInterrupt):
        stance.train(config_file, out=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_wrong_use_is_explained_before_anything_is_written(config_file, tmp_path):
    with pytest.raises(ConfigError, match='unknown key "Q"'):
        stance.train(config_file, ["model.Q=1"], tmp_path / "run")
    with pytest.raises(DataError, match="no file"):
        stance.train(config_file, ["data.sources.0.path=nowhere.csv"], tmp_path / "run")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "x").write_text("x", encoding="utf-8")
    with pytest.raises(ModelError, match="exists and is not a run"):
        stance.train(config_file, out=tmp_path / "mine")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_overrides_need_a_file(config_file):
    from stance.config import load_config

    with pytest.raises(ConfigError, match="overrides go with a config file"):
        stance.train(load_config(config_file), ["seed=1"])


@pytest.fixture
def transformer_config(small_corpus, tiny_encoder, tmp_path):
    """A config that fine-tunes the tiny encoder in seconds, and its checks do not warn of long rows."""
    config = tmp_path / "transformer.yaml"
    config.write_text(
        f"data: {{sources: [{{path: {small_corpus}}}]}}\n"
        f"model: {{kind: transformer, backbone: {tiny_encoder}, max_tokens: 64, epochs: 1, checks: 3}}\n",
        encoding="utf-8",
    )
    return config


@pytest.mark.filterwarnings("ignore::stance.errors.TruncationWarning")
def test_of_several_seeds_the_best_on_validation_is_kept(transformer_config, tmp_path):
    run = stance.train(transformer_config, ["seeds=[3, 1, 2]"], tmp_path / "run")
    assert [result.seed for result in run.seeds] == [3, 1, 2]
    best = max(run.seeds, key=lambda result: result.macro_f1["validation"])
    assert run.evaluations["validation"].macro_f1 == best.macro_f1["validation"]
    assert json.loads((run.folder / "manifest.json").read_text(encoding="utf-8"))["seed"] == best.seed
    written = json.loads((run.folder / "metrics.json").read_text(encoding="utf-8"))
    assert [row["macro_f1"]["test"] for row in written["seeds"]] == [result.macro_f1["test"] for result in run.seeds]
    assert run.predictor.predict("The shield works.").label in stance.LABELS


@pytest.mark.filterwarnings("ignore::stance.errors.TruncationWarning")
def test_a_run_that_was_killed_is_resumed_to_the_same_files(transformer_config, tmp_path, monkeypatch):
    from stance.models.finetuning import Finetuning

    whole = stance.train(transformer_config, out=tmp_path / "whole" / "run")
    save = Finetuning._save

    def die(self):
        save(self)
        raise KeyboardInterrupt

    monkeypatch.setattr(Finetuning, "_save", die)
    with pytest.raises(KeyboardInterrupt):
        stance.train(transformer_config, out=tmp_path / "run")
    monkeypatch.undo()
    assert (tmp_path / "run.checkpoints" / "seed-13" / "checkpoint.safetensors").is_file()
    resumed = stance.train(transformer_config, out=tmp_path / "run", resume=True)
    for name in ("metrics.json", "model/transformer.safetensors"):
        assert (resumed.folder / name).read_bytes() == (whole.folder / name).read_bytes(), name
    assert not (tmp_path / "run.checkpoints").exists()
