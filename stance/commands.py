"""What each command of `stance` does with its arguments; imported when one runs, so that --help is quick."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import mean, median, stdev
from typing import TYPE_CHECKING, Any

from stance.errors import InputError
from stance.labels import LABELS, Example, Prediction, is_unicode

if TYPE_CHECKING:
    from rich.console import Console

    from stance.evaluation import Evaluation

_ENOUGH = 500
"""Sentences from which shares and probes say something about a collection."""

Command = Callable[[Namespace], int]


def predict(arguments: Namespace) -> int:
    """Predict texts given as arguments or, one a line, on stdin."""
    from stance.predictor import StancePredictor

    texts = arguments.texts or _stdin_lines()
    for number, text in enumerate(arguments.texts):
        if not is_unicode(text):
            raise InputError(f"text {number} is not UTF-8; check the terminal's encoding")
    predictor = StancePredictor.from_pretrained(arguments.model)
    if arguments.format == "jsonl":
        for prediction in predictor.stream({"text": text, "target": arguments.target} for text in texts):
            _write(json.dumps(asdict(prediction), ensure_ascii=False))
        return 0
    _print_predictions(predictor.predict(list(texts), target=arguments.target))
    return 0


def article(arguments: Namespace) -> int:
    """Predict every sentence of a text file."""
    from stance.articles import analyse_article
    from stance.predictor import StancePredictor

    text = _read_text(arguments.file)
    predictor = StancePredictor.from_pretrained(arguments.model)
    sentences = analyse_article(text, arguments.target, predictor)
    if arguments.format == "jsonl":
        for sentence in sentences:
            fields = asdict(sentence)
            prediction = fields.pop("prediction")
            del prediction["target"]
            _write(json.dumps({**fields, **prediction}, ensure_ascii=False))
        return 0
    _print_predictions([sentence.prediction for sentence in sentences])
    return 0


def train(arguments: Namespace) -> int:
    """Train from a config and say where the run is and how good."""
    from stance.evaluation.report import comparison_table
    from stance.training import train as run_training

    run = run_training(arguments.config, arguments.overrides, arguments.out, resume=arguments.resume)
    _note(f"{run.folder}: fitted in {run.seconds:.1f} s")
    for split in run.seeds[0].macro_f1 if len(run.seeds) > 1 else []:
        scores = [result.macro_f1[split] for result in run.seeds]
        each = ", ".join(f"{score:.3f} (seed {result.seed})" for score, result in zip(scores, run.seeds, strict=True))
        _note(f"{split} macro-F1 {mean(scores):.3f}, standard deviation {stdev(scores):.3f}: {each}")
    if run.evaluations:
        split, evaluation = list(run.evaluations.items())[-1]
        _note(f"figures on the {split} split:")
        _console().print(comparison_table([evaluation]))
    return 0


def evaluate(arguments: Namespace) -> int:
    """Measure one model or several on the same sentences."""
    from stance.evaluation import evaluate as run_evaluation
    from stance.evaluation.report import comparison_table, confusion_table, errors_table
    from stance.predictor import StancePredictor

    examples = _labelled(arguments.data, arguments.split)
    predictors = [StancePredictor.from_pretrained(model) for model in arguments.models or [None]]
    names = _distinct([predictor.name for predictor in predictors])
    evaluations = [run_evaluation(p, examples, name=name) for p, name in zip(predictors, names, strict=True)]
    console = _console()
    console.print(comparison_table(evaluations))
    for evaluation in evaluations:
        console.print(confusion_table(evaluation))
    for evaluation in evaluations if arguments.errors > 0 else []:
        console.print(errors_table(evaluation, arguments.errors))
    if arguments.out:
        folder = Path(arguments.out)
        for number, evaluation in enumerate(evaluations):
            _write_evaluation(evaluation, folder / names[number] if len(evaluations) > 1 else folder)
        _note(f"written to {folder}")
    return 0


def export(arguments: Namespace) -> int:
    """Export a trained transformer and say how it compares with the original."""
    from stance.models.export import export_folder

    run = Path(arguments.run)
    out = Path(arguments.out) if arguments.out else run.with_name(f"{run.name}-{arguments.format}")
    result = export_folder(run, out, arguments.format)
    _note(
        f"{out}: {result.megabytes:.1f} MB, {result.agreement:.1%} of {result.sentences} labels as before, "
        f"probabilities differ by at most {result.difference:.1g}"
    )
    return 0


def data_build(arguments: Namespace) -> int:
    """Write the splits of a config as three Parquet files."""
    import pyarrow
    import pyarrow.parquet

    from stance.config import load_config
    from stance.data import build_splits, fingerprint
    from stance.data.dataset import as_rows
    from stance.models.store import new_folder, write_manifest

    splits = build_splits(load_config(arguments.config).data)
    with new_folder(Path(arguments.out), "dataset") as work:
        for name, part in splits.items():
            if part:
                pyarrow.parquet.write_table(pyarrow.Table.from_pylist(as_rows(part)), work / f"{name}.parquet")
        write_manifest(work, {"sha256": fingerprint(splits)}, "dataset")
    _print_split_table(splits)
    _note(f"written to {arguments.out}")
    return 0


def data_hydrate(arguments: Namespace) -> int:
    """Write the texts of stand-off labels, found by offset or hash, where a build looks for them."""
    from stance.data.standoff import as_copy, describe_missing, hydrate, read_annotations
    from stance.models.store import write_file

    labels = Path(arguments.labels)
    for place in arguments.texts:
        if not Path(place).exists():
            raise InputError(f"there is no {place}; name folders of clones, or JSONL files with a text column")
    hydrated = hydrate(read_annotations(labels), [Path(place) for place in arguments.texts])
    if hydrated.examples:
        file = Path(arguments.out) / f"{labels.stem}.jsonl"
        write_file(file, "".join(as_copy(example) + "\n" for example in hydrated.examples))
        _note(f"{len(hydrated.examples)} texts written to {file}")
    if hydrated.missing:
        _note(f"{hydrated.missing.total()} texts are missing:\n{describe_missing(hydrated.missing)}")
    return 1 if hydrated.missing else 0


def data_check(arguments: Namespace) -> int:
    """List everything wrong with a source."""
    from stance.data import collect_findings

    examples, findings = collect_findings(_data_config(arguments.source))
    if len(examples) >= _ENOUGH:
        from stance.data.statistics import check_statistics, describe

        findings += check_statistics(describe(examples), arguments.source)
    for finding in findings:
        _write(str(finding))
    errors = sum(finding.level == "error" for finding in findings)
    _note(f"{len(examples)} sentences, {errors} errors, {len(findings) - errors} warnings")
    return 1 if errors else 0


def data_show(arguments: Namespace) -> int:
    """Count what a source holds, and show its first sentences of each label."""
    from stance.data import build_splits, read_examples

    source = Path(arguments.source)
    if _is_config(source):
        splits = build_splits(_data_config(arguments.source))
        _print_split_table(splits)
        examples = [example for part in splits.values() for example in part]
    else:
        examples = read_examples(source)
        _print_split_table({"all": examples})
    if arguments.html:
        from stance.data.page import render_page
        from stance.data.statistics import describe
        from stance.models.store import write_file

        labelled = [example for example in examples if example.label]
        if not labelled:
            raise InputError(f"{source} holds no labelled sentences to describe")
        write_file(Path(arguments.html), render_page(describe(labelled), labelled, f"The sentences of {source.name}"))
        _note(f"written to {arguments.html}")
    for label in LABELS:
        for example in [e for e in examples if e.label == label][: max(arguments.n, 0)]:
            _write(f"{label}\t{example.target}\t{' '.join(example.text.split())}")
    return 0


def _distinct(names: Sequence[str]) -> list[str]:
    """Number the names that occur twice."""
    return [name if names.count(name) == 1 else f"{name}-{names[: i + 1].count(name)}" for i, name in enumerate(names)]


def _labelled(source: str, split: str | None) -> list[Example]:
    from stance.data import add_context, build_splits, read_examples

    path = Path(source)
    if _is_config(path):
        examples = build_splits(_data_config(source))[split or "test"]
        if not examples:
            raise InputError(f"{source} leaves no sentences for {split or 'test'}")
        return examples
    examples = add_context(read_examples(path))
    if split:
        if not any("split" in example.metadata for example in examples):
            raise InputError(f"{source} has no split column; leave --split out, or name a config as --data")
        examples = [example for example in examples if example.metadata.get("split") == split]
    if not examples:
        raise InputError(f"{source} has no sentences" + (f" of the split {split}" if split else ""))
    return examples


def _data_config(source: str) -> Any:
    from stance.config import DataConfig, SourceConfig, load_config

    if _is_config(Path(source)):
        return load_config(source).data
    return DataConfig(sources=[SourceConfig(path=Path(source))])


def _is_config(path: Path) -> bool:
    return path.suffix in {".yaml", ".yml"}


def _write_evaluation(evaluation: Evaluation, folder: Path) -> None:
    from stance.models.store import write_file

    write_file(folder / "metrics.json", evaluation.to_json() + "\n")
    for name, write in (
        ("predictions.parquet", evaluation.write_predictions),
        ("report.html", evaluation.report),
    ):
        beside = folder / f".{name}.part"
        write(beside)
        beside.replace(folder / name)


def _stdin_lines() -> Iterable[str]:
    if sys.stdin.isatty():
        _note("reading sentences from the keyboard, one a line; Ctrl-D ends")
    blank = []
    found = False
    for number, line in enumerate(_decode_lines(), start=1):
        text = line.rstrip("\r\n")
        if text.strip():
            found = True
            yield text
        else:
            blank.append(number)
    if blank:
        _note(f"left out {len(blank)} blank lines: {', '.join(map(str, blank[:10]))}{' ...' if blank[10:] else ''}")
    if not found:
        raise InputError("no sentence given; write one as an argument, or give some on stdin, one a line")


def _decode_lines() -> Iterable[str]:
    for number, line in enumerate(sys.stdin.buffer, start=1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"stdin, line {number}: not UTF-8 (byte {error.start}); convert it with iconv") from None


def _read_text(file: str) -> str:
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return raw.decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"no file {file}") from None
    except IsADirectoryError:
        raise InputError(f"{file} is a folder; name a text file") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not UTF-8 text (byte {error.start}); convert it to plain text first") from None


def _print_predictions(predictions: Sequence[Prediction]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(show_edge=False, pad_edge=False)
    table.add_column("stance")
    for label in LABELS:
        table.add_column(label, justify="right")
    table.add_column("sentence", overflow="fold")
    for prediction in predictions:
        shares = [f"{prediction.probabilities[label]:.2f}" for label in LABELS]
        table.add_row(prediction.label, *shares, Text(_printable(prediction.text)))
    _console().print(table)


def _print_split_table(splits: dict[str, list[Example]]) -> None:
    from rich.table import Table

    table = Table(show_edge=False, pad_edge=False)
    for column in ("split", "documents", "sentences", *LABELS, "targets", "median words"):
        table.add_column(column, justify="left" if column == "split" else "right")
    for name, part in splits.items():
        labels = Counter(example.label for example in part)
        documents = len({example.document_id or example.id for example in part})
        words = median(len(example.text.split()) for example in part) if part else 0
        targets = len({example.target for example in part})
        counts = [documents, len(part), *(labels[label] for label in LABELS), targets, int(words)]
        table.add_row(name, *(f"{count:,}" for count in counts))
    _console().print(table)


def _printable(text: str) -> str:
    """Show control characters and overrides of writing direction instead of obeying them."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\u{ord(c):04x}" for c in text)


def _console() -> Console:
    from rich.console import Console

    # a pipe has no width: 100 columns are what a log or a README shows
    return Console(width=None if sys.stdout.isatty() else 100, highlight=False, markup=False)


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")


def _note(message: str) -> None:
    sys.stderr.write(f"stance: {message}\n")
