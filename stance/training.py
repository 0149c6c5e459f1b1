"""A config in, a run folder out."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from stance.models import REGISTRY, make_classifier
from stance.models.store import CARD, new_folder, write_manifest
from stance.predictor import StancePredictor

RUNS = Path("runs")
_VERSIONED = ("stancekit", "scikit-learn", "numpy", "torch", "transformers")


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
        Time of the fit.
    """

    folder: Path
    config: TrainConfig
    evaluations: dict[str, Evaluation]
    seconds: float

    @cached_property
    def predictor(self) -> StancePredictor:
        """The trained model, loaded from the folder."""
        return StancePredictor.from_pretrained(self.folder)


def train(
    config: str | os.PathLike[str] | TrainConfig,
    overrides: Sequence[str] = (),
    out: str | os.PathLike[str] | None = None,
) -> Run:
    """Train as a config says and leave a run folder.

    The folder holds `config.yaml` (as resolved), `model/`, `metrics.json`, `predictions.parquet` (of the test
    split), `README.md` (the model card), `report.html` and `manifest.json` (sha256 of each file, versions, hash of
    the data, seed). It is written beside its place and renamed at the end; an earlier run of that name is replaced.
    The same config, data, seed and versions give the same predictions.

    Parameters
    ----------
    config : path or TrainConfig
        A config file, or what was loaded from one.
    overrides : sequence of str, default=()
        `key=value`, see `stance.config.load_config`; only with a path.
    out : path, default=None
        The run folder; runs/<name> where None.

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
    classifier = make_classifier(loaded.model.kind, loaded.model.parameters, loaded.seed)
    folder = Path(out) if out is not None else RUNS / (loaded.name or loaded.model.kind)
    with new_folder(folder, "run") as work:
        splits = build_splits(loaded.data)
        started = time.perf_counter()
        classifier.fit(splits["train"], [example.label for example in splits["train"]])
        seconds = time.perf_counter() - started
        facts = _facts(loaded, splits)
        predictor = StancePredictor(classifier, name=folder.name, manifest=facts)
        evaluations = {name: evaluate(predictor, part) for name, part in splits.items() if name != "train" and part}
        (work / "config.yaml").write_text(loaded.to_yaml(folder), encoding="utf-8")
        (work / "model").mkdir()
        classifier.save(work / "model")
        _write_results(work, evaluations, facts)
        write_manifest(work, facts | {"name": folder.name}, "run")
    return Run(folder=folder, config=loaded, evaluations=evaluations, seconds=seconds)


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
        "parameters": REGISTRY[config.model.kind](**config.model.parameters).get_params(),
        "seed": config.seed,
        "versions": versions,
        "data": {
            "sha256": fingerprint(splits),
            "sentences": {name: len(part) for name, part in splits.items()},
            "targets": sorted({example.target for example in splits["train"]}),
        },
    }


def _write_results(work: Path, evaluations: Mapping[str, Evaluation], facts: Mapping[str, Any]) -> None:
    metrics = {name: json.loads(evaluation.to_json()) for name, evaluation in evaluations.items()}
    text = json.dumps(metrics, indent=2, ensure_ascii=False)
    (work / "metrics.json").write_text(text + "\n", encoding="utf-8")
    if not evaluations:
        (work / CARD).write_text(write_card(None, facts), encoding="utf-8")
        return
    last = list(evaluations.values())[-1]  # the test split, or validation where there is no test
    last.write_predictions(work / "predictions.parquet")
    write_report(last, work / "report.html")
    (work / CARD).write_text(write_card(last, facts), encoding="utf-8")
