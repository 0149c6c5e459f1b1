"""Measure speed, start-up and memory of trained models and print a Markdown table.

python scripts/benchmark_speed.py runs/linear runs/embedding
Each model runs in a process of its own. Sentences come from the corpus, so they have real lengths; each is made
distinct by a number at its end, so that no cache answers for the model.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

CORPUS = Path(__file__).parent.parent / "data" / "corpus"


def load_sentences(n: int) -> list[str]:
    """Return n distinct sentences of the corpus' lengths."""
    texts = [
        json.loads(line)["text"] for file in sorted(CORPUS.glob("*.jsonl")) for line in file.open(encoding="utf-8")
    ]
    return [f"{texts[i % len(texts)]} ({i})" for i in range(n)]


def score_part(folder: str, texts: list[str]) -> int:
    """Score in a process of its own: the second core."""
    from stance import StancePredictor

    return len(StancePredictor.from_pretrained(folder).predict_proba(texts))


def measure(folder: str, sentences: int) -> dict[str, float]:
    """Return the figures of one model, measured in this process."""
    started = time.perf_counter()
    from stance import StancePredictor

    predictor = StancePredictor.from_pretrained(folder)
    predictor.predict("Missile defence is on the agenda.")
    figures = {"start-up s": time.perf_counter() - started}
    texts = load_sentences(sentences)
    for name, batch, part in (
        ("batch 1", 1, texts[:200]),
        ("batch 32", 32, texts[:3200]),
        ("whole", sentences, texts),
    ):
        part = part[: max(batch, min(len(part), sentences))]
        started = time.perf_counter()
        for start in range(0, len(part), batch):
            predictor.predict_proba(part[start : start + batch])
        figures[f"{name}, sentences/s"] = len(part) / (time.perf_counter() - started)
    figures["resident MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return figures


def measure_two_processes(folder: str, sentences: int) -> float:
    """Return sentences/s of two processes at once, their start-up not counted."""
    texts = load_sentences(2 * sentences)
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(score_part, [folder] * 2, [texts[:8], texts[:8]]))
        started = time.perf_counter()
        list(pool.map(score_part, [folder] * 2, [texts[:sentences], texts[sentences:]]))
        return 2 * sentences / (time.perf_counter() - started)


def main() -> None:
    """Measure each model given and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["runs/linear", "runs/embedding"])
    parser.add_argument("--sentences", type=int, help="for the column whole (default: 40000 linear, 2000 others)")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.models[0], arguments.sentences)))
        return
    rows = {}
    for model in arguments.models:
        kind = json.loads((Path(model) / "manifest.json").read_text(encoding="utf-8"))["kind"]
        sentences = arguments.sentences or (40_000 if kind == "linear" else 2_000)
        command = [sys.executable, __file__, model, "--one", "--sentences", str(sentences)]
        rows[model] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        if kind == "linear":
            rows[model]["two processes, sentences/s"] = measure_two_processes(model, sentences)
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    print("| model |" + "".join(f" {column} |" for column in columns))
    print("|---|" + "---:|" * len(columns))
    for model, row in rows.items():
        cells = [
            f" {row[c]:,.2f} |" if c == "start-up s" else f" {row[c]:,.0f} |" if c in row else " |" for c in columns
        ]
        print(f"| {Path(model).name} |" + "".join(cells))
    print(f"\n{os.cpu_count()} cores; {sys.platform}", file=sys.stderr)


if __name__ == "__main__":
    main()
