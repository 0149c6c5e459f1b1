"""Measure models side by side on the corpus' test split and on labelled files of your own; print a Markdown table.

python scripts/benchmark_quality.py runs/linear runs/embedding small --data YOUR_REAL_SENTENCES.jsonl
"""

import argparse
from pathlib import Path

from stance import StancePredictor, evaluate
from stance.config import load_config
from stance.data import add_context, build_splits, read_examples

CONFIG = Path(__file__).parent.parent / "configs" / "linear.yaml"


def main() -> None:
    """Print macro-F1 with its interval, a row a model and a column a set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", help="run folders, packaged or hub names")
    parser.add_argument("--data", type=Path, nargs="*", default=[], help="labelled files")
    arguments = parser.parse_args()
    sets = {"held-out documents": build_splits(load_config(CONFIG).data)["test"]}
    sets |= {path.stem: add_context(read_examples(path)) for path in arguments.data}
    print("| model |" + "".join(f" {name} ({len(examples):,}) |" for name, examples in sets.items()))
    print("|---|" + "---|" * len(sets))
    for model in arguments.models:
        predictor = StancePredictor.from_pretrained(model)
        cells = []
        for examples in sets.values():
            evaluation = evaluate(predictor, examples)
            low, high = evaluation.interval
            cells.append(f" {evaluation.macro_f1:.3f} [{low:.3f}, {high:.3f}] |")
        print(f"| {Path(model).name} |" + "".join(cells), flush=True)


if __name__ == "__main__":
    main()
