import json
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stance import StancePredictor
from stance.errors import ModelError
from stance.models.store import check_manifest, new_folder, write_file


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    with pytest.raises(RuntimeError), new_folder(tmp_path / "run", "run") as work:
        (work / "half").write_text("x", encoding="utf-8")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with new_folder(tmp_path / "run", "run") as work:
        (work / "whole").write_text("x", encoding="utf-8")
        assert not (tmp_path / "run").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_an_earlier_model_is_replaced_and_anything_else_is_left_alone(run_copy, tmp_path):
    with new_folder(run_copy, "run") as work:
        (work / "new").write_text("x", encoding="utf-8")
    assert [path.name for path in run_copy.iterdir()] == ["new"]
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter").write_text("years of work", encoding="utf-8")
    with pytest.raises(ModelError, match="exists and is not a run"), new_folder(tmp_path / "thesis", "run"):
        pass
    assert (tmp_path / "thesis" / "chapter").read_text(encoding="utf-8") == "years of work"


def test_a_folder_of_other_content_or_with_files_of_others_is_left_alone(run_copy, tmp_path):
    with pytest.raises(ModelError, match="is not a dataset"), new_folder(run_copy, "dataset"):
        pass
    (run_copy / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ModelError, match="is not a run"), new_folder(run_copy, "run"):
        pass
    (tmp_path / "extension").mkdir()
    (tmp_path / "extension" / "manifest.json").write_text('{"name": "a browser extension"}', encoding="utf-8")
    with pytest.raises(ModelError, match="is not a run"), new_folder(tmp_path / "extension", "run"):
        pass
    assert (tmp_path / "extension" / "manifest.json").is_file()


def test_a_model_that_lacks_an_array_is_refused(run_copy):
    import hashlib

    from stance.models.store import load_arrays, save_arrays

    file = run_copy / "model" / "linear.safetensors"
    arrays, facts = load_arrays(file)
    del arrays["words"]
    save_arrays(file, arrays, facts)
    manifest = json.loads((run_copy / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"]["model/linear.safetensors"] = hashlib.sha256(file.read_bytes()).hexdigest()
    (run_copy / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(ModelError, match="lacks what a linear model needs"):
        StancePredictor.from_pretrained(run_copy)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_place_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ModelError, match="cannot write"), new_folder(tmp_path / "run", "run"):
        pass


def test_a_place_below_a_file_is_named(tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(ModelError, match="cannot write"), new_folder(tmp_path / "file" / "run", "run"):
        pass
    with pytest.raises(ModelError, match="cannot write"):
        write_file(tmp_path / "file" / "x.json", "{}")


def test_a_good_folder_passes(run_folder):
    manifest = check_manifest(run_folder)
    assert manifest["kind"] == "linear"
    assert set(manifest["files"]) == {
        "config.yaml", "metrics.json", "model/linear.safetensors", "predictions.parquet", "report.html",
    }  # fmt: skip


def test_the_card_may_be_edited(run_copy):
    (run_copy / "README.md").write_text("# Mine", encoding="utf-8")
    check_manifest(run_copy)


def spoil_missing(folder):
    (folder / "model" / "linear.safetensors").unlink()
    return r"linear\.safetensors is missing"


def spoil_changed(folder):
    with (folder / "config.yaml").open("a", encoding="utf-8") as file:
        file.write("\n")
    return r"config\.yaml is not the file that was saved"


def spoil_added(folder):
    (folder / "model" / "extra.bin").write_bytes(b"x")
    return r"extra\.bin is not in the manifest"


def spoil_link(folder):
    file = folder / "model" / "linear.safetensors"
    moved = folder.parent / "elsewhere"
    shutil.move(file, moved)
    file.symlink_to(moved)
    return r"linear\.safetensors is a link"


def spoil_folder_link(folder):
    moved = folder.parent / "elsewhere"
    shutil.move(folder / "model", moved)
    (folder / "model").symlink_to(moved)
    return r"linear\.safetensors is a link"


def spoil_manifest(folder):
    (folder / "manifest.json").write_text('{"kind": "linear"', encoding="utf-8")
    return r"manifest\.json is damaged"


def spoil_no_manifest(folder):
    (folder / "manifest.json").unlink()
    return r"not a model folder: it has no manifest\.json"


def spoil_traversal(folder):
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"]["../../secret"] = "0" * 64
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return r'names "\.\./\.\./secret", a file outside the folder'


def spoil_kind(folder):
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (folder / "manifest.json").write_text(json.dumps(manifest | {"kind": "oracle"}), encoding="utf-8")
    return 'kind "oracle", which this version does not know'


SPOILS = [value for name, value in sorted(globals().items()) if name.startswith("spoil_")]


@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__)
def test_a_spoilt_folder_is_refused_by_name(run_copy, spoil):
    message = spoil(run_copy)
    with pytest.raises(ModelError, match=message):
        StancePredictor.from_pretrained(run_copy)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_flipped_bit_is_refused(run_folder, tmp_path_factory, data):
    folder = Path(shutil.copytree(run_folder, tmp_path_factory.mktemp("flip") / "run"))
    name = data.draw(st.sampled_from(sorted(check_manifest(folder)["files"])))
    content = bytearray((folder / name).read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    (folder / name).write_bytes(content)
    with pytest.raises(ModelError, match=Path(name).name):
        StancePredictor.from_pretrained(folder)
    shutil.rmtree(folder)
