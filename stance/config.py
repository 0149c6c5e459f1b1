"""Typed configs from YAML: what to read, how to split it, which classifier to fit.

A config file has four keys, of which only `data` and `model` are needed::

    name: linear                      # names the run folder, runs/<name>
    seed: 13                          # of everything random in the training; or several: seeds: [1, 2, 3]
    data:
      sources:
        - path: ../data/corpus        # file or folder, relative to the config file
      splits: {train: 0.7, validation: 0.15, test: 0.15}
    model:
      kind: linear                    # further keys are the classifier's parameters
      C: 1.0
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    ValidationError,
    field_validator,
    model_validator,
)

from stance.errors import ConfigError, nearest
from stance.labels import DEFAULT_TARGET

Label = Literal["disagree", "neutral", "agree"]
Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, Split, Split] = ("train", "validation", "test")

Column = Literal[
    "id", "text", "target", "label", "context", "holder", "document_id", "position", "date", "source", "split"
]


class _Strict(BaseModel):
    """A section of a config: unknown keys are refused, and the nearest right one is named."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _name_unknown_keys(cls, data: Any) -> Any:
        if isinstance(data, dict) and cls.model_config.get("extra") == "forbid":
            for key in data:
                if key not in cls.model_fields:
                    known = ", ".join(cls.model_fields)
                    hint = nearest(str(key), cls.model_fields)
                    raise ValueError(f'unknown key "{key}"{hint} (known: {known})')
        return data


class SourceConfig(_Strict):
    """One file or folder of examples, and how its columns and labels are called there."""

    path: Path
    columns: dict[Column, str] = Field(default_factory=dict)
    """Our column name -> the file's, where they differ."""
    labels: dict[str, Label] = Field(default_factory=dict)
    """The file's label -> ours; where given, no other label is accepted."""
    target: str = Field(default=DEFAULT_TARGET, min_length=1)
    """The target of rows that name none."""
    split: Split | None = None
    """Put every row in this split; None splits by document."""

    @field_validator("labels", mode="before")
    @classmethod
    def _numbers_as_text(cls, value: Any) -> Any:
        # 0: disagree is a number to YAML; true and no are left to be refused, since nobody can tell what was written
        if isinstance(value, dict):
            return {str(k) if isinstance(k, int) and not isinstance(k, bool) else k: v for k, v in value.items()}
        return value

    texts: list[Path] | None = None
    """Given, `path` holds stand-off labels, and these are the folders that may hold their texts."""


class SplitConfig(_Strict):
    """Shares of the documents' sentences, in [0, 1]; they sum to 1."""

    train: float = Field(default=0.7, gt=0, le=1)
    validation: float = Field(default=0.15, ge=0, lt=1)
    test: float = Field(default=0.15, ge=0, lt=1)

    @model_validator(mode="after")
    def _sum_to_one(self) -> Self:
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-6:
            raise ValueError(f"train, validation and test must sum to 1, not {total:g}")
        return self


class DataConfig(_Strict):
    """What to read and how to split it."""

    sources: list[SourceConfig] = Field(min_length=1)
    splits: SplitConfig = SplitConfig()
    seed: int = Field(default=13, ge=0, lt=2**32)
    """Of the splits alone, so that trainings with other seeds share them."""
    max_words: PositiveInt = 200
    """A longer text is an error: it is not a sentence."""
    held_out: list[Path] = Field(default_factory=list)
    """JSONL files of sha1, source and path: what is measured on, and so never trained on."""


class ModelConfig(_Strict):
    """Which classifier; the other keys are its parameters, checked by the classifier itself."""

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: str

    @property
    def parameters(self) -> dict[str, Any]:
        """The classifier's parameters as given."""
        return dict(self.model_extra or {})


class TrainConfig(_Strict):
    """All that one training needs."""

    name: str = Field(default="", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$|^$", validate_default=False)
    seed: int = Field(default=13, ge=0, lt=2**32)
    seeds: list[Annotated[int, Field(ge=0, lt=2**32)]] = Field(default_factory=list)
    """Given, one training a seed instead of `seed`'s; the best on validation is kept."""
    data: DataConfig
    model: ModelConfig

    @field_validator("name", mode="before")
    @classmethod
    def _name_as_text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) else value

    def to_yaml(self, folder: Path) -> str:
        """Write the config as YAML, its paths relative to `folder`."""
        data = self.model_dump(mode="json", exclude_defaults=False)
        for source in data["data"]["sources"]:
            source["path"] = _relative(source["path"], folder)
            source["texts"] = source["texts"] and [_relative(path, folder) for path in source["texts"]]
        data["data"]["held_out"] = [_relative(path, folder) for path in data["data"]["held_out"]]
        return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)


def load_config(path: str | os.PathLike[str], overrides: Sequence[str] = ()) -> TrainConfig:
    """Read a config file.

    Parameters
    ----------
    path : str or path
        A YAML file, UTF-8. Paths in it are relative to its folder.
    overrides : sequence of str, default=()
        `key=value` with dotted keys and YAML values, as from `--set`: `model.C=3`, `data.sources.0.path=x.csv`.

    Raises
    ------
    ConfigError
        The file is missing, is no YAML, has an unknown key (the nearest is named) or a wrong value.
    """
    path = Path(path)
    data = _read_yaml(path)
    for override in overrides:
        _apply(data, override)
    try:
        config = TrainConfig.model_validate(data)
    except ValidationError as error:
        raise ConfigError(f"{path}: {explain(error)}") from None
    return _resolve(config, path)


def explain(error: ValidationError) -> str:
    """Put pydantic's findings into one line each: the dotted key, what is wrong, the value found."""
    lines = []
    for found in error.errors():
        # pydantic names the branch of a union too, such as literal['balanced']; that is no key of the config
        where = ".".join(str(part) for part in found["loc"] if "[" not in str(part))
        message = found["msg"].removeprefix("Value error, ")
        message = message[:1].lower() + message[1:]
        value = found["input"]
        given = f", not {value!r}" if isinstance(value, str | int | float | bool) else ""
        lines.append(f"{where}: {message}{given}" if where else message)
    return "\n  ".join(lines)


def _relative(path: str, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()


def _read_yaml(path: Path) -> dict[str, Any]:
    if path.is_dir():
        raise ConfigError(f"{path} is a folder, not a config file; name a YAML file, such as configs/linear.yaml")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        beside = [entry.name for entry in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
        raise ConfigError(f"no config file {path}{nearest(path.name, beside)}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    try:
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ConfigError(f"{path} is not valid YAML: {where}{error.problem}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{path} holds no config: expected keys such as data and model at the top")
    return data


def _apply(data: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key:
        raise ConfigError(f'--set takes key=value, not "{override}"')
    *parents, last = key.split(".")
    node: Any = data
    for parent in parents:
        node = node.setdefault(parent, {}) if isinstance(node, dict) else _item(node, parent, override)
    try:
        parsed = yaml.safe_load(value)
    except yaml.YAMLError:
        raise ConfigError(f'--set {override}: "{value}" is not valid YAML') from None
    if isinstance(node, dict):
        node[last] = parsed
    else:
        _item(node, last, override)
        node[int(last)] = parsed


def _item(node: Any, index: str, override: str) -> Any:
    if isinstance(node, list) and index.isdecimal() and int(index) < len(node):
        return node[int(index)]
    raise ConfigError(f'--set {override}: there is no "{index}" to go into')


def _resolve(config: TrainConfig, path: Path) -> TrainConfig:
    folder = path.parent
    sources = [
        source.model_copy(
            update={
                "path": folder / source.path,
                "texts": source.texts and [folder / path for path in source.texts],
            }
        )
        for source in config.data.sources
    ]
    held_out = [folder / path for path in config.data.held_out]
    data = config.data.model_copy(update={"sources": sources, "held_out": held_out})
    return config.model_copy(update={"data": data, "name": config.name or path.stem})
