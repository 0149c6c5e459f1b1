"""What the README shows must run as it stands there."""

import re
import shlex

import pytest

from stance.cli import main
from tests.conftest import REPOSITORY

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


# the texts of the stand-off labels are not here, and a build says so
pytestmark = pytest.mark.filterwarnings("ignore::stance.errors.MissingTextWarning")


@pytest.fixture
def workplace(tmp_path, monkeypatch, run_folder, small_corpus):
    """A folder as a clone looks after `make run`, with a small corpus."""
    import shutil

    shutil.copytree(small_corpus, tmp_path / "data" / "corpus")
    shutil.copytree(REPOSITORY / "data" / "standoff", tmp_path / "data" / "standoff")
    shutil.copytree(REPOSITORY / "configs", tmp_path / "configs")
    shutil.copytree(REPOSITORY / "data" / "examples", tmp_path / "data" / "examples")
    shutil.copytree(run_folder, tmp_path / "runs" / "linear")
    (tmp_path / "sentences.txt").write_text("The shield works.\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_python_code_runs(workplace, capsys):
    found = blocks("python")
    assert len(found) >= 2
    for code in found:
        exec(compile(code, "README.md", "exec"), {})
    assert "The radar was switched on in May." in capsys.readouterr().out


def test_the_commands_run(workplace, monkeypatch, capsys):
    commands = [line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")]
    assert len(commands) >= 6
    for command in commands:
        command, _, stdin = command.partition(" < ")
        words = shlex.split(command)
        assert words[0] == "stance"
        if stdin:
            monkeypatch.setattr("sys.stdin", (workplace / stdin).open(encoding="utf-8"))
        assert main(words[1:]) == 0, command
    assert "macro-F1" in capsys.readouterr().out


def test_the_yaml_is_a_config(workplace):
    from stance.config import load_config

    [text] = blocks("yaml")
    (workplace / "mine.yaml").write_text(text, encoding="utf-8")
    assert load_config("mine.yaml").data.sources[0].labels == {
        "FAVOR": "agree",
        "AGAINST": "disagree",
        "NONE": "neutral",
    }


def test_the_make_targets_exist():
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", README, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
