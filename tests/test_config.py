import os

import pytest
import yaml

from stance.config import load_config
from stance.errors import ConfigError
from stance.models import make_classifier


@pytest.fixture
def write(tmp_path):
    def write_config(text):
        path = tmp_path / "config.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_config


GOOD = "data:\n  sources:\n    - path: corpus.csv\nmodel:\n  kind: linear\n  C: 2.5\n"


def test_a_config_is_read_with_its_defaults(write, tmp_path):
    config = load_config(write(GOOD))
    assert config.name == "config"
    assert config.seed == config.data.seed == 13
    assert config.data.sources[0].path == tmp_path / "corpus.csv"
    assert config.data.sources[0].target == "missile defence"
    assert config.data.splits.train == 0.7
    assert config.model.kind == "linear"
    assert config.model.parameters == {"C": 2.5}


def test_the_shipped_configs_load_and_name_real_classifiers():
    from tests.conftest import REPOSITORY

    files = sorted((REPOSITORY / "configs").glob("*.yaml"))
    assert len(files) >= 2
    for file in files:
        config = load_config(file)
        assert config.data.sources[0].path.resolve() == REPOSITORY / "data" / "corpus"
        make_classifier(config.model.kind, config.model.parameters)


def test_labels_may_be_numbers(write):
    config = load_config(write(GOOD.replace("corpus.csv", "c.csv\n      labels: {0: disagree, 1: agree}")))
    assert config.data.sources[0].labels == {"0": "disagree", "1": "agree"}


def test_overrides_reach_every_depth(write):
    config = load_config(write(GOOD), ["seed=7", "model.C=3", "data.sources.0.target=NATO", "data.splits.train=0.7"])
    assert (config.seed, config.model.parameters["C"], config.data.sources[0].target) == (7, 3, "NATO")


def test_a_resolved_config_gives_the_same_config_again(write, tmp_path):
    config = load_config(write(GOOD))
    folder = tmp_path / "runs" / "x"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(config.to_yaml(folder), encoding="utf-8")
    assert str(tmp_path) not in (folder / "config.yaml").read_text(encoding="utf-8")
    again = load_config(folder / "config.yaml")
    assert os.path.realpath(again.data.sources[0].path) == os.path.realpath(config.data.sources[0].path)
    assert again.model_copy(update={"data": config.data}) == config


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data:\n  sorces: []\nmodel: {kind: linear}\n", 'data: unknown key "sorces"; did you mean "sources"?'),
        ("datta: {}\nmodel: {kind: linear}\n", 'unknown key "datta"; did you mean "data"?'),
        ("data: {sources: [{path: x}]}\nmodel: {}\n", "model.kind: field required"),
        ("data: {sources: []}\nmodel: {kind: linear}\n", "data.sources: list should have at least 1 item"),
        (GOOD + "seed: many\n", "seed: .*valid integer.*not 'many'"),
        (GOOD + "seed: -1\n", "seed: .*greater than or equal to 0, not -1"),
        (GOOD + "name: ../x\n", "name: string should match pattern"),
        (GOOD.replace("corpus.csv", "c.csv\n      labels: {pro: yes}"), "data.sources.0.labels.pro: .*not True"),
        (GOOD.replace("model:", "  splits: {train: 0.9}\nmodel:"), "data.splits: .*must sum to 1, not 1.2"),
        ("data: [1\n", r"not valid YAML: line 2, column 1"),
        ("- 1\n- 2\n", "holds no config"),
        ("", "holds no config"),
    ],
)
def test_a_bad_config_is_explained(write, text, message):
    with pytest.raises(ConfigError, match=message):
        load_config(write(text))


def test_a_missing_config_names_the_nearest_file(write):
    path = write(GOOD)
    with pytest.raises(ConfigError, match=r'no config file .*confg\.yaml; did you mean "config\.yaml"'):
        load_config(path.with_name("confg.yaml"))


def test_a_folder_is_no_config(tmp_path):
    with pytest.raises(ConfigError, match="is a folder"):
        load_config(tmp_path)


def test_a_config_that_is_not_utf_8_is_refused(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_bytes(b"name: caf\xe9\n")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_config(path)


@pytest.mark.parametrize("override", ["seed", "=3", "data.sources.4.path=x", "model.C=[1"])
def test_a_bad_override_is_named(write, override):
    with pytest.raises(ConfigError, match=r"--set"):
        load_config(write(GOOD), [override])


@pytest.mark.parametrize(
    ("kind", "parameters", "message"),
    [
        ("linaer", {}, 'no classifier "linaer"; did you mean "linear"?'),
        ("linear", {"c": 1}, 'model: unknown key "c"; did you mean "C"?'),
        ("linear", {"C": -1}, "model.C: .*greater than 0, not -1"),
        ("linear", {"C": "strong"}, "model.C: .*valid number.*not 'strong'"),
        ("linear", {"character_ngrams": [0, 5]}, "model.character_ngrams.0: .*not 0"),
        ("embedding", {"class_weight": "even"}, "model.class_weight: .*'balanced', not 'even'"),
    ],
)
def test_a_bad_model_section_is_explained(kind, parameters, message):
    with pytest.raises(ConfigError, match=message):
        make_classifier(kind, parameters)


def test_yaml_tags_that_make_objects_are_refused(write):
    with pytest.raises(ConfigError, match="not valid YAML"):
        load_config(write("name: !!python/object/apply:os.system ['true']\n"))
    assert yaml.safe_load("x: 1") == {"x": 1}
