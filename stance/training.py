"""A config in, a run folder out."""

from __future__ import annotations

import json
import os
import platform
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

from stance.config import TrainConfig, load_config
from stance.data import build_splits, fingerprint
from stance.errors import ConfigError
from stance.evaluation import Evaluation, evaluate
from stance.evaluation.report import write_card, write_report
from stance.labels import Example
from stance.models import find_classifier, make_classifier
from stance.models.store import CARD, new_folder, write_manifest
from stance.predictor import StancePredictor

RUNS = Path("runs")
_VERSIONED = ("stancekit", "scikit-learn", "numpy", "torch", "transformers")


@dataclass(frozen=True)
class SeedResult:
    """What the training with one seed reached: macro-F1 by split, in [0, 1]."""

    seed: int
    macro_f1: dict[str, float]


@dataclass(frozen=True)
class Run:
    """What one training left.

    Attributes
    ----------
    folder : Path
        The run folder; `StancePredictor.from_pretrained(folder)` loads its model.
    config : TrainConfig
        As resolved.
    evaluations : dict of str to Evaluation
        By split: validation and test, where they hold sentences.
    seconds : float
        Time of the fit, of all seeds together.
    seeds : list of SeedResult
        One a seed, in the order of the config.
    """

    folder: Path
    config: TrainConfig
    evaluations: dict[str, Evaluation]
    seconds: float
    seeds: list[SeedResult]

    @cached_property
    def predictor(self) -> StancePredictor:
        """The trained model, loaded from the folder."""
        return StancePredictor.from_pretrained(self.folder)


def train(
    config: str | os.PathLike[str] | TrainConfig,
    overrides: Sequence[str] = (),
    out: str | os.PathLike[str] | None = None,
    *,
    resume: bool = False,
) -> Run:
    """Train as a config says and leave a run folder.

    The folder holds `config.yaml` (as resolved), `model/`, `metrics.json`, `predictions.parquet` (of the test
    split), `README.md` (the model card), `report.html` and `manifest.json` (sha256 of each file, versions, hash of
    the data, seed). It is written beside its place and renamed at the end; an earlier run of that name is replaced.
    The same config, data, seed and versions give the same predictions.

    With several `seeds` in the config there is one training a seed; the best on validation is kept, and the figures
    of all are in `metrics.json`. A classifier that trains in steps leaves checkpoints in `<folder>.checkpoints` until
    the run is whole.

    Parameters
    ----------
    config : path or TrainConfig
        A config file, or what was loaded from one.
    overrides : sequence of str, default=()
        `key=value`, see `stance.config.load_config`; only with a path.
    out : path, default=None
        The run folder; runs/<name> where None.
    resume : bool, default=False
        Go on from the checkpoints of a training that was stopped; the result is that of an unbroken one. Otherwise
        such checkpoints are deleted.

    Raises
    ------
    ConfigError, DataError, ModelError
        Config or data are wrong, or the folder cannot be written; all but a full disk before the fit begins.
    """
    if isinstance(config, TrainConfig):
        if overrides:
            raise ConfigError("overrides go with a config file, not with a loaded config")
        loaded = config
    else:
        loaded = load_config(config, overrides)
    seeds = loaded.seeds or [loaded.seed]
    classifiers = {seed: make_classifier(loaded.model.kind, loaded.model.parameters, seed) for seed in seeds}
    folder = Path(out) if out is not None else RUNS / (loaded.name or loaded.model.kind)
    checkpoints = folder.with_name(f"{folder.name}.checkpoints")
    if not resume:
        shutil.rmtree(checkpoints, ignore_errors=True)
    with new_folder(folder, "run") as work:
        splits = build_splits(loaded.data)
        facts = _facts(loaded, splits)
        results: list[SeedResult] = []
        chosen = -1.0
        seconds = 0.0
        for seed, candidate in classifiers.items():
            started = time.perf_counter()
            candidate.fit(
                *_columns(splits["train"]),
                validation=_columns(splits["validation"]) if splits["validation"] else None,
                checkpoints=checkpoints / f"seed-{seed}",
            )
            seconds += time.perf_counter() - started
            named = StancePredictor(candidate, name=folder.name, manifest=facts)
            measured = {name: evaluate(named, part) for name, part in splits.items() if name != "train" and part}
            results.append(SeedResult(seed, {name: evaluation.macro_f1 for name, evaluation in measured.items()}))
            score = results[-1].macro_f1.get("validation", 0.0)
            if score > chosen:
                chosen, classifier, evaluations = score, candidate, measured
                facts["seed"] = seed
        (work / "config.yaml").write_text(loaded.to_yaml(folder), encoding="utf-8")
        (work / "model").mkdir()
        classifier.save(work / "model")
        _write_results(work, evaluations, facts, results)
        write_manifest(work, facts | {"name": folder.name}, "run")
    shutil.rmtree(checkpoints, ignore_errors=True)
    return Run(folder=folder, config=loaded, evaluations=evaluations, seconds=seconds, seeds=results)


def _columns(examples: Sequence[Example]) -> tuple[Sequence[Example], list[str | None]]:
    return examples, [example.label for example in examples]


def _facts(config: TrainConfig, splits: Mapping[str, Sequence[Example]]) -> dict[str, Any]:
    """Return what the manifest says beside the files: nothing that differs between two equal trainings."""
    versions = {"python": platform.python_version()}
    for package in _VERSIONED:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {
        "kind": config.model.kind,
        "parameters": find_classifier(config.model.kind)(**config.model.parameters).get_params(),
        "seed": config.seed,
        "versions": versions,
        "data": {
            "sha256": fingerprint(splits),
            "sentences": {name: len(part) for name, part in splits.items()},
            "targets": sorted({example.target for example in splits["train"]}),
        },
    }


def _write_results(
    work: Path, evaluations: Mapping[str, Evaluation], facts: Mapping[str, Any], seeds: Sequence[SeedResult]
) -> None:
    metrics = {name: json.loads(evaluation.to_json()) for name, evaluation in evaluations.items()}
    if len(seeds) > 1:
        metrics["seeds"] = [asdict(result) for result in seeds]
    text = json.dumps(metrics, indent=2, ensure_ascii=False)
    (work / "metrics.json").write_text(text + "\n", encoding="utf-8")
    if not evaluations:
        (work / CARD).write_text(write_card(None, facts), encoding="utf-8")
        return
    last = list(evaluations.values())[-1]  # the test split, or validation where there is no test
    last.write_predictions(work / "predictions.parquet")
    write_report(last, work / "report.html")
    (work / CARD).write_text(write_card(last, facts), encoding="utf-8")
