"""What the package promises as a whole: its names, its weight, its layers."""

import ast
import subprocess
import sys
import time
from pathlib import Path

import pytest

import stance

PACKAGE = Path(stance.__file__).parent
LAYERS = [
    {"labels", "errors", "progress", "pages"},
    {"config"},
    {"data", "text"},
    {"models"},
    {"evaluation"},
    {"predictor"},
    {"training", "scoring", "articles"},
    {"commands", "cli", "integrations"},
]


def test_public_names_are_frozen():
    assert stance.__all__ == [
        "LABELS",
        "Evaluation",
        "Example",
        "Prediction",
        "Run",
        "StancePredictor",
        "analyse_article",
        "build_dataset",
        "evaluate",
        "train",
    ]
    assert all(getattr(stance, name) is not None for name in stance.__all__)
    assert set(stance.__all__) <= set(dir(stance))


def test_labels_are_in_their_order():
    assert stance.LABELS == ("disagree", "neutral", "agree")


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        stance.nonsense  # noqa: B018


def _seconds(*command):
    best = 99.0
    for _ in range(3):
        started = time.perf_counter()
        subprocess.run([sys.executable, *command], check=True, capture_output=True)
        best = min(best, time.perf_counter() - started)
    return best


def test_import_is_fast_and_light():
    heavy = "{'torch', 'transformers', 'sklearn', 'datasets', 'numpy', 'pandas'}"
    code = f"import stance, sys; sys.exit(bool({heavy} & set(sys.modules)))"
    assert _seconds("-c", code) < 0.5


def test_help_is_fast():
    assert _seconds("-m", "stance.cli", "--help") < 0.7


def test_predicting_with_the_linear_model_loads_no_torch(run_folder):
    code = (
        "import sys, stance; "
        f"stance.StancePredictor.from_pretrained({str(run_folder)!r}).predict('The shield works.'); "
        "sys.exit(bool({'torch', 'transformers', 'datasets'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def _imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("stance"):
            names = [alias.name for alias in node.names] if node.module == "stance" else [node.module.split(".")[1]]
            yield from names
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("stance."))


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_imports_point_downwards(path):
    level = {name: number for number, layer in enumerate(LAYERS) for name in layer}
    home = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if home == "__init__":
        return
    for imported in _imports(path):
        assert imported == home or level.get(imported, -1) < level[home] or imported == "commands", imported


def test_no_code_path_can_open_a_pickle():
    forbidden = {"pickle", "joblib", "dill", "cloudpickle", "marshal", "shelve"}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert not forbidden & {alias.name.split(".")[0] for alias in node.names}, path
            elif isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] not in forbidden, path
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert (node.value.id, node.attr) not in {("torch", "load"), ("yaml", "load")}, path
