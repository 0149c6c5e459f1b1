"""Train on growing parts of the corpus and measure on its test split and, where you have one, on a set of your own.

python scripts/benchmark_learning_curve.py configs/linear.yaml configs/embedding.yaml --data dev.jsonl --out build/curve

Parts are whole documents, drawn in an order that the seed decides; each larger part holds the smaller ones. With
stand-off sources in the config, every size is measured with and without them.
Writes curve.json, curve.md and curve.png.
"""

import argparse
import functools
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stance import StancePredictor, evaluate
from stance.config import load_config
from stance.data import build_splits, read_examples
from stance.labels import Example
from stance.models import embedding, make_classifier

SIZES = (500, 1000, 2000, 4000, 8000)


class RememberingEncoder(embedding.SentenceEncoder):
    """An encoder that computes each text once in this process, since every size holds the smaller ones."""

    def __init__(self, name: str, max_tokens: int = 256) -> None:
        super().__init__(name, max_tokens)
        self.known: dict[tuple[str, int], np.ndarray] = {}

    def encode(self, texts: Sequence[str], layers: int = 1, batch_size: int = 32) -> np.ndarray:
        """Return what the parent returns."""
        new = [text for text in dict.fromkeys(texts) if (text, layers) not in self.known]
        vectors = super().encode(new, layers, batch_size) if new else []
        self.known.update(((text, layers), vector) for text, vector in zip(new, vectors, strict=True))
        return np.stack([self.known[text, layers] for text in texts])


def order_by_document(examples: list[Example], seed: int) -> list[list[Example]]:
    """Return the documents in an order that only the seed and their ids decide."""
    documents: dict[str, list[Example]] = {}
    for example in examples:
        documents.setdefault(example.document_id or example.id, []).append(example)
    return [documents[key] for key in sorted(documents, key=lambda k: hashlib.sha256(f"{seed}:{k}".encode()).digest())]


def take(documents: list[list[Example]], size: int) -> list[Example]:
    """Return the first documents that together hold at least `size` sentences."""
    taken: list[Example] = []
    for document in documents:
        if len(taken) >= size:
            break
        taken += document
    return taken


def measure(config_path: str, data: list[str], seed: int) -> list[dict[str, object]]:
    """Return one row a size, stand-off part and measuring set."""
    config = load_config(config_path)
    splits = build_splits(config.data)
    sources = {example.source for example in splits["train"]} - {""}
    own = [example for example in splits["train"] if not example.source]
    standoff = [example for example in splits["train"] if example.source in sources]
    sets = {"test": splits["test"], **{Path(path).stem: read_examples(path) for path in data}}
    documents = order_by_document(own, seed)
    rows = []
    for size in [*[s for s in SIZES if s < len(own)], len(own)]:
        part = take(documents, size)
        for extra in [[], standoff] if standoff else [[]]:
            training = part + extra
            classifier = make_classifier(config.model.kind, config.model.parameters, config.seed)
            classifier.fit(training, [example.label for example in training])
            predictor = StancePredictor(classifier)
            for name, examples in sets.items():
                result = evaluate(predictor, examples)
                row = {"model": config.model.kind, "sentences": len(part), "stand-off": len(extra), "set": name}
                row |= {"macro_f1": result.macro_f1, "low": result.interval[0], "high": result.interval[1]}
                rows.append(row)
                print(json.dumps(row), flush=True)
    return rows


def write_table(rows: list[dict[str, object]], path: Path) -> None:
    """Write the rows as a Markdown table."""
    lines = ["| model | sentences | stand-off | set | macro-F1 | 95 % interval |", "|---|---:|---:|---|---:|---|"]
    for row in rows:
        lines.append(
            f"| {row['model']} | {row['sentences']:,} | {row['stand-off']:,} | {row['set']} | {row['macro_f1']:.3f} "
            f"| {row['low']:.3f} to {row['high']:.3f} |"
        )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def plot(rows: list[dict[str, object]], path: Path) -> None:
    """Draw macro-F1 over the number of sentences, one line a model and stand-off part, one panel a set."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    sets = list(dict.fromkeys(row["set"] for row in rows))
    figure, panels = plt.subplots(1, len(sets), figsize=(5 * len(sets), 3.6), squeeze=False, layout="constrained")
    for panel, name in zip(panels[0], sets, strict=True):
        lines: dict[tuple[object, bool], list[tuple[float, float, float, float]]] = {}
        for row in rows:
            if row["set"] == name:
                point = (row["sentences"], row["macro_f1"], row["low"], row["high"])
                lines.setdefault((row["model"], bool(row["stand-off"])), []).append(point)
        for (model, extra), points in lines.items():
            x, y, low, high = zip(*points, strict=True)
            [line] = panel.plot(
                x, y, "--o" if extra else "-o", ms=3, label=f"{model}{' with stand-off' if extra else ''}"
            )
            panel.fill_between(x, low, high, alpha=0.08, color=line.get_color())
        panel.set_xscale("log")
        panel.set_title(f"on {name}")
        panel.set_xlabel("sentences of the corpus in training")
        panel.set_ylabel("macro-F1")
        panel.legend(fontsize=8, frameon=False)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Measure, and write the table and the plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("configs", nargs="+")
    parser.add_argument("--data", nargs="*", default=[], help="labelled files to measure on, never to train on")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("build/learning-curve"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    embedding.load_encoder = functools.cache(RememberingEncoder)
    rows = [row for config in arguments.configs for row in measure(config, arguments.data, arguments.seed)]
    (arguments.out / "curve.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    write_table(rows, arguments.out / "curve.md")
    plot(rows, arguments.out / "curve.png")


if __name__ == "__main__":
    main()
