"""Everything as a user does it: arguments in, exit code, stdout and stderr out."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from stance import LABELS
from stance.cli import main

SENTENCE = "The shield protects our cities."


@pytest.fixture
def stance(capsys, monkeypatch):
    """Run the command line in this process and return (exit code, stdout, stderr)."""

    def run(*arguments, stdin=None):
        if stdin is not None:
            import io

            raw = stdin if isinstance(stdin, bytes) else stdin.encode()
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8"))
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stop:  # argparse's own errors
            code = stop.code
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return code, out, err

    return run


def test_predict_prints_a_table(stance, run_folder):
    code, out, err = stance("predict", SENTENCE, "No to the radar.", "--model", run_folder)
    assert code == 0
    assert err == ""
    assert SENTENCE in out
    assert any(label in out for label in LABELS)


def test_predict_writes_json_lines_with_the_promised_fields(stance, run_folder):
    code, out, _ = stance(
        "predict", "--model", run_folder, "--format", "jsonl", "--target", "NATO", stdin="One here.\nTwo “há”.\n"
    )
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [row["text"] for row in rows] == ["One here.", "Two “há”."]
    assert list(rows[0]) == ["text", "target", "label", "probabilities", "confidence", "score"]
    assert rows[0]["target"] == "NATO"
    assert list(rows[0]["probabilities"]) == list(LABELS)


def test_blank_lines_on_stdin_are_left_out_and_named(stance, run_folder):
    code, out, err = stance("predict", "--model", run_folder, "--format", "jsonl", stdin="One.\n\n  \nTwo.\n")
    assert (code, len(out.splitlines())) == (0, 2)
    assert "left out 2 blank lines: 2, 3" in err


def test_control_characters_are_shown_and_not_obeyed(stance, run_folder):
    code, out, _ = stance("predict", "red \x1b[31m \u202eevil \x07 text", "🚀 שלום", "--model", run_folder)
    assert code == 0
    assert not {"\x1b", "\u202e", "\x07"} & set(out)
    assert "\\u001b" in out
    assert "🚀" in out


@pytest.mark.filterwarnings("default::stance.errors.TruncationWarning")
def test_a_text_of_100000_words_is_predicted_and_the_cut_reported(stance, run_folder):
    code, out, err = stance("predict", "--model", run_folder, "--format", "jsonl", stdin="shield " * 100_000)
    assert code == 0
    assert json.loads(out)["label"] in LABELS
    assert "warning: 1 of 1 texts are longer than the model reads" in err


def test_article_gives_every_sentence_with_its_offsets(stance, run_folder, tmp_path):
    text = "Headline on the shield\n\nThe minister spoke. He was for it."
    (tmp_path / "article.txt").write_text(text, encoding="utf-8")
    code, out, _ = stance("article", tmp_path / "article.txt", "--model", run_folder, "--format", "jsonl")
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [text[row["start"] : row["end"]] for row in rows] == [row["text"] for row in rows]
    assert [row["position"] for row in rows] == [0, 1, 2]
    assert stance("article", "-", "--model", run_folder, stdin=text)[0] == 0


def test_train_then_evaluate_then_predict(stance, config_file, tmp_path):
    run, out = tmp_path / "run", tmp_path / "evaluation"
    code, printed, err = stance("train", config_file, "--set", "model.C=1", "seed=3", "--out", run)
    assert code == 0
    assert "macro-F1" in printed
    assert f"{run}: fitted in" in err
    code, printed, _ = stance("evaluate", "--model", run, "--data", config_file, "--split", "validation", "--out", out)
    assert code == 0
    assert "majority" in printed
    assert "most confident errors" in printed
    assert {path.name for path in out.iterdir()} == {"metrics.json", "predictions.parquet", "report.html"}
    figure = json.loads((run / "metrics.json").read_text(encoding="utf-8"))["validation"]["macro_f1"]
    assert json.loads((out / "metrics.json").read_text(encoding="utf-8"))["macro_f1"] == figure
    assert stance("predict", SENTENCE, "--model", run)[0] == 0


def test_two_models_are_evaluated_side_by_side(stance, run_folder, run_copy, small_corpus, tmp_path):
    data = small_corpus / "corpus.jsonl"
    code, out, _ = stance(
        "evaluate", "--model", run_folder, run_copy, "--data", data, "--out", tmp_path / "both", "--errors", "0"
    )
    assert code == 0
    assert "95 % interval" in out
    assert "most confident errors" not in out
    assert {path.name for path in (tmp_path / "both").iterdir()} == {"linear-1", "linear-2"}


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_output_is_utf_8_whatever_the_locale(run_folder, encoding):
    command = [sys.executable, "-m", "stance.cli", "predict", "Yes 👍", "--model", str(run_folder)]
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    done = subprocess.run(command, capture_output=True, env=environment, check=True)
    assert "Yes 👍" in done.stdout.decode("utf-8")


def test_closed_streams_are_no_traceback(run_folder):
    command = f"{sys.executable} -m stance.cli predict Yes --model {run_folder} >&- 2>/dev/null <&-"
    assert subprocess.run(["bash", "-c", command], check=False).returncode == 0


def test_evaluate_takes_a_split_column(stance, run_folder, tmp_path):
    rows = [{"text": f"The shield {n} works.", "label": "agree", "split": "test" if n else "train"} for n in range(4)]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    code, out, _ = stance("evaluate", "--model", run_folder, "--data", tmp_path / "x.jsonl", "--split", "test")
    assert code == 0
    assert "3 sentences" in out


def test_data_build_check_and_show(stance, config_file, small_corpus, tmp_path):
    code, out, err = stance("data", "build", config_file, "--out", tmp_path / "built")
    assert code == 0
    assert {"train.parquet", "validation.parquet", "test.parquet", "manifest.json"} == {
        path.name for path in (tmp_path / "built").iterdir()
    }
    assert "documents" in out
    code, out, err = stance("data", "check", config_file)
    assert (code, out) == (0, "")
    assert "0 errors" in err
    code, out, _ = stance("data", "show", small_corpus, "-n", "2")
    assert code == 0
    assert out.count("\tmissile defence\t") == 6
    code, out, _ = stance("data", "check", tmp_path / "built")
    assert code == 0


def test_data_check_lists_every_bad_row_and_exits_with_1(stance, tmp_path):
    (tmp_path / "x.csv").write_text("text,label\na b c,agree\nd e f,pro\n,agree\n", encoding="utf-8")
    code, out, err = stance("data", "check", tmp_path / "x.csv")
    assert code == 1
    assert 'row 3: unknown label "pro"' in out
    assert "row 4: text is empty" in out
    assert "1 sentences, 2 errors" in err


BAD_FILES = {
    "empty.csv": b"",
    "latin.csv": b"text,label\ncaf\xe9,agree\n",
    "columns.csv": b"sentence,label\na,agree\n",
    "label.csv": b"text,label\na,agree\nb,pro\n",
}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict", ""], "text 0 is empty"),
        (["predict", "a", "  "], "text 1 is empty"),
        (["predict", "a", "--target", ""], "target 0 is empty"),
        (["predict", "a", "--model", "{tmp}/none"], "no model folder"),
        (["predict", "a", "--model", "{tmp}"], "not a model folder"),
        (["article", "{tmp}/none.txt"], "no file"),
        (["article", "{tmp}"], "is a folder"),
        (["article", "{tmp}/latin.csv"], "not UTF-8"),
        (["article", "{tmp}/empty.csv"], "the article is empty"),
        (["train", "{tmp}/none.yaml"], "no config file"),
        (["train", "{tmp}"], "is a folder, not a config file"),
        (["train", "{tmp}/syntax.yaml"], "not valid YAML: line 2"),
        (["train", "{tmp}/key.yaml"], 'unknown key "modle"; did you mean "model"?'),
        (["train", "{config}", "--set", "model.C=-1"], "model.C: input should be greater than 0, not -1"),
        (["train", "{config}", "--set", "model.C=x"], "model.C: input should be a valid number"),
        (["train", "{config}", "--set", "model.C=.inf"], "model.C: "),
        (["train", "{config}", "--set", "model.character_ngrams=[5, 2]"], "the shortest n-gram comes first"),
        (["train", "{config}", "--set", "model.min_document_frequency=100000"], "no term occurs in 100000 texts"),
        (["train", "{config}", "--set", "model.class_weight={FOO: 1}"], "cannot fit linear"),
        (["train", "{config}", "--set", "seed"], "--set takes key=value"),
        (["train", "{config}", "--out", "{tmp}"], "exists and is not a run"),
        (["train", "{config}", "--out", "{tmp}/empty.csv/run"], "cannot write"),
        (["train", "{config}", "--out", "{tmp}/empty.csv"], "exists and is not a run"),
        (["train", "{config}", "--set", "data.sources.0.path=/nowhere.csv"], "no file /nowhere.csv"),
        (["evaluate", "--data", "{tmp}/none.csv"], "no file"),
        (["evaluate", "--data", "{tmp}/empty.csv"], "is empty"),
        (["evaluate", "--data", "{tmp}/latin.csv"], "not UTF-8 (byte 0xe9)"),
        (["evaluate", "--data", "{tmp}/columns.csv"], 'no column "text"'),
        (["evaluate", "--data", "{tmp}/label.csv"], 'row 3: unknown label "pro"'),
        (["evaluate", "--data", "{tmp}"], "columns.csv has no column"),
        (["evaluate", "--data", "{config}", "--split", "nope"], "invalid choice"),
        (["data", "build", "{config}", "--out", "{tmp}"], "exists and is not a dataset"),
        (["data", "show", "{tmp}/none.csv"], "no file"),
        (["nonsense"], "invalid choice"),
        ([], "usage"),
    ],
)
def test_bad_input_is_explained(stance, config_file, run_folder, tmp_path, arguments, message):
    for name, content in BAD_FILES.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "syntax.yaml").write_text("data: [1\n", encoding="utf-8")
    (tmp_path / "key.yaml").write_text("data: {sources: [{path: x.csv}]}\nmodle: {kind: linear}\n", encoding="utf-8")
    before = sorted(tmp_path.rglob("*"))
    arguments = [part.replace("{tmp}", str(tmp_path)).replace("{config}", str(config_file)) for part in arguments]
    if arguments[:1] == ["train"] and "--out" not in arguments:
        arguments += ["--out", str(tmp_path / "run")]
    if arguments and arguments[0] in {"predict", "article", "evaluate"} and "--model" not in arguments:
        arguments += ["--model", str(run_folder)]
    code, out, err = stance(*arguments)
    assert code == 2
    assert message in err
    assert out == ""
    assert sorted(tmp_path.rglob("*")) == before


def test_a_changed_model_is_refused_by_name(stance, run_copy):
    with (run_copy / "model" / "linear.safetensors").open("ab") as file:
        file.write(b"x")
    code, _, err = stance("predict", SENTENCE, "--model", run_copy)
    assert code == 2
    assert "linear.safetensors is not the file that was saved" in err
    (run_copy / "model" / "linear.safetensors").unlink()
    code, _, err = stance("predict", SENTENCE, "--model", run_copy)
    assert code == 2
    assert "linear.safetensors is missing" in err


def test_stdin_that_is_not_utf_8_names_the_line(stance, run_folder):
    code, _, err = stance("predict", "--model", run_folder, stdin=b"fine\ncaf\xe9\n")
    assert code == 2
    assert "stdin, line 2: not UTF-8" in err
    code, _, err = stance("predict", "--model", run_folder, stdin=b"")
    assert code == 2
    assert "no sentence given" in err


def test_a_packaged_model_that_is_not_there_says_how_to_get_one(capsys, monkeypatch, tmp_path):
    from stance.models import packaged

    monkeypatch.setattr(packaged, "_FOLDER", tmp_path)
    assert main(["predict", "The shield works.", "--model", "large"]) == 2
    assert "train one with: stance train configs/large.yaml" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_folder_is_named(stance, config_file, tmp_path):
    tmp_path.chmod(0o500)
    code, _, err = stance("train", config_file, "--out", tmp_path / "run")
    assert code == 2
    assert "cannot write" in err


def test_a_training_that_is_stopped_ends_with_one_line_and_130(stance, config_file, tmp_path, monkeypatch):
    from stance.models import LinearClassifier

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(LinearClassifier, "_fit", stop)
    code, out, err = stance("train", config_file, "--out", tmp_path / "run")
    assert (code, out, err.count("\n")) == (130, "", 1)
    assert list(tmp_path.iterdir()) == []


def test_control_c_ends_a_real_process_with_one_line_and_130(run_folder):
    command = [sys.executable, "-m", "stance.cli", "predict", "--model", str(run_folder), "--format", "jsonl"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert (out, err) == ("", "stance: stopped; nothing half-written is left\n")


def test_a_reader_that_has_seen_enough_is_no_error(run_folder, tmp_path):
    (tmp_path / "many.txt").write_text("The shield works well.\n" * 20_000, encoding="utf-8")
    command = (
        f"{sys.executable} -m stance.cli predict --model {run_folder} --format jsonl < {tmp_path}/many.txt | head -n 1"
    )
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert json.loads(done.stdout)["text"] == "The shield works well."
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("script", ["build_dataset.py", "train.py", "evaluate.py", "predict.py"])
def test_the_scripts_are_the_commands(script):
    from tests.conftest import REPOSITORY

    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "scripts" / script), "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "usage" in done.stdout
