"""From torch to ONNX: the same answers without torch."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from stance import StancePredictor
from stance.cli import main
from stance.errors import ModelError
from stance.models import TransformerClassifier, packaged
from stance.models.export import export_folder

TEXTS = ["the shield is fine", "our radar plan is odd", "a base", "the site is fine, so is the plan"] * 4
LABELS = ["agree", "disagree", "neutral", "agree"] * 4


def train(backbone, folder):
    classifier = TransformerClassifier(backbone=str(backbone), trained="lora", epochs=2, learning_rate=1e-2)
    StancePredictor(classifier.fit(TEXTS, LABELS), "tiny", card="# A tiny model\n").save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def run(tiny_encoder, tmp_path_factory):
    return train(tiny_encoder, tmp_path_factory.mktemp("runs") / "encoder")


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    """The folder of the run's int8 export."""
    folder = tmp_path_factory.mktemp("exported") / "int8"
    assert export_folder(run, folder).sentences == 128
    return folder


@pytest.mark.parametrize("backbone", ["tiny_encoder", "tiny_decoder"])
@pytest.mark.parametrize(("format", "tolerance"), [("onnx", 1e-4), ("int8", 0.05)])
def test_the_exported_model_gives_the_same_probabilities(backbone, format, tolerance, request, tmp_path):
    run = train(request.getfixturevalue(backbone), tmp_path / "run")
    result = export_folder(run, tmp_path / "out", format)
    assert result.difference <= tolerance
    ours, original = (StancePredictor.from_pretrained(folder) for folder in (tmp_path / "out", run))
    difference = ours.predict_proba(TEXTS) - original.predict_proba(TEXTS)
    assert np.abs(difference).max() <= tolerance
    single = np.vstack([ours.predict_proba([text]) for text in TEXTS[:4]])
    np.testing.assert_allclose(single, ours.predict_proba(TEXTS[:4]), atol=1e-5 if format == "onnx" else tolerance)
    assert ours.card == "# A tiny model\n"


def test_an_exported_model_loads_neither_torch_nor_transformers_nor_sklearn(exported):
    code = (
        "import sys, stance; "
        f"p = stance.StancePredictor.from_pretrained({str(exported)!r}); "
        "assert p.predict('The shield works.').label in stance.LABELS; "
        "sys.exit(bool({'torch', 'transformers', 'datasets', 'onnx', 'sklearn', 'scipy'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_saving_an_exported_model_copies_it(exported, tmp_path):
    StancePredictor.from_pretrained(exported).save_pretrained(tmp_path / "copy")
    for name in ("graph.onnx", "tokenizer.json", "exported.json"):
        assert (tmp_path / "copy" / "model" / name).read_bytes() == (exported / "model" / name).read_bytes()


def test_a_changed_graph_is_refused_by_name(exported, tmp_path):
    shutil.copytree(exported, tmp_path / "out")
    graph = tmp_path / "out" / "model" / "graph.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelError, match=r"graph\.onnx is not the file that was saved"):
        StancePredictor.from_pretrained(tmp_path / "out")


def test_the_command_says_how_the_two_compare(run, tmp_path, capsys):
    assert main(["export", str(run), "--out", str(tmp_path / "out")]) == 0
    assert "of 128 labels as before" in capsys.readouterr().err
    assert json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))["exported"]["format"] == "int8"


def test_only_transformers_are_exported(run_folder, tmp_path, capsys):
    assert main(["export", str(run_folder), "--out", str(tmp_path / "out")]) == 2
    assert "is a linear model; only a transformer is exported" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_packaged_model_is_made_once_in_the_cache(run, tmp_path, monkeypatch):
    (tmp_path / "packaged").mkdir()
    monkeypatch.setattr(packaged, "_FOLDER", tmp_path / "packaged")
    monkeypatch.setenv("STANCEKIT_CACHE", str(tmp_path / "cache"))
    with pytest.raises(ModelError, match='does not carry the model "small"'):
        StancePredictor.from_pretrained()
    StancePredictor.from_pretrained(run).save_pretrained(tmp_path / "packaged" / "small")
    made = StancePredictor.from_pretrained()
    assert made.classifier.kind == "exported"
    monkeypatch.setattr(packaged, "_make", None)
    again = StancePredictor.from_pretrained("small")
    np.testing.assert_array_equal(again.predict_proba(TEXTS), made.predict_proba(TEXTS))


def test_a_model_that_stands_ready_in_the_package_is_taken(exported, tmp_path, monkeypatch):
    monkeypatch.setattr(packaged, "_FOLDER", tmp_path)
    shutil.copytree(exported, tmp_path / "large-int8")
    assert packaged.find_packaged("large") == tmp_path / "large-int8"
